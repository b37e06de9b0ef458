/* What the shop's own bookkeeping has of its sales and refunds. One row an entry. */
MODEL (
  name silver.stg_shop_ledger,
  kind FULL,
  owner data_engineer,
  grain entry_id,
  audits (
    not_null(columns := (entry_id, order_id, kind, amount, currency, booked_at)),
    unique_values(columns := entry_id)
  )
);

WITH latest AS (
  @rows_now(lake.bronze.pg_shop_ledger, entry_id)
)
SELECT
  entry_id::TEXT AS entry_id, /* The database's number of the entry */
  order_id::TEXT AS order_id, /* Shopify's number of the order */
  kind::TEXT AS kind, /* sale or refund */
  amount::DECIMAL(18, 2) AS amount, /* Amount that was booked, in currency */
  currency::TEXT AS currency, /* ISO 4217 code */
  @plain(booked_at)::TIMESTAMP AS booked_at /* When it counts, UTC */
FROM latest

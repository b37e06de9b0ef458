/* Payouts to the bank. One row a payout. */
MODEL (
  name gold.fact_payouts,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = payout_id, follows = (
        silver.stg_stripe_payouts = payout_id
    ))
  ),
  owner data_engineer,
  grain payout_id,
  audits (
    not_null(columns := (payout_id, amount, currency, status, payout_date)),
    unique_values(columns := payout_id),
    accepted_values(
      "column" := status,
      is_in := ('paid', 'pending', 'in_transit', 'canceled', 'failed')
    )
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), payouts AS (
  SELECT
    payouts.*,
    @local_date(payouts.created_at, shop.time_zone) AS payout_date,
    @local_date(payouts.arrival_at, 'UTC') AS arrival_date
  FROM silver.stg_stripe_payouts AS payouts
  CROSS JOIN shop
)
SELECT
  payout_id::TEXT AS payout_id, /* Stripe's id of the payout */
  balance_transaction_id::TEXT AS balance_transaction_id, /* Stripe's id of the movement of the balance */
  amount::DECIMAL(18, 2) AS amount, /* Amount paid out; negative when it was taken back */
  currency::TEXT AS currency, /* ISO 4217 code */
  status::TEXT AS status, /* paid, pending, in_transit, canceled or failed */
  method::TEXT AS method, /* standard or instant */
  is_automatic::BOOLEAN AS is_automatic, /* Whether Stripe's schedule made it */
  failure_code::TEXT AS failure_code, /* Why it failed; NULL when it didn't */
  is_live::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  created_at::TIMESTAMP AS created_at, /* When it was made, UTC */
  arrival_date::DATE AS arrival_date, /* Day it should be in the bank */
  payout_date::DATE AS payout_date, /* Day it was made, in the shop's time zone */
  @date_key(payout_date)::INT AS payout_date_key /* That day as yyyymmdd, the key of dim_date */
FROM payouts

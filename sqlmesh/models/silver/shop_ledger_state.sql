/* Whether the shop keeps a ledger in its own database at all. One row. */
MODEL (
  name silver.shop_ledger_state,
  kind FULL,
  owner data_engineer,
  grain is_kept,
  audits (not_null(columns := is_kept), unique_values(columns := is_kept))
);

SELECT
  (
    COUNT(*) > 0
  )::BOOLEAN AS is_kept /* Whether there is any entry */
FROM silver.stg_shop_ledger

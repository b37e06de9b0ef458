/* Stock as the shop's own database has it. One row a stock keeping unit. */
MODEL (
  name silver.stg_shop_stock,
  kind FULL,
  owner data_engineer,
  grain sku,
  audits (not_null(columns := (sku, on_hand)), unique_values(columns := sku))
);

WITH latest AS (
  @rows_now(lake.bronze.pg_shop_stock, sku)
)
SELECT
  sku::TEXT AS sku, /* Stock keeping unit */
  product_id::TEXT AS product_id, /* Shopify's number of the product */
  variant_id::TEXT AS variant_id, /* Shopify's number of the variant */
  on_hand::BIGINT AS on_hand, /* Pieces there */
  @plain(updated_at)::TIMESTAMP AS updated_at /* When it last changed, UTC */
FROM latest

/* Stock as the shop's own database has it. One row a stock keeping unit. */
MODEL (
  name silver.stg_shop_stock,
  kind FULL,
  owner data_engineer,
  grain sku,
  audits (not_null(columns := (sku, on_hand)), unique_values(columns := sku))
);

WITH emptied AS (
  SELECT
    COALESCE(MAX(_commit_lsn), -1) AS emptied_lsn
  FROM lake.bronze.pg_shop_stock
  WHERE
    _op = 't'
), latest AS (
  SELECT
    *
  FROM lake.bronze.pg_shop_stock
  WHERE
    _op <> 't'
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY sku ORDER BY _commit_lsn DESC, _ordinal DESC, _load_id DESC) = 1
    AND _op <> 'd'
)
SELECT
  latest.sku::TEXT AS sku, /* Stock keeping unit */
  latest.product_id::TEXT AS product_id, /* Shopify's number of the product */
  latest.variant_id::TEXT AS variant_id, /* Shopify's number of the variant */
  latest.on_hand::BIGINT AS on_hand, /* Pieces there */
  @plain(latest.updated_at)::TIMESTAMP AS updated_at /* When it last changed, UTC */
FROM latest
CROSS JOIN emptied
WHERE
  latest._commit_lsn > emptied.emptied_lsn

/* Movements of the stock, as the shop's own database has them. One row a movement. */
MODEL (
  name silver.stg_shop_stock_movements,
  kind FULL,
  owner data_engineer,
  grain movement_id,
  audits (
    not_null(columns := (movement_id, sku, change)),
    unique_values(columns := movement_id)
  )
);

WITH emptied AS (
  SELECT
    COALESCE(MAX(_commit_lsn), -1) AS emptied_lsn
  FROM lake.bronze.pg_shop_stock_movements
  WHERE
    _op = 't'
), latest AS (
  SELECT
    *
  FROM lake.bronze.pg_shop_stock_movements
  WHERE
    _op <> 't'
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY movement_id ORDER BY _commit_lsn DESC, _ordinal DESC, _load_id DESC) = 1
    AND _op <> 'd'
)
SELECT
  latest.movement_id::TEXT AS movement_id, /* The database's number of the movement */
  latest.sku::TEXT AS sku, /* Stock keeping unit */
  latest.order_id::TEXT AS order_id, /* Shopify's number of the order that moved it; NULL when none did */
  latest.change::BIGINT AS change, /* Pieces: negative when they left */
  latest.reason::TEXT AS reason, /* sale or restock */
  @plain(latest.moved_at)::TIMESTAMP AS moved_at /* When it moved, UTC */
FROM latest
CROSS JOIN emptied
WHERE
  latest._commit_lsn > emptied.emptied_lsn

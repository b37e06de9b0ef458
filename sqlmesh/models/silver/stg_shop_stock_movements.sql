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

WITH latest AS (
  @rows_now(lake.bronze.pg_shop_stock_movements, movement_id)
)
SELECT
  movement_id::TEXT AS movement_id, /* The database's number of the movement */
  sku::TEXT AS sku, /* Stock keeping unit */
  order_id::TEXT AS order_id, /* Shopify's number of the order that moved it; NULL when none did */
  change::BIGINT AS change, /* Pieces: negative when they left */
  reason::TEXT AS reason, /* sale, restock or correction */
  @plain(moved_at)::TIMESTAMP AS moved_at /* When it moved, UTC */
FROM latest

/* What is in stock where, as the shop last described it. One row an inventory item and location. */
MODEL (
  name silver.stg_shopify_inventory_levels,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = inventory_level_id,
      follows = (
        lake.bronze.shopify_inventory_levels = id
      )
    )
  ),
  owner data_engineer,
  grain inventory_level_id,
  audits (
    not_null(columns := (inventory_level_id, inventory_item_id, location_id)),
    unique_values(columns := inventory_level_id),
    documents_have_ids(source := lake.bronze.shopify_inventory_levels)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'item.id',
      'location.id',
      'quantities[].name',
      'quantities[].quantity',
      'updatedAt'
    ) AS doc
  FROM lake.bronze.shopify_inventory_levels
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), quantities AS (
  @items_of(documents, doc, 'quantities', quantity)
), counts AS (
  SELECT
    id,
    MAX(
      CASE
        WHEN @at(quantity, 'name') = 'available'
        THEN TRY_CAST(@at(quantity, 'quantity') AS BIGINT)
      END
    ) AS available,
    MAX(
      CASE
        WHEN @at(quantity, 'name') = 'committed'
        THEN TRY_CAST(@at(quantity, 'quantity') AS BIGINT)
      END
    ) AS committed,
    MAX(
      CASE
        WHEN @at(quantity, 'name') = 'incoming'
        THEN TRY_CAST(@at(quantity, 'quantity') AS BIGINT)
      END
    ) AS incoming,
    MAX(
      CASE
        WHEN @at(quantity, 'name') = 'on_hand'
        THEN TRY_CAST(@at(quantity, 'quantity') AS BIGINT)
      END
    ) AS on_hand,
    MAX(
      CASE
        WHEN @at(quantity, 'name') = 'reserved'
        THEN TRY_CAST(@at(quantity, 'quantity') AS BIGINT)
      END
    ) AS reserved
  FROM quantities
  GROUP BY
    id
)
SELECT
  documents.id::TEXT AS inventory_level_id, /* Shopify's id of the level, whole: its number alone isn't the item's */
  @bare_id(@at(doc, 'item.id'))::TEXT AS inventory_item_id, /* Shopify's number of the inventory item */
  @bare_id(@at(doc, 'location.id'))::TEXT AS location_id, /* Shopify's number of the location */
  counts.available::BIGINT AS available, /* Pieces that can be sold */
  counts.committed::BIGINT AS committed, /* Pieces that are promised to orders */
  counts.incoming::BIGINT AS incoming, /* Pieces on their way in */
  counts.on_hand::BIGINT AS on_hand, /* Pieces that are there */
  counts.reserved::BIGINT AS reserved, /* Pieces set aside */
  @utc(@at(doc, 'updatedAt'))::TIMESTAMP AS updated_at /* When the level last changed, UTC */
FROM documents
LEFT JOIN counts
  ON counts.id = documents.id

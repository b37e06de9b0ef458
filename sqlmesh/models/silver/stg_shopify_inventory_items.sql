/* What can be in stock, as the shop last described it. One row an inventory item, which is a variant's. */
MODEL (
  name silver.stg_shopify_inventory_items,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = inventory_item_id,
      follows = (
        lake.bronze.shopify_inventory_items = @bare_id(id)
      )
    )
  ),
  owner data_engineer,
  grain inventory_item_id,
  audits (
    not_null(columns := (inventory_item_id, is_tracked)),
    unique_values(columns := inventory_item_id),
    documents_have_ids(source := lake.bronze.shopify_inventory_items)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'sku',
      'tracked',
      'requiresShipping',
      'unitCost.amount',
      'unitCost.currencyCode',
      'createdAt',
      'updatedAt'
    ) AS doc
  FROM lake.bronze.shopify_inventory_items
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  @bare_id(id)::TEXT AS inventory_item_id, /* Shopify's number of the inventory item */
  @at(doc, 'sku')::TEXT AS sku, /* Stock keeping unit */
  COALESCE(@at(doc, 'tracked') = 'true', FALSE)::BOOLEAN AS is_tracked, /* Whether Shopify counts its stock */
  COALESCE(@at(doc, 'requiresShipping') = 'true', FALSE)::BOOLEAN AS requires_shipping, /* Whether it is sent */
  @money(@at(doc, 'unitCost.amount'))::DECIMAL(18, 2) AS unit_cost, /* What a piece costs the shop; NULL when it isn't said */
  @at(doc, 'unitCost.currencyCode')::TEXT AS cost_currency, /* Currency of the cost, ISO 4217 */
  @utc(@at(doc, 'createdAt'))::TIMESTAMP AS created_at, /* When the item was made, UTC */
  @utc(@at(doc, 'updatedAt'))::TIMESTAMP AS updated_at /* When the item itself last changed, UTC; its stock changes apart */
FROM documents

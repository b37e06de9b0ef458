/* Variants of the products as the shop last described them. One row a variant. */
MODEL (
  name silver.stg_shopify_variants,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = product_id, follows = (
        lake.bronze.shopify_products = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain variant_id,
  audits (
    not_null(columns := (variant_id, product_id)),
    unique_values(columns := variant_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      CASE WHEN _lane <> 'webhook' THEN payload END,
      'variants.edges[].node.id',
      'variants.edges[].node.title',
      'variants.edges[].node.sku',
      'variants.edges[].node.price',
      'variants.edges[].node.inventoryQuantity',
      'variants.edges[].node.updatedAt'
    ) AS doc,
    @document(
      CASE WHEN _lane = 'webhook' THEN payload END,
      'variants[].admin_graphql_api_id',
      'variants[].id',
      'variants[].title',
      'variants[].sku',
      'variants[].price',
      'variants[].inventory_quantity',
      'variants[].updated_at'
    ) AS rest
  FROM lake.bronze.shopify_products
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), edges AS (
  @items_of(documents, doc, 'variants.edges', edge)
), rest_variants AS (
  @items_of(documents, rest, 'variants', variant)
), variants AS (
  SELECT
    id,
    @at(edge, 'node.id') AS variant_id,
    @at(edge, 'node.title') AS title,
    @at(edge, 'node.sku') AS sku,
    @at(edge, 'node.price') AS price,
    @at(edge, 'node.inventoryQuantity') AS inventory_quantity,
    @at(edge, 'node.updatedAt') AS updated_at
  FROM edges
  UNION ALL
  SELECT
    id,
    COALESCE(@at(variant, 'admin_graphql_api_id'), @at(variant, 'id')) AS variant_id,
    @at(variant, 'title') AS title,
    @at(variant, 'sku') AS sku,
    @at(variant, 'price') AS price,
    @at(variant, 'inventory_quantity') AS inventory_quantity,
    @at(variant, 'updated_at') AS updated_at
  FROM rest_variants
)
SELECT
  @bare_id(variant_id)::TEXT AS variant_id, /* Shopify's number of the variant */
  @bare_id(id)::TEXT AS product_id, /* Shopify's number of the product */
  title::TEXT AS title, /* What makes the variant different, such as a size */
  sku::TEXT AS sku, /* Stock keeping unit */
  @money(price)::DECIMAL(18, 2) AS price, /* Price, shop currency */
  TRY_CAST(inventory_quantity AS BIGINT) AS inventory_quantity, /* Pieces that Shopify thinks are there */
  @utc(updated_at)::TIMESTAMP AS updated_at /* When the variant last changed, UTC */
FROM variants

/* Variants of the products as the shop last described them. One row a variant. */
MODEL (
  name silver.stg_shopify_variants,
  kind FULL,
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
      payload,
      'variants.edges[].node.id',
      'variants.edges[].node.title',
      'variants.edges[].node.sku',
      'variants.edges[].node.price',
      'variants.edges[].node.inventoryQuantity',
      'variants.edges[].node.updatedAt'
    ) AS doc
  FROM lake.bronze.shopify_products
  WHERE
    NOT id IS NULL
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY id ORDER BY version DESC, _received_at DESC, _load_id DESC) = 1
    AND _op <> 'delete'
), variants AS (
  @items_of(documents, doc, 'variants.edges', edge)
)
SELECT
  @bare_id(@at(edge, 'node.id'))::TEXT AS variant_id, /* Shopify's number of the variant */
  @bare_id(id)::TEXT AS product_id, /* Shopify's number of the product */
  @at(edge, 'node.title')::TEXT AS title, /* What makes the variant different, such as a size */
  @at(edge, 'node.sku')::TEXT AS sku, /* Stock keeping unit */
  @money(@at(edge, 'node.price'))::DECIMAL(18, 2) AS price, /* Price, shop currency */
  TRY_CAST(@at(edge, 'node.inventoryQuantity') AS BIGINT) AS inventory_quantity, /* Pieces that Shopify thinks are there */
  @utc(@at(edge, 'node.updatedAt'))::TIMESTAMP AS updated_at /* When the variant last changed, UTC */
FROM variants

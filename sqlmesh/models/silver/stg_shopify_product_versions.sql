/* Everything the shop said of its products. One row a product and version. */
MODEL (
  name silver.stg_shopify_product_versions,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = (product_id, version_at),
      follows = (
        lake.bronze.shopify_products = (@bare_id(id), @utc(version))
      )
    )
  ),
  owner data_engineer,
  grain (product_id, version_at),
  audits (
    not_null(columns := (product_id, version_at, is_deleted)),
    unique_combination_of_columns(columns := (product_id, version_at)),
    documents_have_ids(source := lake.bronze.shopify_products)
  )
);

WITH documents AS (
  SELECT
    id,
    version,
    _op = 'delete' AS is_deleted,
    @document(
      CASE WHEN _lane <> 'webhook' THEN payload END,
      'title',
      'handle',
      'vendor',
      'productType',
      'status',
      'createdAt',
      'variants.edges[].node.price'
    ) AS doc,
    @document(
      CASE WHEN _lane = 'webhook' THEN payload END,
      'title',
      'handle',
      'vendor',
      'product_type',
      'status',
      'created_at',
      'variants[].price'
    ) AS rest
  FROM lake.bronze.shopify_products
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id, version)
), edges AS (
  @items_of(documents, doc, 'variants.edges', edge)
), rest_variants AS (
  @items_of(documents, rest, 'variants', variant)
), variants AS (
  SELECT
    id,
    version,
    @money(@at(edge, 'node.price')) AS price
  FROM edges
  UNION ALL
  SELECT
    id,
    version,
    @money(@at(variant, 'price')) AS price
  FROM rest_variants
), prices AS (
  SELECT
    id,
    version,
    COUNT(*) AS variant_count,
    MIN(price) AS lowest_price,
    MAX(price) AS highest_price
  FROM variants
  GROUP BY
    id,
    version
)
SELECT
  @bare_id(documents.id)::TEXT AS product_id, /* Shopify's number of the product */
  @utc(documents.version)::TIMESTAMP AS version_at, /* When the product became so, UTC */
  is_deleted::BOOLEAN AS is_deleted, /* Whether the product was deleted then */
  COALESCE(@at(doc, 'title'), @at(rest, 'title'))::TEXT AS title, /* Title */
  COALESCE(@at(doc, 'handle'), @at(rest, 'handle'))::TEXT AS handle, /* The product's name in addresses */
  COALESCE(@at(doc, 'vendor'), @at(rest, 'vendor'))::TEXT AS vendor, /* Who makes it */
  COALESCE(@at(doc, 'productType'), @at(rest, 'product_type'))::TEXT AS product_type, /* Kind of product */
  LOWER(COALESCE(@at(doc, 'status'), @at(rest, 'status')))::TEXT AS status, /* active, archived or draft */
  COALESCE(prices.variant_count, 0)::BIGINT AS variant_count, /* Variants it comes in */
  prices.lowest_price::DECIMAL(18, 2) AS lowest_price, /* Price of the cheapest variant, shop currency */
  prices.highest_price::DECIMAL(18, 2) AS highest_price, /* Price of the dearest variant, shop currency */
  @utc(COALESCE(@at(doc, 'createdAt'), @at(rest, 'created_at')))::TIMESTAMP AS created_at /* When the product was created, UTC */
FROM documents
LEFT JOIN prices
  ON prices.id = documents.id AND prices.version = documents.version

/* Everything the shop said of its products. One row a product and version. */
MODEL (
  name silver.stg_shopify_product_versions,
  kind FULL,
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
      payload,
      'title',
      'handle',
      'vendor',
      'productType',
      'status',
      'createdAt',
      'variants.edges[].node.price'
    ) AS doc
  FROM lake.bronze.shopify_products
  WHERE
    NOT id IS NULL
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY id, version ORDER BY _received_at DESC, _load_id DESC) = 1
), variants AS (
  @items_of(documents, doc, 'variants.edges', edge)
), prices AS (
  SELECT
    id,
    version,
    COUNT(*) AS variant_count,
    MIN(@money(@at(edge, 'node.price'))) AS lowest_price,
    MAX(@money(@at(edge, 'node.price'))) AS highest_price
  FROM variants
  GROUP BY
    id,
    version
)
SELECT
  @bare_id(documents.id)::TEXT AS product_id, /* Shopify's number of the product */
  @utc(documents.version)::TIMESTAMP AS version_at, /* When the product became so, UTC */
  is_deleted::BOOLEAN AS is_deleted, /* Whether the product was deleted then */
  @at(doc, 'title')::TEXT AS title, /* Title */
  @at(doc, 'handle')::TEXT AS handle, /* The product's name in addresses */
  @at(doc, 'vendor')::TEXT AS vendor, /* Who makes it */
  @at(doc, 'productType')::TEXT AS product_type, /* Kind of product */
  LOWER(@at(doc, 'status'))::TEXT AS status, /* active, archived or draft */
  COALESCE(prices.variant_count, 0)::BIGINT AS variant_count, /* Variants it comes in */
  prices.lowest_price::DECIMAL(18, 2) AS lowest_price, /* Price of the cheapest variant, shop currency */
  prices.highest_price::DECIMAL(18, 2) AS highest_price, /* Price of the dearest variant, shop currency */
  @utc(@at(doc, 'createdAt'))::TIMESTAMP AS created_at /* When the product was created, UTC */
FROM documents
LEFT JOIN prices
  ON prices.id = documents.id AND prices.version = documents.version

/* Products as the shop last described them, deleted ones left out. One row a product. */
MODEL (
  name silver.stg_shopify_products,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = product_id,
      follows = (
        silver.stg_shopify_product_versions = product_id
      )
    )
  ),
  owner data_engineer,
  grain product_id,
  audits (
    not_null(columns := (product_id, updated_at)),
    unique_values(columns := product_id)
  )
);

SELECT
  product_id::TEXT AS product_id, /* Shopify's number of the product */
  title::TEXT AS title, /* Title */
  handle::TEXT AS handle, /* The product's name in addresses */
  vendor::TEXT AS vendor, /* Who makes it */
  product_type::TEXT AS product_type, /* Kind of product */
  status::TEXT AS status, /* active, archived or draft */
  variant_count::BIGINT AS variant_count, /* Variants it comes in */
  lowest_price::DECIMAL(18, 2) AS lowest_price, /* Price of the cheapest variant, shop currency */
  highest_price::DECIMAL(18, 2) AS highest_price, /* Price of the dearest variant, shop currency */
  created_at::TIMESTAMP AS created_at, /* When the product was created, UTC */
  version_at::TIMESTAMP AS updated_at /* When the product last changed, UTC */
FROM silver.stg_shopify_product_versions
QUALIFY
  ROW_NUMBER() OVER (PARTITION BY product_id ORDER BY version_at DESC) = 1
  AND NOT is_deleted

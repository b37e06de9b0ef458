/* Products with their history. One row a product and version; the current one is marked. */
MODEL (
  name gold.dim_products,
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
  grain (product_key, valid_from),
  audits (
    not_null(columns := (product_key, product_id, valid_from, is_current)),
    unique_combination_of_columns(columns := (product_key, valid_from)),
    versions_follow(key := product_key)
  )
);

WITH versions AS (
  SELECT
    *,
    CONCAT_WS(
      '|',
      is_deleted::TEXT,
      COALESCE(title, ''),
      COALESCE(handle, ''),
      COALESCE(vendor, ''),
      COALESCE(product_type, ''),
      COALESCE(status, ''),
      COALESCE(variant_count::TEXT, ''),
      COALESCE(lowest_price::TEXT, ''),
      COALESCE(highest_price::TEXT, '')
    ) AS description,
    ROW_NUMBER() OVER (PARTITION BY product_id ORDER BY version_at) AS place
  FROM silver.stg_shopify_product_versions
), changes AS (
  SELECT
    *,
    CASE
      WHEN place = 1
      THEN LEAST(COALESCE(created_at, version_at), version_at)
      ELSE version_at
    END AS valid_from
  FROM versions
  QUALIFY
    place = 1
    OR LAG(description) OVER (PARTITION BY product_id ORDER BY version_at) <> description
), spans AS (
  SELECT
    *,
    LEAD(valid_from) OVER (PARTITION BY product_id ORDER BY valid_from) AS valid_to
  FROM changes
)
SELECT
  @GENERATE_SURROGATE_KEY(product_id)::TEXT AS product_key, /* Hash of the product's id */
  product_id::TEXT AS product_id, /* Shopify's number of the product */
  title::TEXT AS title, /* Title */
  handle::TEXT AS handle, /* The product's name in addresses */
  vendor::TEXT AS vendor, /* Who makes it */
  product_type::TEXT AS product_type, /* Kind of product */
  status::TEXT AS status, /* active, archived or draft */
  variant_count::BIGINT AS variant_count, /* Variants it comes in */
  lowest_price::DECIMAL(18, 2) AS lowest_price, /* Price of the cheapest variant, shop currency */
  highest_price::DECIMAL(18, 2) AS highest_price, /* Price of the dearest variant, shop currency */
  valid_from::TIMESTAMP AS valid_from, /* When the product became so, UTC */
  valid_to::TIMESTAMP AS valid_to, /* When it ceased to be so, UTC; NULL while it is so */
  valid_to IS NULL AS is_current /* Whether the product is so now */
FROM spans
WHERE
  NOT is_deleted

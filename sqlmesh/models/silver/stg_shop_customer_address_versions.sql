/* Everything the shop's own database said of its customers' addresses. One row a customer and version. */
MODEL (
  name silver.stg_shop_customer_address_versions,
  kind FULL,
  owner data_engineer,
  grain (customer_id, version_at),
  audits (
    not_null(columns := (customer_id, version_at, is_deleted)),
    unique_combination_of_columns(columns := (customer_id, version_at))
  )
);

WITH versions AS (
  @row_versions(lake.bronze.pg_shop_customer_addresses, customer_id)
), dated AS (
  SELECT
    *,
    CASE WHEN _is_deleted THEN _valid_from ELSE updated_at END AS version_at
  FROM versions
)
SELECT
  customer_id::TEXT AS customer_id, /* Shopify's number of the customer */
  @plain(version_at)::TIMESTAMP AS version_at, /* When the address became so, UTC; for a deletion when the database committed it */
  _is_deleted::BOOLEAN AS is_deleted, /* Whether the address was deleted then */
  full_name::TEXT AS full_name, /* Name on the address */
  address1::TEXT AS address1, /* Street and number */
  city::TEXT AS city, /* City */
  state::TEXT AS state, /* State or province */
  postal_code::TEXT AS postal_code, /* Postal code */
  country::TEXT AS country /* Country */
FROM dated
QUALIFY
  ROW_NUMBER() OVER (PARTITION BY customer_id, version_at ORDER BY _commit_lsn DESC, _ordinal DESC) = 1

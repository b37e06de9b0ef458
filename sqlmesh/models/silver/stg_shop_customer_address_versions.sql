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

WITH emptied AS (
  SELECT
    changes.customer_id,
    truncations._commit_lsn,
    truncations._ordinal,
    MIN(truncations._commit_at) AS _commit_at
  FROM lake.bronze.pg_shop_customer_addresses AS truncations
  JOIN lake.bronze.pg_shop_customer_addresses AS changes
    ON changes._commit_lsn < truncations._commit_lsn AND changes._op <> 't'
  WHERE
    truncations._op = 't'
  GROUP BY
    changes.customer_id,
    truncations._commit_lsn,
    truncations._ordinal
), changes AS (
  SELECT
    customer_id,
    CASE WHEN _op = 'd' THEN _commit_at ELSE updated_at END AS version_at,
    _op = 'd' AS is_deleted,
    full_name,
    address1,
    city,
    state,
    postal_code,
    country,
    _commit_lsn,
    _ordinal
  FROM lake.bronze.pg_shop_customer_addresses
  WHERE
    _op <> 't'
  UNION ALL
  SELECT
    customer_id,
    _commit_at AS version_at,
    TRUE AS is_deleted,
    NULL AS full_name,
    NULL AS address1,
    NULL AS city,
    NULL AS state,
    NULL AS postal_code,
    NULL AS country,
    _commit_lsn,
    _ordinal
  FROM emptied
)
SELECT
  customer_id::TEXT AS customer_id, /* Shopify's number of the customer */
  @plain(version_at)::TIMESTAMP AS version_at, /* When the address became so, UTC; for a deletion when the database committed it */
  is_deleted::BOOLEAN AS is_deleted, /* Whether the address was deleted then */
  full_name::TEXT AS full_name, /* Name on the address */
  address1::TEXT AS address1, /* Street and number */
  city::TEXT AS city, /* City */
  state::TEXT AS state, /* State or province */
  postal_code::TEXT AS postal_code, /* Postal code */
  country::TEXT AS country /* Country */
FROM changes
QUALIFY
  ROW_NUMBER() OVER (PARTITION BY customer_id, version_at ORDER BY _commit_lsn DESC, _ordinal DESC) = 1

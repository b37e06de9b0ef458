/* Customers' addresses as the shop's own database has them. One row a customer. */
MODEL (
  name silver.stg_shop_customer_addresses,
  kind FULL,
  owner data_engineer,
  grain customer_id,
  audits (
    not_null(columns := (customer_id, updated_at)),
    unique_values(columns := customer_id)
  )
);

WITH emptied AS (
  SELECT
    COALESCE(MAX(_commit_lsn), -1) AS emptied_lsn
  FROM lake.bronze.pg_shop_customer_addresses
  WHERE
    _op = 't'
), latest AS (
  SELECT
    *
  FROM lake.bronze.pg_shop_customer_addresses
  WHERE
    _op <> 't'
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY _commit_lsn DESC, _ordinal DESC, _load_id DESC) = 1
    AND _op <> 'd'
)
SELECT
  latest.customer_id::TEXT AS customer_id, /* Shopify's number of the customer */
  latest.full_name::TEXT AS full_name, /* Name on the address */
  latest.address1::TEXT AS address1, /* Street and number */
  latest.city::TEXT AS city, /* City */
  latest.state::TEXT AS state, /* State or province */
  latest.postal_code::TEXT AS postal_code, /* Postal code */
  latest.country::TEXT AS country, /* Country */
  @plain(latest.updated_at)::TIMESTAMP AS updated_at /* When the address last changed, UTC */
FROM latest
CROSS JOIN emptied
WHERE
  latest._commit_lsn > emptied.emptied_lsn

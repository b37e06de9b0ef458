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

WITH latest AS (
  @rows_now(lake.bronze.pg_shop_customer_addresses, customer_id)
)
SELECT
  customer_id::TEXT AS customer_id, /* Shopify's number of the customer */
  full_name::TEXT AS full_name, /* Name on the address */
  address1::TEXT AS address1, /* Street and number */
  city::TEXT AS city, /* City */
  state::TEXT AS state, /* State or province */
  postal_code::TEXT AS postal_code, /* Postal code */
  country::TEXT AS country, /* Country */
  @plain(updated_at)::TIMESTAMP AS updated_at /* When the address last changed, UTC */
FROM latest

/* Customers as the shop last described them, deleted ones left out. One row a customer. */
MODEL (
  name silver.stg_shopify_customers,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = customer_id,
      follows = (
        silver.stg_shopify_customer_versions = customer_id
      )
    )
  ),
  owner data_engineer,
  grain customer_id,
  audits (
    not_null(columns := (customer_id, updated_at)),
    unique_values(columns := customer_id)
  )
);

SELECT
  customer_id::TEXT AS customer_id, /* Shopify's number of the customer */
  full_name::TEXT AS full_name, /* First and last name */
  email::TEXT AS email, /* E-mail address, in small letters */
  phone::TEXT AS phone, /* Telephone number */
  city::TEXT AS city, /* City of the default address */
  state::TEXT AS state, /* Province or state of the default address */
  country::TEXT AS country, /* Country of the default address */
  postal_code::TEXT AS postal_code, /* Postal code of the default address */
  created_at::TIMESTAMP AS created_at, /* When the customer was created, UTC */
  version_at::TIMESTAMP AS updated_at /* When the customer last changed, UTC */
FROM silver.stg_shopify_customer_versions
QUALIFY
  ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY version_at DESC) = 1
  AND NOT is_deleted

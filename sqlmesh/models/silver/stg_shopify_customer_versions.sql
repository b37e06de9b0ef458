/* Everything the shop said of its customers. One row a customer and version. */
MODEL (
  name silver.stg_shopify_customer_versions,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = (customer_id, version_at),
      follows = (
        lake.bronze.shopify_customers = (@bare_id(id), @utc(version))
      )
    )
  ),
  owner data_engineer,
  grain (customer_id, version_at),
  audits (
    not_null(columns := (customer_id, version_at, is_deleted)),
    unique_combination_of_columns(columns := (customer_id, version_at)),
    documents_have_ids(source := lake.bronze.shopify_customers)
  )
);

WITH documents AS (
  SELECT
    id,
    version,
    _op = 'delete' AS is_deleted,
    @document(
      CASE WHEN _lane <> 'webhook' THEN payload END,
      'firstName',
      'lastName',
      'displayName',
      'email',
      'phone',
      'createdAt',
      'updatedAt',
      'defaultAddress.city',
      'defaultAddress.province',
      'defaultAddress.country',
      'defaultAddress.zip'
    ) AS doc,
    @document(
      CASE WHEN _lane = 'webhook' THEN payload END,
      'first_name',
      'last_name',
      'email',
      'phone',
      'created_at',
      'default_address.city',
      'default_address.province',
      'default_address.country',
      'default_address.zip'
    ) AS rest
  FROM lake.bronze.shopify_customers
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id, version)
)
SELECT
  @bare_id(id)::TEXT AS customer_id, /* Shopify's number of the customer */
  @utc(version)::TIMESTAMP AS version_at, /* When the customer became so, UTC */
  is_deleted::BOOLEAN AS is_deleted, /* Whether the customer was deleted then */
  COALESCE(
    NULLIF(
      TRIM(
        CONCAT(
          COALESCE(@at(doc, 'firstName'), @at(rest, 'first_name'), ''),
          ' ',
          COALESCE(@at(doc, 'lastName'), @at(rest, 'last_name'), '')
        )
      ),
      ''
    ),
    @at(doc, 'displayName'),
    @at(rest, 'email'),
    @at(rest, 'phone')
  )::TEXT AS full_name, /* First and last name */
  LOWER(COALESCE(@at(doc, 'email'), @at(rest, 'email')))::TEXT AS email, /* E-mail address, in small letters */
  COALESCE(@at(doc, 'phone'), @at(rest, 'phone'))::TEXT AS phone, /* Telephone number */
  COALESCE(@at(doc, 'defaultAddress.city'), @at(rest, 'default_address.city'))::TEXT AS city, /* City of the default address */
  COALESCE(@at(doc, 'defaultAddress.province'), @at(rest, 'default_address.province'))::TEXT AS state, /* Province or state of the default address */
  COALESCE(@at(doc, 'defaultAddress.country'), @at(rest, 'default_address.country'))::TEXT AS country, /* Country of the default address */
  COALESCE(@at(doc, 'defaultAddress.zip'), @at(rest, 'default_address.zip'))::TEXT AS postal_code, /* Postal code of the default address */
  @utc(COALESCE(@at(doc, 'createdAt'), @at(rest, 'created_at')))::TIMESTAMP AS created_at /* When the customer was created, UTC */
FROM documents

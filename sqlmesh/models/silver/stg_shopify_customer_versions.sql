/* Everything the shop said of its customers. One row a customer and version. */
MODEL (
  name silver.stg_shopify_customer_versions,
  kind FULL,
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
      payload,
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
    ) AS doc
  FROM lake.bronze.shopify_customers
  WHERE
    NOT id IS NULL
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY id, version ORDER BY _received_at DESC, _load_id DESC) = 1
)
SELECT
  @bare_id(id)::TEXT AS customer_id, /* Shopify's number of the customer */
  @utc(version)::TIMESTAMP AS version_at, /* When the customer became so, UTC */
  is_deleted::BOOLEAN AS is_deleted, /* Whether the customer was deleted then */
  COALESCE(
    NULLIF(
      TRIM(
        CONCAT(COALESCE(@at(doc, 'firstName'), ''), ' ', COALESCE(@at(doc, 'lastName'), ''))
      ),
      ''
    ),
    @at(doc, 'displayName')
  )::TEXT AS full_name, /* First and last name */
  LOWER(@at(doc, 'email'))::TEXT AS email, /* E-mail address, in small letters */
  @at(doc, 'phone')::TEXT AS phone, /* Telephone number */
  @at(doc, 'defaultAddress.city')::TEXT AS city, /* City of the default address */
  @at(doc, 'defaultAddress.province')::TEXT AS state, /* Province or state of the default address */
  @at(doc, 'defaultAddress.country')::TEXT AS country, /* Country of the default address */
  @at(doc, 'defaultAddress.zip')::TEXT AS postal_code, /* Postal code of the default address */
  @utc(@at(doc, 'createdAt'))::TIMESTAMP AS created_at /* When the customer was created, UTC */
FROM documents

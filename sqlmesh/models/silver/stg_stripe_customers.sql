/* Customers as Stripe last described them, deleted ones left out. One row a customer. */
MODEL (
  name silver.stg_stripe_customers,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = stripe_customer_id, follows = (
        lake.bronze.stripe_customers = id
    ))
  ),
  owner data_engineer,
  grain stripe_customer_id,
  audits (
    not_null(columns := (stripe_customer_id, created_at)),
    unique_values(columns := stripe_customer_id),
    documents_have_ids(source := lake.bronze.stripe_customers)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(payload, 'metadata.shopify_customer_id', 'name', 'email', 'livemode', 'created') AS doc
  FROM lake.bronze.stripe_customers
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  @at(doc, 'metadata.shopify_customer_id')::TEXT AS customer_id, /* Shopify's number of the customer, from the metadata */
  @at(doc, 'name')::TEXT AS full_name, /* Name */
  LOWER(@at(doc, 'email'))::TEXT AS email, /* E-mail address, in small letters */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When the customer was created, UTC */
FROM documents

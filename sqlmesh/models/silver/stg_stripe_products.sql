/* Products at Stripe as it last described them, deleted ones left out. One row a product. */
MODEL (
  name silver.stg_stripe_products,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = product_id, follows = (
        lake.bronze.stripe_products = id
    ))
  ),
  owner data_engineer,
  grain product_id,
  audits (
    not_null(columns := (product_id, created_at)),
    unique_values(columns := product_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(payload, 'name', 'description', 'active', 'livemode', 'updated', 'created') AS doc
  FROM lake.bronze.stripe_products
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS product_id, /* Stripe's id of the product */
  @at(doc, 'name')::TEXT AS name, /* Name */
  @at(doc, 'description')::TEXT AS description, /* Description */
  COALESCE(@at(doc, 'active') = 'true', FALSE)::BOOLEAN AS is_active, /* Whether it can be bought */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'updated'))::TIMESTAMP AS updated_at, /* When it last changed, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was made, UTC */
FROM documents

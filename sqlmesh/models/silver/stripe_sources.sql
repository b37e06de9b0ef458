/* What moves the balance at Stripe: charges, refunds and disputes, each with the charge and order that it goes back to. One row a source. */
MODEL (
  name silver.stripe_sources,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = charge_id,
      follows = (
        silver.stg_stripe_charges = charge_id,
        silver.stg_stripe_refunds = charge_id,
        silver.stg_stripe_disputes = charge_id
      )
    )
  ),
  owner data_engineer,
  grain source_id,
  audits (not_null(columns := source_id), unique_values(columns := source_id))
);

WITH sources AS (
  SELECT
    charge_id AS source_id,
    charge_id,
    is_live
  FROM silver.stg_stripe_charges
  UNION ALL
  SELECT
    refund_id AS source_id,
    charge_id,
    NULL AS is_live
  FROM silver.stg_stripe_refunds
  UNION ALL
  SELECT
    dispute_id AS source_id,
    charge_id,
    is_live
  FROM silver.stg_stripe_disputes
)
SELECT
  sources.source_id::TEXT AS source_id, /* Stripe's id of the charge, refund or dispute */
  sources.charge_id::TEXT AS charge_id, /* Stripe's id of the charge that it goes back to */
  charges.order_id::TEXT AS order_id, /* Shopify's number of the order that the charge names */
  COALESCE(sources.is_live, charges.is_live)::BOOLEAN AS is_live /* Whether this is real and not test data; NULL for a refund of an unknown charge */
FROM sources
LEFT JOIN silver.stg_stripe_charges AS charges
  ON charges.charge_id = sources.charge_id

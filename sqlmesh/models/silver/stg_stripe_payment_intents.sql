/* Payment intents as Stripe last described them, unpaid ones too. One row an intent. */
MODEL (
  name silver.stg_stripe_payment_intents,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = payment_intent_id, follows = (
        lake.bronze.stripe_payment_intents = id
    ))
  ),
  owner data_engineer,
  grain payment_intent_id,
  audits (
    not_null(columns := (payment_intent_id, created_at)),
    unique_values(columns := payment_intent_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'customer',
      'latest_charge',
      'charges.data[].id',
      'invoice',
      'amount',
      'amount_received',
      'currency',
      'status',
      'cancellation_reason',
      'livemode',
      'canceled_at',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_payment_intents
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS payment_intent_id, /* Stripe's id of the intent */
  @at(doc, 'customer')::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  COALESCE(@at(doc, 'latest_charge'), @at(doc, 'charges.data[0].id'))::TEXT AS charge_id, /* Stripe's id of the last charge; until 2022-11-15 the intent held its charges */
  @at(doc, 'invoice')::TEXT AS invoice_id, /* Stripe's id of the invoice; NULL since 2025-03-31.basil, where the invoice names its payments */
  @minor_money(@at(doc, 'amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS amount, /* Amount to collect */
  @minor_money(@at(doc, 'amount_received'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS received_amount, /* Amount collected so far */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'status')::TEXT AS status, /* succeeded, processing, requires_payment_method, canceled and so on */
  @at(doc, 'cancellation_reason')::TEXT AS cancellation_reason, /* Why it was canceled; NULL when it wasn't */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'canceled_at'))::TIMESTAMP AS canceled_at, /* When it was canceled, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was made, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))

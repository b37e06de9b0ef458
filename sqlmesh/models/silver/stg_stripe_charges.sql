/* Charges as Stripe last described them, failed ones too. One row a charge. */
MODEL (
  name silver.stg_stripe_charges,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = charge_id, follows = (
        lake.bronze.stripe_charges = id
    ))
  ),
  owner data_engineer,
  grain charge_id,
  audits (
    not_null(columns := (charge_id, amount, currency, status, created_at)),
    unique_values(columns := charge_id),
    documents_have_ids(source := lake.bronze.stripe_charges)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'metadata.order_id',
      'customer',
      'balance_transaction',
      'payment_intent',
      'invoice',
      'amount',
      'amount_captured',
      'amount_refunded',
      'currency',
      'status',
      'paid',
      'captured',
      'refunded',
      'disputed',
      'failure_code',
      'livemode',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_charges
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS charge_id, /* Stripe's id of the charge */
  @at(doc, 'metadata.order_id')::TEXT AS order_id, /* Shopify's number of the order, from the metadata */
  @at(doc, 'customer')::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  @at(doc, 'balance_transaction')::TEXT AS balance_transaction_id, /* Stripe's id of the balance transaction */
  @at(doc, 'payment_intent')::TEXT AS payment_intent_id, /* Stripe's id of the payment intent */
  @at(doc, 'invoice')::TEXT AS invoice_id, /* Stripe's id of the invoice; NULL since 2025-03-31.basil, where the invoice names its payments */
  @minor_money(@at(doc, 'amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS amount, /* Amount charged */
  @minor_money(@at(doc, 'amount_captured'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS captured_amount, /* Amount captured */
  @minor_money(@at(doc, 'amount_refunded'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS refunded_amount, /* Amount given back so far */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'status')::TEXT AS status, /* succeeded, pending or failed */
  COALESCE(@at(doc, 'paid') = 'true', FALSE)::BOOLEAN AS is_paid, /* Whether the charge was paid or authorised */
  COALESCE(@at(doc, 'captured') = 'true', FALSE)::BOOLEAN AS is_captured, /* Whether the amount was captured */
  COALESCE(@at(doc, 'refunded') = 'true', FALSE)::BOOLEAN AS is_refunded, /* Whether all of it was given back */
  COALESCE(@at(doc, 'disputed') = 'true', FALSE)::BOOLEAN AS is_disputed, /* Whether the payer disputes it */
  @at(doc, 'failure_code')::TEXT AS failure_code, /* Why the charge failed; NULL when it didn't */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When the charge was made, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))
WHERE
  NOT @minor_money(@at(doc, 'amount'), 0) IS NULL

/* Checkout sessions as Stripe last described them, expired ones too. One row a session. */
MODEL (
  name silver.stg_stripe_checkout_sessions,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = checkout_session_id,
      follows = (
        lake.bronze.stripe_checkout_sessions = id
      )
    )
  ),
  owner data_engineer,
  grain checkout_session_id,
  audits (
    not_null(columns := (checkout_session_id, created_at)),
    unique_values(columns := checkout_session_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'customer',
      'payment_intent',
      'subscription',
      'invoice',
      'client_reference_id',
      'mode',
      'status',
      'payment_status',
      'amount_subtotal',
      'amount_total',
      'currency',
      'livemode',
      'expires_at',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_checkout_sessions
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS checkout_session_id, /* Stripe's id of the session */
  @at(doc, 'customer')::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  @at(doc, 'payment_intent')::TEXT AS payment_intent_id, /* Stripe's id of the payment intent */
  @at(doc, 'subscription')::TEXT AS subscription_id, /* Stripe's id of the subscription */
  @at(doc, 'invoice')::TEXT AS invoice_id, /* Stripe's id of the invoice */
  @at(doc, 'client_reference_id')::TEXT AS client_reference_id, /* The shop's own reference */
  @at(doc, 'mode')::TEXT AS mode, /* payment, subscription or setup */
  @at(doc, 'status')::TEXT AS status, /* open, complete or expired */
  @at(doc, 'payment_status')::TEXT AS payment_status, /* paid, unpaid or no_payment_required */
  @minor_money(@at(doc, 'amount_subtotal'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS subtotal, /* Sum before discounts and taxes */
  @minor_money(@at(doc, 'amount_total'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS total, /* Total */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'expires_at'))::TIMESTAMP AS expires_at, /* Until when it can be paid, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was opened, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))

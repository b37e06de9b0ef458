/* Disputes of charges as Stripe last described them. One row a dispute. */
MODEL (
  name silver.stg_stripe_disputes,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = dispute_id, follows = (
        lake.bronze.stripe_disputes = id
    ))
  ),
  owner data_engineer,
  grain dispute_id,
  audits (
    not_null(columns := (dispute_id, created_at)),
    unique_values(columns := dispute_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'charge',
      'payment_intent',
      'amount',
      'currency',
      'reason',
      'status',
      'livemode',
      'evidence_details.due_by',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_disputes
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS dispute_id, /* Stripe's id of the dispute */
  @at(doc, 'charge')::TEXT AS charge_id, /* Stripe's id of the charge */
  @at(doc, 'payment_intent')::TEXT AS payment_intent_id, /* Stripe's id of the payment intent */
  @minor_money(@at(doc, 'amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS amount, /* Amount in dispute */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'reason')::TEXT AS reason, /* What the payer says, such as fraudulent */
  @at(doc, 'status')::TEXT AS status, /* needs_response, under_review, won, lost, warning_closed and so on */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'evidence_details.due_by'))::TIMESTAMP AS due_at, /* Until when evidence can be given, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was opened, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))

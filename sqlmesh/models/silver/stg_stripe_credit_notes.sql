/* Credit notes as Stripe last described them, void ones too. One row a credit note. */
MODEL (
  name silver.stg_stripe_credit_notes,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = credit_note_id, follows = (
        lake.bronze.stripe_credit_notes = id
    ))
  ),
  owner data_engineer,
  grain credit_note_id,
  audits (
    not_null(columns := (credit_note_id, created_at)),
    unique_values(columns := credit_note_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'number',
      'invoice',
      'customer',
      'amount',
      'subtotal',
      'out_of_band_amount',
      'currency',
      'reason',
      'status',
      'type',
      'livemode',
      'voided_at',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_credit_notes
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS credit_note_id, /* Stripe's id of the credit note */
  @at(doc, 'number')::TEXT AS credit_note_number, /* Number on the credit note */
  @at(doc, 'invoice')::TEXT AS invoice_id, /* Stripe's id of the invoice */
  @at(doc, 'customer')::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  @minor_money(@at(doc, 'amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS amount, /* Amount credited, with taxes */
  @minor_money(@at(doc, 'subtotal'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS subtotal, /* Amount before taxes on top */
  @minor_money(@at(doc, 'out_of_band_amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS out_of_band_amount, /* What was given back outside Stripe */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'reason')::TEXT AS reason, /* Why it was made */
  @at(doc, 'status')::TEXT AS status, /* issued or void */
  @at(doc, 'type')::TEXT AS type, /* pre_payment, post_payment or mixed */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'voided_at'))::TIMESTAMP AS voided_at, /* When it was voided, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was made, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))

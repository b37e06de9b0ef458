/* Invoices as Stripe last described them, in the shapes before and since 2025-03-31.basil. One row an invoice. */
MODEL (
  name silver.stg_stripe_invoices,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = invoice_id, follows = (
        lake.bronze.stripe_invoices = id
    ))
  ),
  owner data_engineer,
  grain invoice_id,
  audits (
    not_null(columns := (invoice_id, created_at)),
    unique_values(columns := invoice_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'number',
      'customer',
      'parent.subscription_details.subscription',
      'subscription',
      'payments.data[].payment.payment_intent',
      'payment_intent',
      'subtotal',
      'total',
      'amount_due',
      'amount_paid',
      'amount_remaining',
      'currency',
      'status',
      'billing_reason',
      'collection_method',
      'livemode',
      'period_start',
      'period_end',
      'due_date',
      'status_transitions.finalized_at',
      'status_transitions.paid_at',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_invoices
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS invoice_id, /* Stripe's id of the invoice */
  @at(doc, 'number')::TEXT AS invoice_number, /* Number on the invoice; NULL for a draft */
  @at(doc, 'customer')::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  COALESCE(@at(doc, 'parent.subscription_details.subscription'), @at(doc, 'subscription'))::TEXT AS subscription_id, /* Stripe's id of the subscription */
  COALESCE(@at(doc, 'payments.data[0].payment.payment_intent'), @at(doc, 'payment_intent'))::TEXT AS payment_intent_id, /* Stripe's id of the first payment's intent, where the invoice names it */
  @minor_money(@at(doc, 'subtotal'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS subtotal, /* Sum of the lines before discounts and taxes on top; with the tax, where the prices hold it */
  @minor_money(@at(doc, 'total'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS total, /* Total */
  @minor_money(@at(doc, 'amount_due'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS due_amount, /* What is to be paid after credits */
  @minor_money(@at(doc, 'amount_paid'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS paid_amount, /* What was paid */
  @minor_money(@at(doc, 'amount_remaining'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS remaining_amount, /* What is still to be paid */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'status')::TEXT AS status, /* draft, open, paid, uncollectible or void */
  @at(doc, 'billing_reason')::TEXT AS billing_reason, /* Why it was made, such as subscription_cycle */
  @at(doc, 'collection_method')::TEXT AS collection_method, /* charge_automatically or send_invoice */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'period_start'))::TIMESTAMP AS period_start_at, /* Begin of what it looks back on, UTC */
  @epoch(@at(doc, 'period_end'))::TIMESTAMP AS period_end_at, /* End of it, UTC */
  @epoch(@at(doc, 'due_date'))::TIMESTAMP AS due_at, /* When it is due, UTC */
  @epoch(@at(doc, 'status_transitions.finalized_at'))::TIMESTAMP AS finalized_at, /* When it was finalized, UTC */
  @epoch(@at(doc, 'status_transitions.paid_at'))::TIMESTAMP AS paid_at, /* When it was paid, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was made, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))

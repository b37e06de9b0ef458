/* Refunds as Stripe last described them. One row a refund. */
MODEL (
  name silver.stg_stripe_refunds,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = refund_id, follows = (
        lake.bronze.stripe_refunds = id
    ))
  ),
  owner data_engineer,
  grain refund_id,
  audits (
    not_null(columns := (refund_id, amount, currency, created_at)),
    unique_values(columns := refund_id),
    documents_have_ids(source := lake.bronze.stripe_refunds)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(payload, 'charge', 'balance_transaction', 'amount', 'currency', 'status', 'reason', 'created') AS doc
  FROM lake.bronze.stripe_refunds
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS refund_id, /* Stripe's id of the refund */
  @at(doc, 'charge')::TEXT AS charge_id, /* Stripe's id of the charge */
  @at(doc, 'balance_transaction')::TEXT AS balance_transaction_id, /* Stripe's id of the balance transaction */
  @minor_money(@at(doc, 'amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS amount, /* Amount given back */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'status')::TEXT AS status, /* succeeded, pending, failed or canceled */
  @at(doc, 'reason')::TEXT AS reason, /* Why it was given back */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When the refund was made, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))
WHERE
  NOT @minor_money(@at(doc, 'amount'), 0) IS NULL

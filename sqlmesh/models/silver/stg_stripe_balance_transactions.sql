/* Movements of the balance at Stripe. One row a movement. */
MODEL (
  name silver.stg_stripe_balance_transactions,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = balance_transaction_id,
      follows = (
        lake.bronze.stripe_balance_transactions = id
      )
    )
  ),
  owner data_engineer,
  grain balance_transaction_id,
  audits (
    not_null(columns := (balance_transaction_id, amount, fee, net, currency, created_at)),
    unique_values(columns := balance_transaction_id),
    documents_have_ids(source := lake.bronze.stripe_balance_transactions)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'source',
      'type',
      'reporting_category',
      'amount',
      'fee',
      'net',
      'currency',
      'status',
      'available_on',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_balance_transactions
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS balance_transaction_id, /* Stripe's id of the movement */
  @at(doc, 'source')::TEXT AS source_id, /* Stripe's id of what moved it, such as a charge */
  @at(doc, 'type')::TEXT AS type, /* charge, refund, payout and so on */
  COALESCE(@at(doc, 'reporting_category'), @at(doc, 'type'))::TEXT AS reporting_category, /* What Stripe's reports count it as, such as charge, refund, dispute, payout or fee */
  @minor_money(@at(doc, 'amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS amount, /* Amount before fees; negative when it leaves */
  @minor_money(@at(doc, 'fee'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS fee, /* What Stripe kept */
  @minor_money(@at(doc, 'net'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS net, /* Amount after fees */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'status')::TEXT AS status, /* available or pending */
  @epoch(@at(doc, 'available_on'))::TIMESTAMP AS available_at, /* When it can be paid out, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was booked, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))
WHERE
  NOT @minor_money(@at(doc, 'amount'), 0) IS NULL
  AND NOT @minor_money(@at(doc, 'fee'), 0) IS NULL
  AND NOT @minor_money(@at(doc, 'net'), 0) IS NULL

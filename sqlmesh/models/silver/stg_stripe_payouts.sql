/* Payouts to the bank as Stripe last described them. One row a payout. */
MODEL (
  name silver.stg_stripe_payouts,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = payout_id, follows = (
        lake.bronze.stripe_payouts = id
    ))
  ),
  owner data_engineer,
  grain payout_id,
  audits (
    not_null(columns := (payout_id, created_at)),
    unique_values(columns := payout_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'balance_transaction',
      'amount',
      'currency',
      'status',
      'method',
      'type',
      'automatic',
      'failure_code',
      'livemode',
      'arrival_date',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_payouts
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS payout_id, /* Stripe's id of the payout */
  @at(doc, 'balance_transaction')::TEXT AS balance_transaction_id, /* Stripe's id of the balance transaction */
  @minor_money(@at(doc, 'amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS amount, /* Amount paid out; negative when it was taken back */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'status')::TEXT AS status, /* paid, pending, in_transit, canceled or failed */
  @at(doc, 'method')::TEXT AS method, /* standard or instant */
  @at(doc, 'type')::TEXT AS type, /* bank_account or card */
  COALESCE(@at(doc, 'automatic') = 'true', FALSE)::BOOLEAN AS is_automatic, /* Whether Stripe's schedule made it */
  @at(doc, 'failure_code')::TEXT AS failure_code, /* Why it failed; NULL when it didn't */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'arrival_date'))::TIMESTAMP AS arrival_at, /* When it should be in the bank, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was made, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))

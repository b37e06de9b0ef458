/* The time of whose movements each automatic payout took to the bank: from the one before up to its own. One row an automatic payout that didn't fail. */
MODEL (
  name silver.stripe_payout_spans,
  kind FULL,
  owner data_engineer,
  grain payout_id,
  audits (
    not_null(columns := (payout_id, currency, since_at, until_at)),
    unique_values(columns := payout_id),
    forall(criteria := (
      since_at <= until_at
    ))
  )
);

SELECT
  payout_id::TEXT AS payout_id, /* Stripe's id of the payout */
  currency::TEXT AS currency, /* ISO 4217 code */
  is_live::BOOLEAN AS is_live, /* Whether this is real and not test data */
  COALESCE(
    LAG(created_at) OVER (PARTITION BY currency, is_live ORDER BY created_at, payout_id),
    '1970-01-01 00:00:00'::TIMESTAMP
  )::TIMESTAMP AS since_at, /* When the one before was made, of the same currency, UTC */
  created_at::TIMESTAMP AS until_at /* When it was made, UTC */
FROM silver.stg_stripe_payouts
WHERE
  is_automatic AND NOT status IN ('failed', 'canceled')

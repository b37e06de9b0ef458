/* The time of whose movements each automatic payout took along: from the one before up to its own. One row an automatic payout; one that failed or was cancelled has none unless its amount was booked back into the balance. */
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

WITH booked_back AS (
  SELECT DISTINCT
    source_id
  FROM silver.stg_stripe_balance_transactions
  WHERE
    type IN ('payout_failure', 'payout_cancel')
), payouts AS (
  SELECT
    payouts.payout_id,
    payouts.currency,
    payouts.is_live,
    payouts.created_at
  FROM silver.stg_stripe_payouts AS payouts
  LEFT JOIN booked_back
    ON booked_back.source_id = payouts.payout_id
  WHERE
    payouts.is_automatic
    AND (
      NOT payouts.status IN ('failed', 'canceled') OR NOT booked_back.source_id IS NULL
    )
)
SELECT
  payout_id::TEXT AS payout_id, /* Stripe's id of the payout */
  currency::TEXT AS currency, /* ISO 4217 code */
  is_live::BOOLEAN AS is_live, /* Whether this is real and not test data */
  COALESCE(
    LAG(created_at) OVER (PARTITION BY currency, is_live ORDER BY created_at, payout_id),
    '1970-01-01 00:00:00'::TIMESTAMP
  )::TIMESTAMP AS since_at, /* When the one before was made, of the same currency, UTC */
  created_at::TIMESTAMP AS until_at /* When it was made, UTC */
FROM payouts

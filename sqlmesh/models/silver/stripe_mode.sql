/* Whether the account at Stripe has real data, for what doesn't say so itself. One row. */
MODEL (
  name silver.stripe_mode,
  kind FULL,
  owner data_engineer,
  grain is_live,
  audits (not_null(columns := is_live), unique_values(columns := is_live))
);

SELECT
  (
    COALESCE(MAX(CASE WHEN is_live THEN 1 ELSE 0 END), 1) = 1
  )::BOOLEAN AS is_live /* Whether any charge, dispute or payout is real, or there is none */
FROM (
  SELECT
    is_live
  FROM silver.stg_stripe_charges
  UNION ALL
  SELECT
    is_live
  FROM silver.stg_stripe_disputes
  UNION ALL
  SELECT
    is_live
  FROM silver.stg_stripe_payouts
) AS sources

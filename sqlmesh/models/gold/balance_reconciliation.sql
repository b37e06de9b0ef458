/* The balance at Stripe, month by month: what it began with, what moved it, what was paid out, and what it ended with. One row a month, currency and mode. */
MODEL (
  name gold.balance_reconciliation,
  kind FULL,
  owner data_engineer,
  grain (month, currency, is_live),
  audits (
    not_null(columns := (month, currency, is_live, opening_balance, closing_balance)),
    unique_combination_of_columns(columns := (month, currency, is_live)),
    forall(
      criteria := (
        closing_balance = opening_balance + charges + refunds + disputes + others - fees - payouts
      )
    )
  )
);

WITH movements AS (
  SELECT
    DATE_TRUNC('MONTH', movement_date)::DATE AS month,
    currency,
    is_live,
    CASE
      WHEN type IN ('payout_failure', 'payout_cancel')
      THEN 'payout'
      ELSE category
    END AS category,
    amount,
    fee
  FROM gold.fact_balance_transactions
  UNION ALL
  SELECT
    DATE_TRUNC('MONTH', payout_date)::DATE AS month,
    currency,
    is_live,
    'payout' AS category,
    -amount AS amount,
    0 AS fee
  FROM gold.fact_payouts
  WHERE
    NOT status IN ('failed', 'canceled')
    AND NOT payout_id IN (
      SELECT
        source_id
      FROM gold.fact_balance_transactions
      WHERE
        category = 'payout' AND NOT source_id IS NULL
    )
), months AS (
  SELECT
    month,
    currency,
    is_live,
    SUM(CASE WHEN category = 'charge' THEN amount ELSE 0 END) AS charges,
    SUM(CASE WHEN category = 'refund' THEN amount ELSE 0 END) AS refunds,
    SUM(CASE WHEN category = 'dispute' THEN amount ELSE 0 END) AS disputes,
    SUM(CASE WHEN category IN ('fee', 'other') THEN amount ELSE 0 END) AS others,
    SUM(fee) AS fees,
    SUM(CASE WHEN category = 'payout' THEN -amount ELSE 0 END) AS payouts,
    SUM(amount - fee) AS net
  FROM movements
  GROUP BY
    month,
    currency,
    is_live
), running AS (
  SELECT
    *,
    SUM(net) OVER (
      PARTITION BY currency, is_live
      ORDER BY month
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS closing
  FROM months
)
SELECT
  month::DATE AS month, /* First day of the month, in the shop's time zone; months without movements left out */
  currency::TEXT AS currency, /* Currency of the balance, ISO 4217 */
  is_live::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  (
    closing - net
  )::DECIMAL(18, 2) AS opening_balance, /* What the month began with */
  charges::DECIMAL(18, 2) AS charges, /* Charges, before fees */
  refunds::DECIMAL(18, 2) AS refunds, /* Refunds; negative */
  disputes::DECIMAL(18, 2) AS disputes, /* Disputes, won ones given back; negative when more was taken */
  others::DECIMAL(18, 2) AS others, /* Fees of their own and whatever else moved the balance */
  fees::DECIMAL(18, 2) AS fees, /* What Stripe kept of the movements */
  payouts::DECIMAL(18, 2) AS payouts, /* What went to the bank, less what came back of it */
  closing::DECIMAL(18, 2) AS closing_balance /* What the month ended with: still at Stripe, available or pending */
FROM running

/* Payouts beside the movements of the balance that they took to the bank, or the reason why the two differ. One row a payout. */
MODEL (
  name gold.payout_reconciliation,
  kind FULL,
  owner data_engineer,
  grain payout_id,
  audits (
    not_null(columns := (payout_id, status, reason)),
    unique_values(columns := payout_id),
    accepted_values(
      "column" := status,
      is_in := ('reconciled', 'amount_differs', 'no_movements', 'manual', 'failed')
    ),
    forall(criteria := (
      status <> 'reconciled' OR difference = 0
    ))
  )
);

WITH movements AS (
  SELECT
    payout_id,
    COUNT(*) AS movements,
    SUM(CASE WHEN category = 'charge' THEN amount ELSE 0 END) AS charges,
    SUM(CASE WHEN category = 'refund' THEN amount ELSE 0 END) AS refunds,
    SUM(CASE WHEN category IN ('charge', 'refund') THEN 0 ELSE amount END) AS others,
    SUM(fee) AS fees,
    SUM(net) AS net
  FROM gold.fact_balance_transactions
  GROUP BY
    payout_id
), judged AS (
  SELECT
    payouts.*,
    COALESCE(movements.movements, 0) AS movements,
    COALESCE(movements.charges, 0) AS charges,
    COALESCE(movements.refunds, 0) AS refunds,
    COALESCE(movements.others, 0) AS others,
    COALESCE(movements.fees, 0) AS fees,
    COALESCE(movements.net, 0) AS net,
    CASE
      WHEN payouts.status IN ('failed', 'canceled')
      THEN 'failed'
      WHEN NOT payouts.is_automatic
      THEN 'manual'
      WHEN payouts.amount = COALESCE(movements.net, 0)
      THEN 'reconciled'
      WHEN movements.payout_id IS NULL
      THEN 'no_movements'
      ELSE 'amount_differs'
    END AS verdict
  FROM gold.fact_payouts AS payouts
  LEFT JOIN movements
    ON movements.payout_id = payouts.payout_id
)
SELECT
  payout_id::TEXT AS payout_id, /* Stripe's id of the payout */
  payout_date::DATE AS payout_date, /* Day it was made, in the shop's time zone */
  amount::DECIMAL(18, 2) AS payout_amount, /* Amount paid out */
  movements::BIGINT AS movements, /* Movements since the payout before, as fact_balance_transactions ties them to it */
  charges::DECIMAL(18, 2) AS charges, /* Their charges, before fees */
  refunds::DECIMAL(18, 2) AS refunds, /* Their refunds; negative */
  others::DECIMAL(18, 2) AS others, /* Disputes, fees of their own, payouts made by hand, failed ones that came back and whatever else moved the balance */
  fees::DECIMAL(18, 2) AS fees, /* What Stripe kept of them */
  net::DECIMAL(18, 2) AS movements_net, /* charges, refunds and others less fees */
  (
    amount - net
  )::DECIMAL(18, 2) AS difference, /* payout_amount less movements_net */
  currency::TEXT AS currency, /* ISO 4217 code */
  is_live::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  verdict::TEXT AS status, /* reconciled, amount_differs, no_movements, manual or failed */
  CASE verdict
    WHEN 'reconciled'
    THEN 'The payout equals its movements.'
    WHEN 'failed'
    THEN CONCAT(
      'The payout is ',
      status,
      CASE
        WHEN NOT is_automatic
        THEN ': it was made by hand, so no movements belong to it.'
        WHEN movements = 0
        THEN ': its movements go with the next one.'
        WHEN amount = net
        THEN ': it equals its movements, and its amount came back into the balance.'
        ELSE ': it differs from its movements, and its amount came back into the balance.'
      END
    )
    WHEN 'manual'
    THEN 'The payout was made by hand: Stripe lists no movements of it, and it lessens the next automatic one.'
    WHEN 'no_movements'
    THEN 'No movement became available since the payout before.'
    ELSE CONCAT(
      'The payout differs from its movements by ',
      CAST(amount - net AS DECIMAL(18, 2))::TEXT,
      ' ',
      currency,
      '.'
    )
  END::TEXT AS reason /* One sentence that says why */
FROM judged

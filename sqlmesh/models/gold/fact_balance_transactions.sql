/* Movements of the balance at Stripe, each with the payout that took it to the bank. One row a movement. */
MODEL (
  name gold.fact_balance_transactions,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = source_id,
      follows = (
        silver.stg_stripe_balance_transactions = source_id,
        silver.stripe_sources = source_id,
        silver.stg_stripe_payouts = payout_id,
        silver.stripe_payout_spans = through(
          silver.stg_stripe_balance_transactions,
          type LIKE 'payout_minimum_balance%'
          OR (
            type = 'payout' AND created_at > since_at AND created_at <= until_at
          )
          OR (
            COALESCE(available_at, created_at) > since_at
            AND COALESCE(available_at, created_at) <= until_at
          )
        )
      )
    )
  ),
  owner data_engineer,
  grain balance_transaction_id,
  audits (
    not_null(
      columns := (balance_transaction_id, category, amount, fee, net, currency, movement_date)
    ),
    unique_values(columns := balance_transaction_id),
    accepted_values(
      "column" := category,
      is_in := ('charge', 'refund', 'dispute', 'payout', 'fee', 'other')
    ),
    forall(criteria := (
      net = amount - fee
    ))
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), sources AS (
  SELECT
    source_id,
    charge_id,
    order_id,
    is_live,
    NULL AS is_automatic,
    NULL AS paid_out_at
  FROM silver.stripe_sources
  UNION ALL
  SELECT
    payout_id AS source_id,
    NULL AS charge_id,
    NULL AS order_id,
    is_live,
    is_automatic,
    created_at AS paid_out_at
  FROM silver.stg_stripe_payouts
), movements AS (
  SELECT
    movements.*,
    sources.charge_id,
    sources.order_id,
    COALESCE(sources.is_live, mode.is_live) AS is_live,
    sources.is_automatic,
    COALESCE(movements.available_at, movements.created_at) AS ready_at,
    CASE movements.type
      WHEN 'payout'
      THEN movements.created_at
      WHEN 'payout_minimum_balance_hold'
      THEN COALESCE(sources.paid_out_at, movements.available_at, movements.created_at)
      WHEN 'payout_minimum_balance_release'
      THEN COALESCE(sources.paid_out_at, movements.available_at, movements.created_at) + INTERVAL '1' SECOND
      ELSE COALESCE(movements.available_at, movements.created_at)
    END AS counted_at, /* Of a minimum balance, what is held back lessens the payout and what is released at the same time feeds the next */
    CASE
      WHEN movements.reporting_category IN ('charge', 'partial_capture_reversal')
      OR movements.type IN ('charge', 'payment')
      THEN 'charge'
      WHEN movements.reporting_category LIKE 'refund%'
      OR movements.type IN ('refund', 'payment_refund', 'refund_failure')
      THEN 'refund'
      WHEN movements.reporting_category LIKE 'dispute%'
      THEN 'dispute'
      WHEN movements.type = 'payout' OR movements.reporting_category = 'payout'
      THEN 'payout'
      WHEN movements.reporting_category IN ('fee', 'network_cost')
      OR movements.type IN ('stripe_fee', 'network_cost')
      THEN 'fee'
      ELSE 'other'
    END AS category,
    @local_date(movements.created_at, shop.time_zone) AS movement_date
  FROM silver.stg_stripe_balance_transactions AS movements
  CROSS JOIN shop
  CROSS JOIN silver.stripe_mode AS mode
  LEFT JOIN sources
    ON sources.source_id = movements.source_id
)
SELECT
  movements.balance_transaction_id::TEXT AS balance_transaction_id, /* Stripe's id of the movement */
  movements.source_id::TEXT AS source_id, /* Stripe's id of what moved it */
  movements.charge_id::TEXT AS charge_id, /* Stripe's id of the charge that it goes back to */
  movements.order_id::TEXT AS order_id, /* Shopify's number of the order that the charge names */
  movements.type::TEXT AS type, /* Stripe's type, such as charge or adjustment */
  movements.category::TEXT AS category, /* charge, refund, dispute, payout, fee or other */
  movements.amount::DECIMAL(18, 2) AS amount, /* Amount before fees; negative when it leaves */
  movements.fee::DECIMAL(18, 2) AS fee, /* What Stripe kept */
  movements.net::DECIMAL(18, 2) AS net, /* Amount after fees */
  movements.currency::TEXT AS currency, /* Currency of the balance, ISO 4217 */
  movements.status::TEXT AS status, /* available or pending */
  movements.is_live::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  payouts.payout_id::TEXT AS payout_id, /* The first automatic payout of its currency after it was available, of a manual payout the one after it was made; NULL until there is one, and for automatic payouts themselves */
  movements.ready_at::TIMESTAMP AS available_at, /* When it can be paid out, UTC */
  movements.created_at::TIMESTAMP AS created_at, /* When it was booked, UTC */
  movements.movement_date::DATE AS movement_date, /* Day it was booked, in the shop's time zone */
  @date_key(movements.movement_date)::INT AS movement_date_key /* That day as yyyymmdd, the key of dim_date */
FROM movements
LEFT JOIN silver.stripe_payout_spans AS payouts
  ON payouts.currency = movements.currency
  AND payouts.is_live = movements.is_live
  AND movements.counted_at > payouts.since_at
  AND movements.counted_at <= payouts.until_at
  AND (
    movements.category <> 'payout' OR NOT movements.is_automatic
  )

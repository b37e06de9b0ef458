/* Stripe charges with what Stripe kept of them, failed ones too. One row a charge. */
MODEL (
  name gold.fact_payments,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = balance_transaction_id,
      follows = (
        silver.stg_stripe_charges = balance_transaction_id,
        silver.stg_stripe_balance_transactions = balance_transaction_id
      )
    )
  ),
  owner data_engineer,
  grain charge_id,
  audits (
    not_null(columns := (charge_id, amount, currency, status, payment_date)),
    unique_values(columns := charge_id),
    forall(
      criteria := (
        amount >= 0
        AND captured_amount >= 0
        AND refunded_amount >= 0
        AND net = amount_settled - fee
      )
    )
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), payments AS (
  SELECT
    charges.*,
    CASE
      WHEN charges.status = 'succeeded' AND charges.is_captured
      THEN COALESCE(charges.captured_amount, charges.amount)
      ELSE 0
    END AS taken_amount,
    movements.amount AS amount_settled,
    movements.fee,
    movements.net,
    movements.currency AS settlement_currency,
    @local_date(charges.created_at, shop.time_zone) AS payment_date
  FROM silver.stg_stripe_charges AS charges
  CROSS JOIN shop
  LEFT JOIN silver.stg_stripe_balance_transactions AS movements
    ON movements.balance_transaction_id = charges.balance_transaction_id
)
SELECT
  charge_id::TEXT AS charge_id, /* Stripe's id of the charge */
  order_id::TEXT AS order_id, /* Shopify's number of the order; NULL when the charge names none */
  CASE WHEN NOT order_id IS NULL THEN @GENERATE_SURROGATE_KEY(order_id) END::TEXT AS order_key, /* Hash of the order's id, the key of fact_orders */
  balance_transaction_id::TEXT AS balance_transaction_id, /* Stripe's id of the movement of the balance */
  amount::DECIMAL(18, 2) AS amount, /* Amount asked for, in currency; also where it failed or was authorised only */
  taken_amount::DECIMAL(18, 2) AS captured_amount, /* Amount taken, in currency; 0 until it succeeded and was captured */
  CASE
    WHEN refunded_amount > amount - taken_amount
    THEN refunded_amount - (
      amount - taken_amount
    )
    ELSE 0
  END::DECIMAL(18, 2) AS refunded_amount, /* Given back so far of what was taken, in currency; the release of what wasn't captured left out */
  currency::TEXT AS currency, /* Currency of the charge, ISO 4217 */
  amount_settled::DECIMAL(18, 2) AS amount_settled, /* Amount before fees, in settlement_currency; NULL until it is booked */
  fee::DECIMAL(18, 2) AS fee, /* What Stripe kept, in settlement_currency */
  net::DECIMAL(18, 2) AS net, /* Amount after fees, in settlement_currency */
  settlement_currency::TEXT AS settlement_currency, /* Currency of the balance, ISO 4217 */
  status::TEXT AS status, /* succeeded, pending or failed */
  is_captured::BOOLEAN AS is_captured, /* Whether the amount was captured */
  is_disputed::BOOLEAN AS is_disputed, /* Whether the payer disputes it */
  failure_code::TEXT AS failure_code, /* Why the charge failed; NULL when it didn't */
  is_live::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  created_at::TIMESTAMP AS created_at, /* When the charge was made, UTC */
  payment_date::DATE AS payment_date, /* Day of the charge, in the shop's time zone */
  @date_key(payment_date)::INT AS payment_date_key /* That day as yyyymmdd, the key of dim_date */
FROM payments

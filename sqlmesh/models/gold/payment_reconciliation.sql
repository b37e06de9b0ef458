/* Orders matched to their Stripe charges through the order's number in the charge's metadata, or the reason why not. One row an order, and one for each charge without an order. */
MODEL (
  name gold.payment_reconciliation,
  kind FULL,
  owner data_engineer,
  grain (order_id, charge_id),
  audits (
    not_null(columns := (status, reason, is_chargeable)),
    unique_combination_of_columns(columns := (order_id, charge_id)),
    accepted_values(
      "column" := status,
      is_in := (
        'reconciled',
        'not_chargeable',
        'missing_charge',
        'amount_differs',
        'currency_differs',
        'doubled_charge',
        'charge_without_order'
      )
    ),
    forall(criteria := (
      status <> 'reconciled' OR difference = 0
    ))
  )
);

WITH succeeded AS (
  SELECT
    order_id,
    charge_id,
    amount,
    currency,
    created_at,
    ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY created_at, charge_id) AS place,
    COUNT(*) OVER (PARTITION BY order_id) AS charges,
    SUM(amount) OVER (PARTITION BY order_id) AS charged
  FROM silver.stg_stripe_charges
  WHERE
    status = 'succeeded' AND is_paid AND is_captured
), gateways AS (
  SELECT
    order_id,
    MAX(gateway) AS gateway,
    MAX(CASE WHEN gateway = 'stripe' THEN 1 ELSE 0 END) AS through_stripe
  FROM silver.stg_shopify_order_transactions
  WHERE
    status = 'success' AND kind IN ('sale', 'capture')
  GROUP BY
    order_id
), matched AS (
  SELECT
    orders.order_id,
    orders.order_date,
    orders.is_test,
    orders.payment_status,
    succeeded.charge_id,
    succeeded.charges,
    succeeded.charged,
    succeeded.currency AS charge_currency,
    CASE
      WHEN succeeded.currency = orders.presentment_currency
      THEN orders.presentment_total_amount
      ELSE orders.total_amount
    END AS order_amount,
    CASE
      WHEN succeeded.currency = orders.presentment_currency
      THEN orders.presentment_currency
      ELSE orders.currency
    END AS order_currency,
    CASE
      WHEN orders.total_amount = 0
      THEN 'The order is worth nothing.'
      WHEN orders.payment_status IN ('pending', 'authorized', 'voided', 'expired')
      THEN CONCAT('The order is not paid: it is ', orders.payment_status, '.')
      WHEN gateways.through_stripe = 0
      THEN CONCAT('The order was paid through ', gateways.gateway, ', not through Stripe.')
    END AS exemption
  FROM silver.stg_shopify_orders AS orders
  LEFT JOIN succeeded
    ON succeeded.order_id = orders.order_id AND succeeded.place = 1
  LEFT JOIN gateways
    ON gateways.order_id = orders.order_id
), judged AS (
  SELECT
    *,
    CASE
      WHEN charge_id IS NULL AND NOT exemption IS NULL
      THEN 'not_chargeable'
      WHEN charge_id IS NULL
      THEN 'missing_charge'
      WHEN charges > 1
      THEN 'doubled_charge'
      WHEN charge_currency <> order_currency
      THEN 'currency_differs'
      WHEN charged <> order_amount
      THEN 'amount_differs'
      ELSE 'reconciled'
    END AS status
  FROM matched
  WHERE
    NOT is_test
), orphans AS (
  SELECT
    succeeded.*
  FROM succeeded
  LEFT JOIN silver.stg_shopify_orders AS orders
    ON orders.order_id = succeeded.order_id
  WHERE
    orders.order_id IS NULL
), shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), reconciliation AS (
  SELECT
    @GENERATE_SURROGATE_KEY(order_id) AS order_key,
    order_id,
    order_date,
    order_amount,
    charge_id,
    charged AS charge_amount,
    charged - order_amount AS difference,
    order_currency AS currency,
    status,
    CASE status
      WHEN 'reconciled'
      THEN 'The charge equals the order.'
      WHEN 'not_chargeable'
      THEN exemption
      WHEN 'missing_charge'
      THEN 'The order must be paid, and no succeeded charge names it.'
      WHEN 'doubled_charge'
      THEN CONCAT(charges::TEXT, ' succeeded charges name the order.')
      WHEN 'currency_differs'
      THEN CONCAT('The charge is in ', charge_currency, ', the order in ', order_currency, '.')
      WHEN 'amount_differs'
      THEN CONCAT(
        'The charge differs from the order by ',
        CAST(charged - order_amount AS DECIMAL(18, 2))::TEXT,
        ' ',
        order_currency,
        '.'
      )
    END AS reason,
    exemption IS NULL AS is_chargeable
  FROM judged
  UNION ALL
  SELECT
    NULL AS order_key,
    orphans.order_id,
    @local_date(orphans.created_at, shop.time_zone) AS order_date,
    NULL AS order_amount,
    orphans.charge_id,
    orphans.amount AS charge_amount,
    orphans.amount AS difference,
    orphans.currency,
    'charge_without_order' AS status,
    CASE
      WHEN orphans.order_id IS NULL
      THEN 'The charge names no order.'
      ELSE 'The charge names an order that the shop does not have.'
    END AS reason,
    FALSE AS is_chargeable
  FROM orphans
  CROSS JOIN shop
)
SELECT
  order_key::TEXT AS order_key, /* Hash of the order's id, the key of fact_orders; NULL for a charge without an order */
  order_id::TEXT AS order_id, /* Shopify's number of the order, also one that only the charge names */
  order_date::DATE AS order_date, /* Day of the order, or of the charge that has none, in the shop's time zone */
  order_amount::DECIMAL(18, 2) AS order_amount, /* What the customer owes, in currency */
  charge_id::TEXT AS charge_id, /* Stripe's id of the order's first succeeded charge */
  charge_amount::DECIMAL(18, 2) AS charge_amount, /* Sum of the order's succeeded charges */
  difference::DECIMAL(18, 2) AS difference, /* charge_amount less order_amount; NULL without a charge */
  currency::TEXT AS currency, /* Currency that was compared, ISO 4217 */
  status::TEXT AS status, /* reconciled, not_chargeable, missing_charge, amount_differs, currency_differs, doubled_charge or charge_without_order */
  reason::TEXT AS reason, /* One sentence that says why */
  is_chargeable::BOOLEAN AS is_chargeable /* Whether the order must have a charge */
FROM reconciliation

/* Orders beside their Stripe charges (found by the order's number in the metadata), refunds, settlement, payout and the shop's own ledger, each difference with its reason. One row an order, and one for each charge without an order. */
MODEL (
  name gold.payment_reconciliation,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = order_id,
      follows = (
        silver.stg_shopify_orders = order_id,
        silver.stg_stripe_charges = order_id,
        silver.stg_shopify_order_transactions = order_id,
        gold.fact_balance_transactions = order_id,
        gold.fact_refunds = order_id,
        silver.stg_shop_ledger = order_id
      )
    )
  ),
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
    )),
    accepted_values(
      "column" := refund_reason,
      is_in := ('currency', 'refund_lag', 'missing', 'doubled', 'amount')
    ),
    accepted_values("column" := settlement_reason, is_in := ('fee', 'currency', 'missing', 'amount')),
    accepted_values("column" := payout_reason, is_in := ('timing', 'missing')),
    accepted_values(
      "column" := ledger_reason,
      is_in := ('fee', 'currency', 'timing', 'missing', 'doubled', 'amount')
    ),
    accepted_values(
      "column" := ledger_refund_reason,
      is_in := ('currency', 'refund_lag', 'missing', 'doubled', 'amount')
    )
  )
);

WITH captured AS (
  SELECT
    order_id,
    charge_id,
    COALESCE(captured_amount, amount) AS amount,
    amount - COALESCE(captured_amount, amount) AS released_amount,
    refunded_amount,
    currency,
    created_at
  FROM silver.stg_stripe_charges
  WHERE
    status = 'succeeded' AND is_paid AND is_captured
), succeeded AS (
  SELECT
    order_id,
    charge_id,
    amount,
    currency,
    created_at,
    ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY created_at, charge_id) AS place,
    COUNT(*) OVER (PARTITION BY order_id) AS charges,
    COUNT(*) OVER (PARTITION BY order_id, currency) AS charges_alike,
    SUM(amount) OVER (PARTITION BY order_id, currency) AS charged,
    SUM(
      CASE
        WHEN refunded_amount > released_amount
        THEN refunded_amount - released_amount
        ELSE 0
      END
    ) OVER (PARTITION BY order_id, currency) AS stripe_refunded
  FROM captured
), gateways AS (
  SELECT
    order_id,
    MAX(CASE WHEN gateway <> 'stripe' THEN gateway END) AS gateway,
    MAX(CASE WHEN gateway = 'stripe' THEN 1 ELSE 0 END) AS through_stripe,
    SUM(CASE WHEN gateway <> 'stripe' THEN amount END) AS paid,
    MAX(CASE WHEN gateway <> 'stripe' THEN currency END) AS currency
  FROM silver.stg_shopify_order_transactions
  WHERE
    status = 'success' AND kind IN ('sale', 'capture')
  GROUP BY
    order_id
), paid_back AS (
  SELECT
    order_id,
    SUM(amount) AS refunded,
    MAX(currency) AS currency
  FROM silver.stg_shopify_order_transactions
  WHERE
    status = 'success' AND kind = 'refund' AND gateway <> 'stripe'
  GROUP BY
    order_id
), settled AS (
  SELECT
    charge_id,
    SUM(amount) OVER (PARTITION BY charge_id, currency) AS amount,
    SUM(fee) OVER (PARTITION BY charge_id, currency) AS fee,
    SUM(net) OVER (PARTITION BY charge_id, currency) AS net,
    currency,
    payout_id
  FROM gold.fact_balance_transactions
  WHERE
    category = 'charge'
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY charge_id ORDER BY created_at, balance_transaction_id) = 1
), moved_back AS (
  SELECT
    order_id,
    MAX(movement_date) AS last_date
  FROM gold.fact_balance_transactions
  WHERE
    category = 'refund'
  GROUP BY
    order_id
), given_back AS (
  SELECT
    order_id,
    SUM(refunded_amount) AS refunded,
    SUM(presentment_refunded_amount) AS presentment_refunded,
    MAX(refund_date) AS last_date
  FROM gold.fact_refunds
  GROUP BY
    order_id
), entries AS (
  SELECT
    ledger.order_id,
    ledger.kind,
    COUNT(*) AS entries,
    CASE WHEN MIN(ledger.currency) = MAX(ledger.currency) THEN SUM(ledger.amount) END AS amount,
    CASE WHEN MIN(ledger.currency) = MAX(ledger.currency) THEN MAX(ledger.currency) END AS currency,
    MAX(@local_date(ledger.booked_at, shop.time_zone)) AS last_date
  FROM silver.stg_shop_ledger AS ledger
  CROSS JOIN (
    SELECT
      COALESCE(MAX(time_zone), 'UTC') AS time_zone
    FROM silver.stg_shopify_shop
  ) AS shop
  GROUP BY
    ledger.order_id,
    ledger.kind
), matched AS (
  SELECT
    orders.order_id,
    orders.order_date,
    orders.is_test,
    orders.payment_status,
    succeeded.charge_id,
    succeeded.charges,
    succeeded.charges_alike,
    succeeded.charged,
    succeeded.stripe_refunded,
    settled.amount AS settled_amount,
    settled.fee,
    settled.net AS settled_net,
    settled.currency AS settlement_currency,
    settled.payout_id,
    COALESCE(
      CASE
        WHEN succeeded.currency = orders.presentment_currency
        THEN given_back.presentment_refunded
        ELSE given_back.refunded
      END,
      0
    ) - CASE
      WHEN gateways.through_stripe = 1 AND paid_back.currency = succeeded.currency
      THEN paid_back.refunded
      ELSE 0
    END AS shop_refunded,
    given_back.last_date AS shop_refund_date,
    moved_back.last_date AS stripe_refund_date,
    orders.total_amount,
    orders.currency AS shop_currency,
    COALESCE(given_back.refunded, 0) AS refunded,
    ledger_state.is_kept,
    COALESCE(sales.entries, 0) AS sales,
    sales.amount AS sold,
    sales.currency AS ledger_currency,
    sales.last_date AS sold_date,
    COALESCE(refunds.amount, 0) AS ledger_refunded,
    COALESCE(refunds.currency = orders.currency, refunds.order_id IS NULL) AS is_refunded_in_kind,
    refunds.last_date AS refunded_date,
    succeeded.currency AS charge_currency,
    CASE
      WHEN NOT succeeded.charge_id IS NULL AND gateways.through_stripe = 1
      THEN gateways.paid
    END AS paid_elsewhere,
    gateways.currency AS elsewhere_currency,
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
  CROSS JOIN silver.shop_ledger_state AS ledger_state
  LEFT JOIN succeeded
    ON succeeded.order_id = orders.order_id AND succeeded.place = 1
  LEFT JOIN settled
    ON settled.charge_id = succeeded.charge_id
  LEFT JOIN moved_back
    ON moved_back.order_id = orders.order_id
  LEFT JOIN given_back
    ON given_back.order_id = orders.order_id
  LEFT JOIN entries AS sales
    ON sales.order_id = orders.order_id AND sales.kind = 'sale'
  LEFT JOIN entries AS refunds
    ON refunds.order_id = orders.order_id AND refunds.kind = 'refund'
  LEFT JOIN gateways
    ON gateways.order_id = orders.order_id
  LEFT JOIN paid_back
    ON paid_back.order_id = orders.order_id
), owed AS (
  SELECT
    *,
    CASE WHEN elsewhere_currency = order_currency THEN paid_elsewhere END AS other_gateways_amount,
    order_amount - COALESCE(CASE WHEN elsewhere_currency = order_currency THEN paid_elsewhere END, 0) AS due
  FROM matched
  WHERE
    NOT is_test
), judged AS (
  SELECT
    *,
    CASE
      WHEN charge_id IS NULL AND NOT exemption IS NULL
      THEN 'not_chargeable'
      WHEN charge_id IS NULL
      THEN 'missing_charge'
      WHEN charge_currency <> order_currency
      THEN 'currency_differs'
      WHEN charged = due AND charges = charges_alike
      THEN 'reconciled'
      WHEN charges > 1 AND (
        charges <> charges_alike OR charged % NULLIF(due, 0) = 0
      )
      THEN 'doubled_charge'
      ELSE 'amount_differs'
    END AS status,
    stripe_refunded - shop_refunded AS refund_difference,
    CASE
      WHEN charge_currency <> order_currency
      THEN CASE WHEN stripe_refunded <> 0 OR shop_refunded <> 0 THEN 'currency' END
      WHEN charge_id IS NULL OR stripe_refunded = shop_refunded
      THEN CASE WHEN stripe_refund_date <> shop_refund_date THEN 'refund_lag' END
      WHEN stripe_refunded = 0 OR shop_refunded = 0
      THEN 'missing'
      WHEN stripe_refunded = 2 * shop_refunded OR shop_refunded = 2 * stripe_refunded
      THEN 'doubled'
      ELSE 'amount'
    END AS refund_reason,
    CASE
      WHEN charge_id IS NULL
      THEN NULL
      WHEN settlement_currency IS NULL
      THEN 'missing'
      WHEN settlement_currency <> charge_currency
      THEN 'currency'
      WHEN charges = 1 AND settled_amount <> charged
      THEN 'amount'
      WHEN fee <> 0
      THEN 'fee'
    END AS settlement_reason,
    CASE
      WHEN charge_id IS NULL
      THEN NULL
      WHEN settlement_currency IS NULL
      THEN 'missing'
      WHEN payout_id IS NULL
      THEN 'timing'
    END AS payout_reason,
    CASE
      WHEN NOT is_kept OR (
        sales = 0 AND NOT exemption IS NULL
      )
      THEN NULL
      WHEN sales = 0
      THEN 'missing'
      WHEN COALESCE(ledger_currency <> shop_currency, TRUE)
      THEN 'currency'
      WHEN sales > 1 AND sold = sales * total_amount
      THEN 'doubled'
      WHEN sold = total_amount
      THEN CASE WHEN sold_date <> order_date THEN 'timing' END
      WHEN settlement_currency = shop_currency AND sold = total_amount - fee
      THEN 'fee'
      ELSE 'amount'
    END AS ledger_reason,
    CASE
      WHEN NOT is_kept
      THEN NULL
      WHEN NOT is_refunded_in_kind
      THEN 'currency'
      WHEN ledger_refunded = refunded
      THEN CASE WHEN refunded_date <> shop_refund_date THEN 'refund_lag' END
      WHEN ledger_refunded = 0 OR refunded = 0
      THEN 'missing'
      WHEN ledger_refunded = 2 * refunded
      THEN 'doubled'
      ELSE 'amount'
    END AS ledger_refund_reason
  FROM owed
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
    other_gateways_amount,
    charge_id,
    charged AS charge_amount,
    charge_currency,
    CASE WHEN charge_currency = order_currency THEN charged - due END AS difference,
    order_currency AS currency,
    status,
    CASE status
      WHEN 'reconciled'
      THEN CONCAT(
        CASE
          WHEN charges > 1
          THEN CONCAT(charges::TEXT, ' charges together equal ')
          ELSE 'The charge equals '
        END,
        CASE
          WHEN due <> order_amount
          THEN 'what other gateways left of the order.'
          ELSE 'the order.'
        END
      )
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
        CAST(charged - due AS DECIMAL(18, 2))::TEXT,
        ' ',
        order_currency,
        CASE
          WHEN elsewhere_currency <> order_currency AND NOT paid_elsewhere IS NULL
          THEN CONCAT(
            '; other gateways took ',
            paid_elsewhere::DECIMAL(18, 2)::TEXT,
            ' ',
            elsewhere_currency,
            ' of it.'
          )
          ELSE '.'
        END
      )
    END AS reason,
    exemption IS NULL AS is_chargeable,
    CASE WHEN charge_currency = order_currency THEN refund_difference END AS refund_difference,
    refund_reason,
    settled_amount,
    fee,
    settled_net,
    settlement_currency,
    settlement_reason,
    payout_id,
    payout_reason,
    sold AS ledger_amount,
    CASE WHEN ledger_currency = shop_currency THEN sold - total_amount END AS ledger_difference,
    ledger_currency,
    ledger_reason,
    CASE WHEN is_kept AND is_refunded_in_kind THEN ledger_refunded - refunded END AS ledger_refund_difference,
    ledger_refund_reason
  FROM judged
  UNION ALL
  SELECT
    NULL AS order_key,
    orphans.order_id,
    @local_date(orphans.created_at, shop.time_zone) AS order_date,
    NULL AS order_amount,
    NULL AS other_gateways_amount,
    orphans.charge_id,
    orphans.amount AS charge_amount,
    orphans.currency AS charge_currency,
    orphans.amount AS difference,
    orphans.currency,
    'charge_without_order' AS status,
    CASE
      WHEN orphans.order_id IS NULL
      THEN 'The charge names no order.'
      ELSE 'The charge names an order that the shop does not have.'
    END AS reason,
    FALSE AS is_chargeable,
    NULL AS refund_difference,
    NULL AS refund_reason,
    NULL AS settled_amount,
    NULL AS fee,
    NULL AS settled_net,
    NULL AS settlement_currency,
    NULL AS settlement_reason,
    NULL AS payout_id,
    NULL AS payout_reason,
    NULL AS ledger_amount,
    NULL AS ledger_difference,
    NULL AS ledger_currency,
    NULL AS ledger_reason,
    NULL AS ledger_refund_difference,
    NULL AS ledger_refund_reason
  FROM orphans
  CROSS JOIN shop
)
SELECT
  order_key::TEXT AS order_key, /* Hash of the order's id, the key of fact_orders; NULL for a charge without an order */
  order_id::TEXT AS order_id, /* Shopify's number of the order, also one that only the charge names */
  order_date::DATE AS order_date, /* Day of the order, or of the charge that has none, in the shop's time zone */
  order_amount::DECIMAL(18, 2) AS order_amount, /* What the customer owes, in currency */
  other_gateways_amount::DECIMAL(18, 2) AS other_gateways_amount, /* What gateways beside Stripe took of it, in currency; NULL where none did, and where it is known in another currency only */
  charge_id::TEXT AS charge_id, /* Stripe's id of the order's first succeeded charge */
  charge_amount::DECIMAL(18, 2) AS charge_amount, /* What was captured of the order's succeeded charges in the currency of the first */
  charge_currency::TEXT AS charge_currency, /* That currency, ISO 4217 */
  difference::DECIMAL(18, 2) AS difference, /* charge_amount less what other gateways left of order_amount; NULL without a charge and in another currency */
  currency::TEXT AS currency, /* Currency that was compared, ISO 4217 */
  status::TEXT AS status, /* reconciled, not_chargeable, missing_charge, amount_differs, currency_differs, doubled_charge or charge_without_order */
  reason::TEXT AS reason, /* One sentence that says why */
  is_chargeable::BOOLEAN AS is_chargeable, /* Whether the order must have a charge */
  refund_difference::DECIMAL(18, 2) AS refund_difference, /* What Stripe gave back less what Shopify says was, through other gateways left out, in currency; NULL without a charge and in another currency */
  refund_reason::TEXT AS refund_reason, /* currency, refund_lag (another day), missing (on one side), doubled or amount; NULL where they agree */
  settled_amount::DECIMAL(18, 2) AS settled_amount, /* What the charge brought into the balance before fees, in settlement_currency */
  fee::DECIMAL(18, 2) AS fee, /* What Stripe kept of it */
  settled_net::DECIMAL(18, 2) AS settled_net, /* What is left of it */
  settlement_currency::TEXT AS settlement_currency, /* Currency of the balance, ISO 4217 */
  settlement_reason::TEXT AS settlement_reason, /* Why settled_net isn't the charge: fee, currency, missing (not booked) or amount; NULL where it is */
  payout_id::TEXT AS payout_id, /* Stripe's id of the payout that it was part of; one that failed says so in payout_reconciliation */
  payout_reason::TEXT AS payout_reason, /* Why there is no payout: timing (still to come) or missing (nothing was booked); NULL where there is one */
  ledger_amount::DECIMAL(18, 2) AS ledger_amount, /* What the shop's own ledger has of the sale, in ledger_currency; NULL where it has several currencies */
  ledger_difference::DECIMAL(18, 2) AS ledger_difference, /* ledger_amount less what the customer owes, shop currency; NULL in another currency */
  ledger_currency::TEXT AS ledger_currency, /* Currency it was booked in, ISO 4217; NULL where there are several */
  ledger_reason::TEXT AS ledger_reason, /* fee (booked after fees), currency, timing (another day), missing, doubled or amount; NULL where they agree or no ledger is kept */
  ledger_refund_difference::DECIMAL(18, 2) AS ledger_refund_difference, /* What the ledger has of the refunds less what was given back, shop currency; NULL in another currency */
  ledger_refund_reason::TEXT AS ledger_refund_reason /* currency, refund_lag (another day), missing, doubled or amount; NULL where they agree or no ledger is kept */
FROM reconciliation

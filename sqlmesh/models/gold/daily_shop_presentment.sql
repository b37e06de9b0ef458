/* The shop by day, in the money that customers saw: the same as daily_shop in each presentment currency. One row a day and currency. */
MODEL (
  name gold.daily_shop_presentment,
  kind FULL,
  owner data_engineer,
  grain (day, currency),
  audits (
    not_null(columns := (day, currency, orders, net_sales, total_sales)),
    unique_combination_of_columns(columns := (day, currency)),
    forall(
      criteria := (
        orders + refunds > 0,
        net_sales = gross_revenue - discounts - returns,
        total_sales = net_sales + tax + shipping
      )
    )
  )
);

WITH movements AS (
  SELECT
    order_date AS day,
    presentment_currency AS currency,
    1 AS orders,
    0 AS refunds,
    presentment_subtotal AS net,
    presentment_discount_amount AS discounts,
    0 AS returns,
    presentment_tax_amount AS tax,
    presentment_shipping_amount AS shipping
  FROM silver.stg_shopify_orders
  WHERE
    NOT is_test
  UNION ALL
  SELECT
    refund_date AS day,
    presentment_currency AS currency,
    0 AS orders,
    1 AS refunds,
    0 AS net,
    0 AS discounts,
    presentment_returns_amount AS returns,
    -presentment_tax_amount AS tax,
    -presentment_shipping_amount AS shipping
  FROM gold.fact_refunds
), days AS (
  SELECT
    day,
    currency,
    SUM(orders) AS orders,
    SUM(refunds) AS refunds,
    COALESCE(SUM(net), 0) AS net,
    COALESCE(SUM(discounts), 0) AS discounts,
    SUM(returns) AS returns,
    COALESCE(SUM(tax), 0) AS tax,
    COALESCE(SUM(shipping), 0) AS shipping
  FROM movements
  GROUP BY
    day,
    currency
)
SELECT
  day::DATE AS day, /* Day, in the shop's time zone */
  currency::TEXT AS currency, /* Currency shown to the customers, ISO 4217 */
  orders::BIGINT AS orders, /* Orders */
  refunds::BIGINT AS refunds, /* Refunds made */
  (
    net + discounts
  )::DECIMAL(18, 2) AS gross_revenue, /* Goods before discounts, tax and shipping */
  discounts::DECIMAL(18, 2) AS discounts, /* Discounts */
  net::DECIMAL(18, 2) AS net_revenue, /* Goods after discounts, before tax and shipping; returns not taken off */
  returns::DECIMAL(18, 2) AS returns, /* Goods given back this day, whenever they were ordered */
  (
    net - returns
  )::DECIMAL(18, 2) AS net_sales, /* gross_revenue less discounts less returns */
  tax::DECIMAL(18, 2) AS tax, /* Tax on the orders less tax given back */
  shipping::DECIMAL(18, 2) AS shipping, /* Shipping of the orders less shipping given back */
  (
    net - returns + tax + shipping
  )::DECIMAL(18, 2) AS total_sales /* net_sales with tax and shipping */
FROM days

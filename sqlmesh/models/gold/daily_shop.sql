/* The shop by day, in the shop's money: orders on the day they were processed, returns on the day of the refund; days without either left out. One row a day and currency. */
MODEL (
  name gold.daily_shop,
  kind FULL,
  owner data_engineer,
  grain (day, currency),
  audits (
    not_null(columns := (day, currency, orders, net_sales, total_sales)),
    unique_combination_of_columns(columns := (day, currency)),
    forall(
      criteria := (
        orders + refunds > 0,
        gross_revenue = net_revenue + discounts,
        net_sales = gross_revenue - discounts - returns,
        total_sales = net_sales + tax + shipping
      )
    )
  )
);

WITH first_days AS (
  SELECT
    customer_key,
    MIN(order_date) AS first_day
  FROM gold.fact_orders
  GROUP BY
    customer_key
), sold AS (
  SELECT
    orders.order_date AS day,
    orders.currency,
    COUNT(*) AS orders,
    COUNT(DISTINCT orders.customer_key) AS customers,
    COUNT(
      DISTINCT CASE WHEN first_days.first_day = orders.order_date THEN orders.customer_key END
    ) AS new_customers,
    SUM(orders.units) AS units,
    SUM(orders.gross_amount) AS gross,
    SUM(orders.discount_amount) AS discounts,
    SUM(orders.net_amount) AS net,
    SUM(orders.tax_amount) AS tax,
    SUM(orders.shipping_amount) AS shipping,
    0 AS refunds,
    0 AS returned_units,
    0 AS returns
  FROM gold.fact_orders AS orders
  LEFT JOIN first_days
    ON first_days.customer_key = orders.customer_key
  GROUP BY
    orders.order_date,
    orders.currency
), given_back AS (
  SELECT
    refund_date AS day,
    currency,
    0 AS orders,
    0 AS customers,
    0 AS new_customers,
    0 AS units,
    0 AS gross,
    0 AS discounts,
    0 AS net,
    -SUM(tax_amount) AS tax,
    -SUM(shipping_amount) AS shipping,
    COUNT(*) AS refunds,
    SUM(units) AS returned_units,
    SUM(returns_amount) AS returns
  FROM gold.fact_refunds
  GROUP BY
    refund_date,
    currency
), days AS (
  SELECT
    day,
    currency,
    SUM(orders) AS orders,
    SUM(customers) AS customers,
    SUM(new_customers) AS new_customers,
    SUM(units) AS units,
    SUM(gross) AS gross,
    SUM(discounts) AS discounts,
    SUM(net) AS net,
    SUM(tax) AS tax,
    SUM(shipping) AS shipping,
    SUM(refunds) AS refunds,
    SUM(returned_units) AS returned_units,
    SUM(returns) AS returns
  FROM (
    SELECT
      *
    FROM sold
    UNION ALL
    SELECT
      *
    FROM given_back
  ) AS both_sides
  GROUP BY
    day,
    currency
)
SELECT
  day::DATE AS day, /* Day, in the shop's time zone */
  currency::TEXT AS currency, /* Currency of the amounts, ISO 4217: the shop's own */
  orders::BIGINT AS orders, /* Orders */
  customers::BIGINT AS customers, /* Customers who ordered; guests don't count */
  new_customers::BIGINT AS new_customers, /* Customers who ordered for the first time */
  units::BIGINT AS units, /* Pieces ordered */
  gross::DECIMAL(18, 2) AS gross_revenue, /* Goods before discounts, tax and shipping */
  discounts::DECIMAL(18, 2) AS discounts, /* Discounts */
  net::DECIMAL(18, 2) AS net_revenue, /* Goods after discounts, before tax and shipping; returns not taken off */
  refunds::BIGINT AS refunds, /* Refunds made */
  returned_units::BIGINT AS returned_units, /* Pieces given back */
  returns::DECIMAL(18, 2) AS returns, /* Goods given back this day, whenever they were ordered */
  (
    net - returns
  )::DECIMAL(18, 2) AS net_sales, /* gross_revenue less discounts less returns */
  tax::DECIMAL(18, 2) AS tax, /* Tax on the orders less tax given back */
  shipping::DECIMAL(18, 2) AS shipping, /* Shipping of the orders less shipping given back */
  (
    net - returns + tax + shipping
  )::DECIMAL(18, 2) AS total_sales, /* net_sales with tax and shipping */
  CASE WHEN orders > 0 THEN (
    net::DECIMAL(18, 2) / orders
  ) END::DECIMAL(18, 2) AS average_order_value /* net_revenue an order; NULL on a day without orders */
FROM days

/* The shop by day of order, days without orders left out. One row a day and currency. */
MODEL (
  name gold.daily_shop,
  kind FULL,
  owner data_engineer,
  grain (day, currency),
  audits (
    not_null(columns := (day, currency, orders)),
    unique_combination_of_columns(columns := (day, currency)),
    forall(criteria := (
      orders > 0 AND gross_revenue = net_revenue + discounts
    ))
  )
);

WITH first_days AS (
  SELECT
    customer_key,
    MIN(order_date) AS first_day
  FROM gold.fact_orders
  WHERE
    NOT customer_key IS NULL
  GROUP BY
    customer_key
)
SELECT
  orders.order_date::DATE AS day, /* Day, in the shop's time zone */
  orders.currency::TEXT AS currency, /* Currency of the amounts, ISO 4217 */
  COUNT(*)::BIGINT AS orders, /* Orders */
  COUNT(DISTINCT orders.customer_key)::BIGINT AS customers, /* Customers who ordered; guests don't count */
  COUNT(
    DISTINCT CASE WHEN first_days.first_day = orders.order_date THEN orders.customer_key END
  )::BIGINT AS new_customers, /* Customers who ordered for the first time */
  SUM(orders.units)::BIGINT AS units, /* Pieces ordered */
  SUM(orders.gross_amount)::DECIMAL(18, 2) AS gross_revenue, /* Goods before discounts, tax and shipping */
  SUM(orders.discount_amount)::DECIMAL(18, 2) AS discounts, /* Discounts */
  SUM(orders.net_amount)::DECIMAL(18, 2) AS net_revenue, /* Goods after discounts, before tax and shipping */
  (
    SUM(orders.net_amount)::DECIMAL(18, 2) / COUNT(*)
  )::DECIMAL(18, 2) AS average_order_value /* net_revenue an order */
FROM gold.fact_orders AS orders
LEFT JOIN first_days
  ON first_days.customer_key = orders.customer_key
GROUP BY
  orders.order_date,
  orders.currency

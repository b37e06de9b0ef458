/* The same as customer_cohorts by e-mail address, so that guests count too; orders without an address left out. One row a cohort, month and currency. */
MODEL (
  name gold.customer_email_cohorts,
  kind FULL,
  owner data_engineer,
  grain (cohort_month, month, currency),
  audits (
    not_null(columns := (cohort_month, month, currency, cohort_customers, active_customers)),
    unique_combination_of_columns(columns := (cohort_month, month, currency)),
    forall(
      criteria := (
        months_since >= 0,
        active_customers BETWEEN 1 AND cohort_customers,
        orders >= active_customers
      )
    )
  )
);

WITH orders AS (
  SELECT
    COALESCE(orders.email, customers.email) AS customer,
    orders.order_date,
    orders.currency,
    orders.subtotal AS net_amount
  FROM silver.stg_shopify_orders AS orders
  LEFT JOIN silver.stg_shopify_customers AS customers
    ON customers.customer_id = orders.customer_id
  WHERE
    NOT orders.is_test AND NOT COALESCE(orders.email, customers.email) IS NULL
), firsts AS (
  SELECT
    customer,
    DATE_TRUNC('MONTH', MIN(order_date))::DATE AS cohort_month
  FROM orders
  GROUP BY
    customer
), sizes AS (
  SELECT
    cohort_month,
    COUNT(*) AS customers
  FROM firsts
  GROUP BY
    cohort_month
), months AS (
  SELECT
    firsts.cohort_month,
    DATE_TRUNC('MONTH', orders.order_date)::DATE AS month,
    orders.currency,
    COUNT(DISTINCT orders.customer) AS active_customers,
    COUNT(*) AS orders,
    SUM(orders.net_amount) AS net_amount
  FROM orders
  JOIN firsts
    ON firsts.customer = orders.customer
  GROUP BY
    firsts.cohort_month,
    DATE_TRUNC('MONTH', orders.order_date),
    orders.currency
)
SELECT
  months.cohort_month::DATE AS cohort_month, /* First day of the month in which they first ordered */
  months.month::DATE AS month, /* First day of the month that is looked at; months without orders left out */
  (
    (
      EXTRACT(YEAR FROM months.month) - EXTRACT(YEAR FROM months.cohort_month)
    ) * 12 + EXTRACT(MONTH FROM months.month) - EXTRACT(MONTH FROM months.cohort_month)
  )::INT AS months_since, /* Months between the two; 0 is the first */
  months.currency::TEXT AS currency, /* Currency of the amounts, ISO 4217 */
  sizes.customers::BIGINT AS cohort_customers, /* E-mail addresses of the cohort */
  months.active_customers::BIGINT AS active_customers, /* Those of them who ordered in the month */
  months.orders::BIGINT AS orders, /* Their orders in the month */
  months.net_amount::DECIMAL(18, 2) AS net_amount, /* Net amount of those orders, returns not taken off */
  SUM(months.net_amount) OVER (
    PARTITION BY months.cohort_month, months.currency
    ORDER BY months.month
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  )::DECIMAL(18, 2) AS net_amount_so_far /* Net amount of the cohort's orders up to the end of the month */
FROM months
JOIN sizes
  ON sizes.cohort_month = months.cohort_month

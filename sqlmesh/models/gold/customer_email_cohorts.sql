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
), cohorts AS (
  @cohorts(orders)
)
SELECT
  cohort_month::DATE AS cohort_month, /* First day of the month in which they first ordered */
  month::DATE AS month, /* First day of the month that is looked at; months without orders left out */
  months_since::INT AS months_since, /* Months between the two; 0 is the first */
  currency::TEXT AS currency, /* Currency of the amounts, ISO 4217 */
  cohort_customers::BIGINT AS cohort_customers, /* E-mail addresses of the cohort */
  active_customers::BIGINT AS active_customers, /* Those of them who ordered in the month */
  orders::BIGINT AS orders, /* Their orders in the month */
  net_amount::DECIMAL(18, 2) AS net_amount, /* Net amount of those orders, returns not taken off */
  net_amount_so_far::DECIMAL(18, 2) AS net_amount_so_far /* Net amount of the cohort's orders up to the end of the month */
FROM cohorts

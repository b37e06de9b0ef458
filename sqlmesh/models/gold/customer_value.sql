/* What each customer is worth: how recently, how often and for how much they bought, and whether they may be lost. As of the day of the last order. One row a customer and currency; guests left out. */
MODEL (
  name gold.customer_value,
  kind FULL,
  owner data_engineer,
  grain (customer_key, currency),
  audits (
    not_null(
      columns := (customer_key, currency, recency_days, frequency, monetary_amount, churn_risk)
    ),
    unique_combination_of_columns(columns := (customer_key, currency)),
    accepted_values("column" := churn_risk, is_in := ('low', 'medium', 'high')),
    forall(
      criteria := (
        recency_days >= 0,
        frequency > 0,
        recency_score BETWEEN 1 AND 5,
        frequency_score BETWEEN 1 AND 5,
        monetary_score BETWEEN 1 AND 5
      )
    )
  )
);

WITH latest AS (
  SELECT
    MAX(order_date) AS as_of
  FROM gold.fact_orders
), returned AS (
  SELECT
    customer_key,
    currency,
    SUM(returns_amount) AS returns
  FROM gold.fact_refunds
  GROUP BY
    customer_key,
    currency
), customers AS (
  SELECT
    customer_key,
    currency,
    COUNT(*) AS frequency,
    COUNT(DISTINCT order_date) AS days,
    MIN(order_date) AS first_date,
    MAX(order_date) AS last_date,
    SUM(net_amount) AS net_amount
  FROM gold.fact_orders
  WHERE
    NOT customer_key IS NULL
  GROUP BY
    customer_key,
    currency
), pace AS (
  SELECT
    SUM(last_date - first_date) AS days,
    SUM(days - 1) AS gaps
  FROM customers
), measured AS (
  SELECT
    customers.*,
    latest.as_of,
    latest.as_of - customers.last_date AS recency,
    customers.net_amount - COALESCE(returned.returns, 0) AS monetary,
    CASE
      WHEN customers.days > 1
      THEN customers.last_date - customers.first_date
      ELSE COALESCE(pace.days, 0)
    END AS span,
    CASE WHEN customers.days > 1 THEN customers.days - 1 ELSE COALESCE(pace.gaps, 0) END AS gaps
  FROM customers
  CROSS JOIN latest
  CROSS JOIN pace
  LEFT JOIN returned
    ON returned.customer_key = customers.customer_key
    AND returned.currency = customers.currency
), ranked AS (
  SELECT
    *,
    COUNT(*) OVER (PARTITION BY currency) AS customers,
    RANK() OVER (PARTITION BY currency ORDER BY recency DESC) - 1 AS recency_rank,
    RANK() OVER (PARTITION BY currency ORDER BY frequency) - 1 AS frequency_rank,
    RANK() OVER (PARTITION BY currency ORDER BY monetary) - 1 AS monetary_rank
  FROM measured
)
SELECT
  customer_key::TEXT AS customer_key, /* Hash of the customer's id, the key of dim_customers */
  currency::TEXT AS currency, /* Currency of the amounts, ISO 4217 */
  as_of::DATE AS as_of_date, /* Day of the shop's last order, from which recency is counted */
  recency::BIGINT AS recency_days, /* Days since the customer's last order */
  frequency::BIGINT AS frequency, /* Orders */
  monetary::DECIMAL(18, 2) AS monetary_amount, /* Net amount of the orders less returns */
  first_date::DATE AS first_order_date, /* Day of the first order */
  last_date::DATE AS last_order_date, /* Day of the last order */
  CASE WHEN gaps > 0 THEN span::DECIMAL(18, 2) / gaps END::DECIMAL(18, 2) AS days_between_orders, /* Days from one order to the next on average; the shop's average for who came on one day only */
  (
    1 + FLOOR(5 * recency_rank / customers)
  )::INT AS recency_score, /* Fifth of the customers by recency: 5 bought last; those alike are alike here */
  (
    1 + FLOOR(5 * frequency_rank / customers)
  )::INT AS frequency_score, /* Fifth by orders: 5 bought most often; who bought once is 1 */
  (
    1 + FLOOR(5 * monetary_rank / customers)
  )::INT AS monetary_score, /* Fifth by money: 5 paid most */
  CASE
    WHEN gaps = 0 OR recency * gaps <= span
    THEN 'low'
    WHEN recency * gaps <= 2 * span
    THEN 'medium'
    ELSE 'high'
  END::TEXT AS churn_risk /* low up to one usual pause since the last order, medium up to two, high after that */
FROM ranked

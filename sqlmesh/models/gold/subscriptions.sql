/* Subscriptions with what was billed for them and what they are worth. One row a subscription. */
MODEL (
  name gold.subscriptions,
  kind FULL,
  owner data_engineer,
  grain subscription_id,
  audits (
    not_null(columns := (subscription_id, status, started_date, items, invoices)),
    unique_values(columns := subscription_id),
    forall(criteria := (
      billed_amount >= paid_amount
    ), blocking := FALSE)
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), items AS (
  SELECT
    subscription_id,
    COUNT(*) AS items,
    SUM(quantity) AS units
  FROM silver.stg_stripe_subscription_items
  GROUP BY
    subscription_id
), invoices AS (
  SELECT
    subscription_id,
    COUNT(*) AS invoices,
    SUM(total) AS billed,
    SUM(paid_amount) AS paid,
    MAX(created_at) AS last_at
  FROM silver.stg_stripe_invoices
  WHERE
    NOT status IN ('draft', 'void')
  GROUP BY
    subscription_id
), months AS (
  SELECT
    subscription_id,
    month,
    SUM(mrr) AS mrr
  FROM gold.mrr
  GROUP BY
    subscription_id,
    month
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY subscription_id ORDER BY month DESC) = 1
)
SELECT
  subscriptions.subscription_id::TEXT AS subscription_id, /* Stripe's id of the subscription */
  subscriptions.stripe_customer_id::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  CASE
    WHEN NOT customers.customer_id IS NULL
    THEN @GENERATE_SURROGATE_KEY(customers.customer_id)
  END::TEXT AS customer_key, /* Hash of the shop's customer, where Stripe's names one */
  subscriptions.status::TEXT AS status, /* active, trialing, past_due, unpaid, paused, incomplete, incomplete_expired or canceled */
  subscriptions.currency::TEXT AS currency, /* ISO 4217 code */
  COALESCE(items.items, 0)::BIGINT AS items, /* Items it has now */
  COALESCE(items.units, 0)::BIGINT AS units, /* Units over all items */
  COALESCE(months.mrr, 0)::DECIMAL(18, 2) AS mrr, /* What it was worth at the end of the last month that gold.mrr knows of it */
  COALESCE(invoices.invoices, 0)::BIGINT AS invoices, /* Invoices, without drafts and void ones */
  COALESCE(invoices.billed, 0)::DECIMAL(18, 2) AS billed_amount, /* Sum of those */
  COALESCE(invoices.paid, 0)::DECIMAL(18, 2) AS paid_amount, /* What was paid of them */
  @local_date(invoices.last_at, shop.time_zone)::DATE AS last_invoice_date, /* Day of the last one, in the shop's time zone */
  subscriptions.ends_with_period::BOOLEAN AS ends_with_period, /* Whether it will be canceled at the end of its period */
  subscriptions.is_live::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  @local_date(COALESCE(subscriptions.started_at, subscriptions.created_at), shop.time_zone)::DATE AS started_date, /* Day it began */
  @local_date(subscriptions.ended_at, shop.time_zone)::DATE AS ended_date /* Day it ended; NULL while it goes on */
FROM silver.stg_stripe_subscriptions AS subscriptions
CROSS JOIN shop
LEFT JOIN silver.stg_stripe_customers AS customers
  ON customers.stripe_customer_id = subscriptions.stripe_customer_id
LEFT JOIN items
  ON items.subscription_id = subscriptions.subscription_id
LEFT JOIN invoices
  ON invoices.subscription_id = subscriptions.subscription_id
LEFT JOIN months
  ON months.subscription_id = subscriptions.subscription_id

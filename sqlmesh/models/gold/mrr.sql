/* Monthly recurring revenue: what each item of a subscription is worth at the end of each month, and how that moved. One row an item and month; months in which an item neither is nor was worth anything left out. */
MODEL (
  name gold.mrr,
  kind FULL,
  owner data_engineer,
  grain (month, subscription_item_id),
  audits (
    not_null(columns := (month, subscription_item_id, mrr, previous_mrr, movement, currency)),
    unique_combination_of_columns(columns := (month, subscription_item_id)),
    accepted_values(
      "column" := movement,
      is_in := ('new', 'expansion', 'contraction', 'churned', 'reactivation', 'steady')
    ),
    forall(
      criteria := (
        mrr = previous_mrr + new_mrr + expansion_mrr + contraction_mrr + churned_mrr + reactivation_mrr
      )
    )
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), subscriptions AS (
  SELECT
    subscriptions.subscription_id,
    subscriptions.stripe_customer_id,
    subscriptions.status,
    subscriptions.is_live,
    NOT subscriptions.pause_behavior IS NULL
    OR subscriptions.status IN ('unpaid', 'paused') AS is_paused,
    @local_date(subscriptions.trial_end_at, shop.time_zone) AS trial_end_date,
    @local_date(subscriptions.ended_at, shop.time_zone) AS ended_date
  FROM silver.stg_stripe_subscriptions AS subscriptions
  CROSS JOIN shop
), items AS (
  SELECT
    items.*,
    @local_date(items.created_at, shop.time_zone) AS created_date
  FROM silver.stg_stripe_subscription_items AS items
  CROSS JOIN shop
), billed AS (
  SELECT
    subscription_item_id,
    subscription_id,
    product_id,
    currency,
    SUM(CASE WHEN is_void OR status = 'uncollectible' THEN 0 ELSE monthly_amount END) AS amount,
    DATE_TRUNC('MONTH', period_start_date)::DATE AS month,
    period_start_date,
    period_end_date,
    created_at,
    invoice_id
  FROM gold.invoice_lines
  WHERE
    NOT subscription_item_id IS NULL AND NOT is_proration
  GROUP BY
    subscription_item_id,
    subscription_id,
    product_id,
    currency,
    period_start_date,
    period_end_date,
    created_at,
    invoice_id
), first_bills AS (
  SELECT
    subscription_item_id,
    MIN(month) AS month
  FROM billed
  GROUP BY
    subscription_item_id
), unbilled AS (
  SELECT
    items.*,
    subscriptions.status,
    subscriptions.is_paused,
    CASE
      WHEN subscriptions.trial_end_date > items.created_date
      THEN subscriptions.trial_end_date
      ELSE items.created_date
    END AS since
  FROM items
  JOIN subscriptions
    ON subscriptions.subscription_id = items.subscription_id
  WHERE
    NOT items.unit_amount IS NULL
), prices AS (
  SELECT
    *
  FROM billed
  UNION ALL
  SELECT
    unbilled.subscription_item_id,
    unbilled.subscription_id,
    unbilled.product_id,
    unbilled.currency,
    (
      unbilled.quantity * unbilled.unit_amount * CASE unbilled.interval WHEN 'week' THEN 52 WHEN 'day' THEN 365 ELSE 12 END / (
        12 * COALESCE(unbilled.interval_count, 1) * CASE WHEN unbilled.interval = 'year' THEN 12 ELSE 1 END
      )
    )::DECIMAL(18, 2) AS amount,
    DATE_TRUNC('MONTH', unbilled.since)::DATE AS month,
    unbilled.since AS period_start_date,
    NULL AS period_end_date,
    unbilled.created_at,
    '' AS invoice_id
  FROM unbilled
  LEFT JOIN first_bills
    ON first_bills.subscription_item_id = unbilled.subscription_item_id
  WHERE
    DATE_TRUNC('MONTH', unbilled.since) < first_bills.month
    OR (
      first_bills.month IS NULL
      AND unbilled.status IN ('active', 'past_due', 'canceled')
      AND NOT unbilled.is_paused
    )
), monthly AS (
  SELECT
    *,
    LEAD(month) OVER (PARTITION BY subscription_item_id ORDER BY month) AS next_month
  FROM (
    SELECT
      *
    FROM prices
    QUALIFY
      ROW_NUMBER() OVER (
        PARTITION BY subscription_item_id, month
        ORDER BY period_start_date DESC, created_at DESC, invoice_id DESC
      ) = 1
  ) AS last_of_month
), latest AS (
  SELECT
    MAX(month) AS month
  FROM (
    SELECT
      month
    FROM prices
    UNION ALL
    SELECT
      DATE_TRUNC('MONTH', ended_date)::DATE AS month
    FROM subscriptions
    UNION ALL
    SELECT
      DATE_TRUNC('MONTH', @local_date(invoices.created_at, shop.time_zone))::DATE AS month
    FROM silver.stg_stripe_invoices AS invoices
    CROSS JOIN shop
  ) AS months
), calendar AS (
  SELECT
    dates.month_start AS month,
    MAX(dates.day) AS last_day
  FROM gold.dim_date AS dates
  JOIN latest
    ON dates.month_start <= latest.month
  GROUP BY
    dates.month_start
), worth AS (
  SELECT
    calendar.month,
    monthly.subscription_item_id,
    monthly.subscription_id,
    monthly.product_id,
    monthly.currency,
    subscriptions.stripe_customer_id,
    subscriptions.is_live,
    CASE
      WHEN subscriptions.ended_date <= calendar.last_day
      THEN 0
      WHEN monthly.period_end_date <= calendar.last_day
      AND (
        NOT monthly.next_month IS NULL
        OR items.subscription_item_id IS NULL
        OR subscriptions.is_paused
      )
      THEN 0
      ELSE monthly.amount
    END AS mrr
  FROM monthly
  CROSS JOIN calendar
  LEFT JOIN subscriptions
    ON subscriptions.subscription_id = monthly.subscription_id
  LEFT JOIN items
    ON items.subscription_item_id = monthly.subscription_item_id
  WHERE
    calendar.month >= monthly.month
    AND (
      monthly.next_month IS NULL OR calendar.month < monthly.next_month
    )
    AND (
      subscriptions.status IS NULL
      OR NOT subscriptions.status IN ('incomplete', 'incomplete_expired')
    )
), moved AS (
  SELECT
    *,
    COALESCE(LAG(mrr) OVER (PARTITION BY subscription_item_id ORDER BY month), 0) AS previous_mrr,
    MAX(mrr) OVER (
      PARTITION BY subscription_item_id
      ORDER BY month
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) > 0 AS was_worth_something
  FROM worth
), named AS (
  SELECT
    *,
    CASE
      WHEN previous_mrr = 0 AND was_worth_something
      THEN 'reactivation'
      WHEN previous_mrr = 0
      THEN 'new'
      WHEN mrr = 0
      THEN 'churned'
      WHEN mrr > previous_mrr
      THEN 'expansion'
      WHEN mrr < previous_mrr
      THEN 'contraction'
      ELSE 'steady'
    END AS movement
  FROM moved
  WHERE
    mrr <> 0 OR previous_mrr <> 0
)
SELECT
  month::DATE AS month, /* First day of the month */
  subscription_item_id::TEXT AS subscription_item_id, /* Stripe's id of the subscription's item */
  subscription_id::TEXT AS subscription_id, /* Stripe's id of the subscription */
  stripe_customer_id::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  product_id::TEXT AS product_id, /* Stripe's id of the product */
  currency::TEXT AS currency, /* ISO 4217 code */
  COALESCE(is_live, FALSE)::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  movement::TEXT AS movement, /* new, expansion, contraction, churned, reactivation or steady */
  mrr::DECIMAL(18, 2) AS mrr, /* Worth at the end of the month: the last bill, as much as a month of it is, before discounts and taxes; until the first one, the price */
  previous_mrr::DECIMAL(18, 2) AS previous_mrr, /* Worth at the end of the month before */
  CASE WHEN movement = 'new' THEN mrr ELSE 0 END::DECIMAL(18, 2) AS new_mrr, /* Worth of what began */
  CASE WHEN movement = 'expansion' THEN mrr - previous_mrr ELSE 0 END::DECIMAL(18, 2) AS expansion_mrr, /* What it is worth more */
  CASE WHEN movement = 'contraction' THEN mrr - previous_mrr ELSE 0 END::DECIMAL(18, 2) AS contraction_mrr, /* What it is worth less; negative */
  CASE WHEN movement = 'churned' THEN -previous_mrr ELSE 0 END::DECIMAL(18, 2) AS churned_mrr, /* Worth of what ended or paused; negative */
  CASE WHEN movement = 'reactivation' THEN mrr ELSE 0 END::DECIMAL(18, 2) AS reactivation_mrr /* Worth of what came back */
FROM named

/* Days, from the first of January before the first of what gold dates by a key, or of a billed period, to the end of the last one's year. One row a day. */
MODEL (
  name gold.dim_date,
  kind FULL,
  owner data_engineer,
  grain date_key,
  audits (
    not_null(columns := (date_key, day)),
    unique_values(columns := (date_key, day)),
    every_day_between("column" := day),
    forall(
      criteria := (
        day = MAKE_DATE(year, month, day_of_month),
        month_start = DATE_TRUNC('MONTH', day),
        quarter_start = DATE_TRUNC('QUARTER', day)
      )
    )
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), days AS (
  SELECT
    order_date AS day
  FROM gold.fact_orders
  UNION ALL
  SELECT
    payment_date AS day
  FROM gold.fact_payments
  UNION ALL
  SELECT
    refund_date AS day
  FROM gold.fact_refunds
  UNION ALL
  SELECT
    invoice_date AS day
  FROM gold.invoice_lines
  UNION ALL
  SELECT
    period_start_date AS day
  FROM gold.invoice_lines
  UNION ALL
  SELECT
    movement_date AS day
  FROM gold.fact_balance_transactions
  UNION ALL
  SELECT
    payout_date AS day
  FROM gold.fact_payouts
  UNION ALL
  SELECT
    @local_date(movements.moved_at, shop.time_zone) AS day
  FROM silver.stg_shop_stock_movements AS movements
  CROSS JOIN shop
  UNION ALL
  SELECT
    @local_date(subscriptions.ended_at, shop.time_zone) AS day
  FROM silver.stg_stripe_subscriptions AS subscriptions
  CROSS JOIN shop
), bounds AS (
  SELECT
    DATE_TRUNC('YEAR', MIN(day))::DATE AS first_day,
    (
      DATE_TRUNC('YEAR', MAX(day)) + INTERVAL '1' YEAR
    )::DATE AS end_day
  FROM days
), digits AS (
  SELECT
    digit
  FROM (VALUES
    (0),
    (1),
    (2),
    (3),
    (4),
    (5),
    (6),
    (7),
    (8),
    (9)) AS ten(digit)
), numbers AS (
  SELECT
    ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit + 10000 * myriads.digit AS number
  FROM digits AS ones
  CROSS JOIN digits AS tens
  CROSS JOIN digits AS hundreds
  CROSS JOIN digits AS thousands
  CROSS JOIN digits AS myriads
), calendar AS (
  SELECT
    (
      bounds.first_day + numbers.number
    )::DATE AS day
  FROM bounds
  JOIN numbers
    ON bounds.first_day + numbers.number < bounds.end_day
)
SELECT
  @date_key(calendar.day)::INT AS date_key, /* The day as yyyymmdd */
  calendar.day::DATE AS day, /* The day */
  EXTRACT(YEAR FROM calendar.day)::INT AS year, /* Year */
  EXTRACT(QUARTER FROM calendar.day)::INT AS quarter, /* Quarter of the year, 1 to 4 */
  EXTRACT(MONTH FROM calendar.day)::INT AS month, /* Month of the year, 1 to 12 */
  EXTRACT(DAY FROM calendar.day)::INT AS day_of_month, /* Day of the month, 1 to 31 */
  (
    (
      calendar.day - '1900-01-01'::DATE
    ) % 7 + 1
  )::INT AS day_of_week, /* Day of the week, 1 is Monday */
  DATE_TRUNC('MONTH', calendar.day)::DATE AS month_start, /* First day of the month */
  DATE_TRUNC('QUARTER', calendar.day)::DATE AS quarter_start, /* First day of the quarter */
  (
    calendar.day - '1900-01-01'::DATE
  ) % 7 >= 5 AS is_weekend, /* Whether it is Saturday or Sunday */
  (
    NOT holidays.day IS NULL
  )::BOOLEAN AS is_holiday, /* Whether it is one of silver.holidays */
  holidays.name::TEXT AS holiday_name /* What the holiday is called */
FROM calendar
LEFT JOIN silver.holidays AS holidays
  ON holidays.day::DATE = calendar.day

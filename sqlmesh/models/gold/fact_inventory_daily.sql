/* Stock at the end of each day, from an article's first movement to the last one of any, from the shop's own database. One row an article and day. */
MODEL (
  name gold.fact_inventory_daily,
  kind FULL,
  owner data_engineer,
  grain (sku, inventory_date),
  audits (
    not_null(columns := (sku, inventory_date, opening_units, closing_units)),
    unique_combination_of_columns(columns := (sku, inventory_date)),
    forall(
      criteria := (
        closing_units = opening_units + received_units - sold_units + corrected_units
      )
    ),
    stock_adds_up
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), movements AS (
  SELECT
    movements.sku,
    movements.change,
    movements.reason,
    @local_date(movements.moved_at, shop.time_zone) AS day
  FROM silver.stg_shop_stock_movements AS movements
  CROSS JOIN shop
), moved AS (
  SELECT
    sku,
    day,
    SUM(change) AS change,
    SUM(CASE WHEN reason = 'sale' THEN -change ELSE 0 END) AS sold_units,
    SUM(CASE WHEN reason = 'restock' THEN change ELSE 0 END) AS received_units
  FROM movements
  GROUP BY
    sku,
    day
), firsts AS (
  SELECT
    sku,
    MIN(day) AS first_day
  FROM moved
  GROUP BY
    sku
), lasts AS (
  SELECT
    MAX(day) AS last_day
  FROM moved
), balances AS (
  SELECT
    firsts.sku,
    days.day,
    COALESCE(moved.change, 0) AS change,
    COALESCE(moved.sold_units, 0) AS sold_units,
    COALESCE(moved.received_units, 0) AS received_units,
    SUM(COALESCE(moved.change, 0)) OVER (
      PARTITION BY firsts.sku
      ORDER BY days.day
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS closing_units
  FROM firsts
  CROSS JOIN lasts
  CROSS JOIN gold.dim_date AS days
  LEFT JOIN moved
    ON moved.sku = firsts.sku AND moved.day = days.day
  WHERE
    days.day BETWEEN firsts.first_day AND lasts.last_day
)
SELECT
  balances.sku::TEXT AS sku, /* Stock keeping unit */
  CASE
    WHEN NOT stock.product_id IS NULL
    THEN @GENERATE_SURROGATE_KEY(stock.product_id)
  END::TEXT AS product_key, /* Hash of the product's id, the key of dim_products; NULL when the article is no longer kept */
  balances.day::DATE AS inventory_date, /* Day, in the shop's time zone */
  @date_key(balances.day)::INT AS inventory_date_key, /* That day as yyyymmdd, the key of dim_date */
  (
    balances.closing_units - balances.change
  )::BIGINT AS opening_units, /* Pieces there when the day began */
  balances.received_units::BIGINT AS received_units, /* Pieces that came in, returns among them */
  balances.sold_units::BIGINT AS sold_units, /* Pieces sold */
  (
    balances.change - balances.received_units + balances.sold_units
  )::BIGINT AS corrected_units, /* Pieces found (positive) or missing (negative) when counted */
  balances.closing_units::BIGINT AS closing_units, /* Pieces there when the day ended */
  (
    balances.closing_units > 0 AND balances.closing_units <= @low_stock
  )::BOOLEAN AS is_low, /* Whether few were left: one, up to as many as low_stock in config.yaml */
  (
    balances.closing_units <= 0
  )::BOOLEAN AS is_out /* Whether none was left */
FROM balances
LEFT JOIN silver.stg_shop_stock AS stock
  ON stock.sku = balances.sku

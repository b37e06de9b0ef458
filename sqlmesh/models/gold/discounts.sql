/* How often each discount was used and what it took off. One row a discount and currency; test orders left out, discounts that no order names kept. */
MODEL (
  name gold.discounts,
  kind FULL,
  owner data_engineer,
  grain (discount_kind, title, target, currency),
  audits (
    not_null(columns := (discount_kind, target, orders, discount_amount)),
    unique_combination_of_columns(columns := (discount_kind, title, target, currency)),
    forall(
      criteria := (orders >= 0, discount_amount >= 0, orders > 0 OR discount_amount = 0)
    )
  )
);

WITH offered AS (
  SELECT
    CASE WHEN needs_code THEN 'code' ELSE 'automatic' END AS discount_kind,
    title,
    CASE WHEN discount_kind LIKE '%FreeShipping' THEN 'shipping' ELSE 'goods' END AS target,
    status,
    times_used,
    starts_at,
    ends_at
  FROM silver.stg_shopify_discounts
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY CASE WHEN needs_code THEN 'code' ELSE 'automatic' END, title
      ORDER BY created_at DESC, discount_id DESC
    ) = 1
), taken_off AS (
  SELECT
    order_id,
    discount_kind,
    title,
    target,
    currency,
    includes_tax,
    SUM(amount) AS amount
  FROM silver.stg_shopify_order_discounts
  GROUP BY
    order_id,
    discount_kind,
    title,
    target,
    currency,
    includes_tax
), shares AS (
  SELECT
    *,
    SUM(amount) OVER (PARTITION BY order_id, target) AS all_amounts
  FROM taken_off
), used AS (
  SELECT
    discounts.discount_kind,
    discounts.title,
    discounts.target,
    discounts.currency,
    COUNT(*) AS orders,
    COUNT(DISTINCT orders.customer_id) AS customers,
    SUM(
      (
        CASE
          WHEN discounts.includes_tax
          AND discounts.target = 'goods'
          AND discounts.all_amounts > 0
          THEN discounts.amount * orders.discount_amount / discounts.all_amounts
          ELSE discounts.amount
        END
      )::DECIMAL(18, 2)
    ) AS amount,
    SUM(orders.subtotal) AS net_amount,
    MIN(orders.order_date) AS first_date,
    MAX(orders.order_date) AS last_date
  FROM shares AS discounts
  JOIN silver.stg_shopify_orders AS orders
    ON orders.order_id = discounts.order_id
  WHERE
    NOT orders.is_test
  GROUP BY
    discounts.discount_kind,
    discounts.title,
    discounts.target,
    discounts.currency
)
SELECT
  COALESCE(used.discount_kind, offered.discount_kind)::TEXT AS discount_kind, /* code, automatic, script or manual */
  COALESCE(used.title, offered.title)::TEXT AS title, /* The code, or the title of a discount without one */
  COALESCE(used.target, offered.target)::TEXT AS target, /* goods or shipping */
  used.currency::TEXT AS currency, /* Currency of the amounts, ISO 4217; NULL for a discount whose title no order names: nobody used it, or its code is another word */
  offered.status::TEXT AS status, /* active, expired or scheduled; NULL where the shop lists no discount of this title */
  COALESCE(used.orders, 0)::BIGINT AS orders, /* Orders that it was used in */
  COALESCE(used.customers, 0)::BIGINT AS customers, /* Customers who used it; guests don't count */
  COALESCE(used.amount, 0)::DECIMAL(18, 2) AS discount_amount, /* What it took off in all; of the goods without the tax that prices hold */
  COALESCE(used.net_amount, 0)::DECIMAL(18, 2) AS net_amount, /* Net amount of the orders it was used in */
  used.first_date::DATE AS first_used_date, /* Day of the first of those orders, in the shop's time zone */
  used.last_date::DATE AS last_used_date, /* Day of the last */
  offered.times_used::BIGINT AS times_used, /* How often it was used, as Shopify counts */
  offered.starts_at::TIMESTAMP AS starts_at, /* When it begins, UTC */
  offered.ends_at::TIMESTAMP AS ends_at /* When it ends, UTC; NULL when it doesn't */
FROM used
FULL JOIN offered
  ON offered.discount_kind = used.discount_kind AND offered.title = used.title

/* What was given back, on the day it was given back. One row a refund; those of test orders and of deleted ones left out. */
MODEL (
  name gold.fact_refunds,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = order_id,
      follows = (
        silver.stg_shopify_refunds = order_id,
        silver.stg_shopify_refund_lines = order_id,
        silver.stg_shopify_orders = order_id
      )
    )
  ),
  owner data_engineer,
  grain refund_key,
  references (order_key, customer_key),
  audits (
    not_null(
      columns := (
        refund_key,
        refund_id,
        order_key,
        refund_date,
        returns_amount,
        refunded_amount,
        currency
      )
    ),
    unique_values(columns := (refund_key, refund_id)),
    forall(
      criteria := (
        refunded_amount = 0
        OR refunded_amount = returns_amount + tax_amount + shipping_amount + gift_card_amount
      )
    )
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), lines AS (
  SELECT
    refund_id,
    SUM(CASE WHEN is_gift_card THEN 0 ELSE quantity END) AS units,
    SUM(CASE WHEN is_gift_card THEN 0 ELSE amount END) AS goods,
    SUM(CASE WHEN is_gift_card THEN amount ELSE 0 END) AS gift_cards,
    SUM(tax_amount) AS tax,
    SUM(CASE WHEN is_gift_card THEN 0 ELSE presentment_amount END) AS shown_goods,
    SUM(CASE WHEN is_gift_card THEN presentment_amount ELSE 0 END) AS shown_gift_cards,
    SUM(presentment_tax_amount) AS shown_tax
  FROM silver.stg_shopify_refund_lines
  GROUP BY
    refund_id
), refunds AS (
  SELECT
    refunds.refund_id,
    refunds.order_id,
    refunds.currency,
    refunds.presentment_currency,
    refunds.refunded_at,
    COALESCE(refunds.amount, 0) AS total_amount,
    COALESCE(refunds.presentment_amount, 0) AS presentment_total_amount,
    orders.customer_id,
    orders.order_date,
    orders.currency AS shop_currency,
    lines.units,
    refunds.shipping_amount AS named_shipping,
    refunds.presentment_shipping_amount AS shown_named_shipping,
    CASE
      WHEN lines.refund_id IS NULL
      THEN GREATEST(
        COALESCE(refunds.amount, 0) - refunds.shipping_amount - refunds.shipping_tax_amount,
        0
      )
      ELSE COALESCE(lines.goods, 0)
    END AS returns_amount,
    COALESCE(lines.tax, 0) + refunds.shipping_tax_amount AS tax_amount,
    COALESCE(lines.gift_cards, 0) AS gift_card_amount,
    CASE
      WHEN lines.refund_id IS NULL
      THEN GREATEST(
        COALESCE(refunds.presentment_amount, 0) - refunds.presentment_shipping_amount - refunds.presentment_shipping_tax_amount,
        0
      )
      ELSE COALESCE(lines.shown_goods, 0)
    END AS shown_returns_amount,
    COALESCE(lines.shown_tax, 0) + refunds.presentment_shipping_tax_amount AS shown_tax_amount,
    COALESCE(lines.shown_gift_cards, 0) AS shown_gift_card_amount,
    @local_date(refunds.refunded_at, shop.time_zone) AS refund_date
  FROM silver.stg_shopify_refunds AS refunds
  JOIN silver.stg_shopify_orders AS orders
    ON orders.order_id = refunds.order_id
  CROSS JOIN shop
  LEFT JOIN lines
    ON lines.refund_id = refunds.refund_id
  WHERE
    NOT orders.is_test
)
SELECT
  @GENERATE_SURROGATE_KEY(refund_id)::TEXT AS refund_key, /* Hash of the refund's id */
  refund_id::TEXT AS refund_id, /* Shopify's number of the refund */
  @GENERATE_SURROGATE_KEY(order_id)::TEXT AS order_key, /* Hash of the order's id, the key of fact_orders */
  order_id::TEXT AS order_id, /* Shopify's number of the order */
  CASE WHEN NOT customer_id IS NULL THEN @GENERATE_SURROGATE_KEY(customer_id) END::TEXT AS customer_key, /* Hash of the customer's id; NULL for a guest */
  refund_date::DATE AS refund_date, /* Day of the refund, in the shop's time zone */
  @date_key(refund_date)::INT AS refund_date_key, /* That day as yyyymmdd, the key of dim_date */
  order_date::DATE AS order_date, /* Day the order counted on */
  COALESCE(units, 0)::BIGINT AS units, /* Pieces given back; gift cards left out */
  returns_amount::DECIMAL(18, 2) AS returns_amount, /* Goods given back, before tax and shipping; what shipping leaves of the whole sum where no goods are named */
  tax_amount::DECIMAL(18, 2) AS tax_amount, /* Tax given back, that on shipping included where the refund names it */
  CASE
    WHEN total_amount = 0
    THEN named_shipping
    ELSE total_amount - returns_amount - tax_amount - gift_card_amount
  END::DECIMAL(18, 2) AS shipping_amount, /* Shipping given back, and what was held back or added (then it may be negative) */
  gift_card_amount::DECIMAL(18, 2) AS gift_card_amount, /* Gift cards given back, which had been no sales */
  total_amount::DECIMAL(18, 2) AS refunded_amount, /* Money given back; 0 where what came back wasn't paid for */
  COALESCE(currency, shop_currency)::TEXT AS currency, /* Currency of the shop, ISO 4217 */
  shown_returns_amount::DECIMAL(18, 2) AS presentment_returns_amount, /* The same as returns_amount in the currency shown to the customer */
  shown_tax_amount::DECIMAL(18, 2) AS presentment_tax_amount, /* The same as tax_amount in the currency shown to the customer */
  CASE
    WHEN presentment_total_amount = 0
    THEN shown_named_shipping
    ELSE presentment_total_amount - shown_returns_amount - shown_tax_amount - shown_gift_card_amount
  END::DECIMAL(18, 2) AS presentment_shipping_amount, /* The same as shipping_amount in the currency shown to the customer */
  presentment_total_amount::DECIMAL(18, 2) AS presentment_refunded_amount, /* The same as refunded_amount in the currency shown to the customer */
  COALESCE(presentment_currency, shop_currency)::TEXT AS presentment_currency, /* Currency shown to the customer, ISO 4217 */
  refunded_at::TIMESTAMP AS refunded_at /* When it was given back, UTC */
FROM refunds

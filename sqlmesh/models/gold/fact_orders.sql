/* Orders with their money. One row an order; test orders and deleted ones left out. */
MODEL (
  name gold.fact_orders,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        silver.stg_shopify_orders = order_id
    ))
  ),
  owner data_engineer,
  grain order_key,
  references (customer_key, order_date_key),
  partitioned_by order_date_key,
  clustered_by (customer_key, order_status),
  audits (
    not_null(columns := (order_key, order_id, order_date, net_amount, currency, created_at)),
    unique_values(columns := (order_key, order_id)),
    value_between("column" := net_amount, least := 0.01, most := 1000000, blocking := FALSE),
    row_count_between(least := 100, most := 10000000),
    forall(criteria := (
      gross_amount = net_amount + discount_amount
    )),
    same_orders_as_silver
  )
);

WITH orders AS (
  SELECT
    @GENERATE_SURROGATE_KEY(order_id)::TEXT AS order_key,
    order_id::TEXT AS order_id,
    order_name::TEXT AS order_name,
    CASE WHEN NOT customer_id IS NULL THEN @GENERATE_SURROGATE_KEY(customer_id) END::TEXT AS customer_key,
    order_date::DATE AS order_date,
    @date_key(order_date)::INT AS order_date_key,
    CASE
      WHEN NOT cancelled_at IS NULL
      THEN 'cancelled'
      WHEN payment_status = 'refunded'
      THEN 'refunded'
      WHEN fulfillment_status = 'fulfilled'
      THEN 'fulfilled'
      ELSE 'open'
    END::TEXT AS order_status,
    payment_status::TEXT AS payment_status,
    fulfillment_status::TEXT AS fulfillment_status,
    source_name::TEXT AS source_name,
    units::BIGINT AS units,
    subtotal::DECIMAL(18, 2) AS subtotal,
    discount_amount::DECIMAL(18, 2) AS discount_amount,
    tax_amount::DECIMAL(18, 2) AS tax_amount,
    shipping_amount::DECIMAL(18, 2) AS shipping_amount,
    refunded_amount::DECIMAL(18, 2) AS refunded_amount,
    subtotal + discount_amount::DECIMAL(18, 2) AS gross_amount,
    subtotal::DECIMAL(18, 2) AS net_amount,
    total_amount::DECIMAL(18, 2) AS total_amount,
    currency::TEXT AS currency,
    created_at::TIMESTAMP AS created_at,
    processed_at::TIMESTAMP AS processed_at,
    updated_at::TIMESTAMP AS updated_at
  FROM silver.stg_shopify_orders
  WHERE
    NOT is_test
)
SELECT
  order_key::TEXT AS order_key, /* Hash of the order's id */
  order_id::TEXT AS order_id, /* Shopify's number of the order */
  order_name::TEXT AS order_name, /* What the shop calls the order, such as #1001 */
  customer_key::TEXT AS customer_key, /* Hash of the customer's id, the key of dim_customers; NULL for a guest */
  order_date::DATE AS order_date, /* Day the order counts on, in the shop's time zone */
  order_date_key::INT AS order_date_key, /* That day as yyyymmdd, the key of dim_date */
  order_status::TEXT AS order_status, /* cancelled, refunded, fulfilled or open */
  payment_status::TEXT AS payment_status, /* paid, pending, refunded and so on */
  fulfillment_status::TEXT AS fulfillment_status, /* fulfilled, unfulfilled and so on */
  source_name::TEXT AS source_name, /* Sales channel, such as web */
  units::BIGINT AS units, /* Pieces ordered; gift cards left out */
  subtotal::DECIMAL(18, 2) AS subtotal, /* Goods after discounts, before tax and shipping; gift cards left out */
  discount_amount::DECIMAL(18, 2) AS discount_amount, /* Discounts */
  tax_amount::DECIMAL(18, 2) AS tax_amount, /* Tax */
  shipping_amount::DECIMAL(18, 2) AS shipping_amount, /* Shipping */
  refunded_amount::DECIMAL(18, 2) AS refunded_amount, /* Given back so far; returns count on their own day, so net_amount is not reduced */
  gross_amount::DECIMAL(18, 2) AS gross_amount, /* Goods before discounts, tax and shipping */
  net_amount::DECIMAL(18, 2) AS net_amount, /* Goods after discounts, before tax and shipping */
  total_amount::DECIMAL(18, 2) AS total_amount, /* What the customer owes: net_amount with tax, shipping, gift cards, duties and tips */
  currency::TEXT AS currency, /* Currency of every amount, ISO 4217 */
  created_at::TIMESTAMP AS created_at, /* When the order was made, UTC */
  processed_at::TIMESTAMP AS processed_at, /* When the order counts in the shop's reports, UTC */
  updated_at::TIMESTAMP AS updated_at /* When the order last changed, UTC */
FROM orders

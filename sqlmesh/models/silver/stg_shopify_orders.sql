/* Orders as the shop last described them, deleted ones left out, test orders marked. One row an order. */
MODEL (
  name silver.stg_shopify_orders,
  kind FULL,
  owner data_engineer,
  grain order_id,
  audits (
    not_null(
      columns := (order_id, total_amount, subtotal, currency, created_at, processed_at, order_date)
    ),
    unique_values(columns := order_id),
    documents_have_ids(source := lake.bronze.shopify_orders)
  )
);

WITH documents AS (
  SELECT
    id,
    version,
    @document(
      payload,
      'legacyResourceId',
      'name',
      'createdAt',
      'processedAt',
      'updatedAt',
      'cancelledAt',
      'closedAt',
      'test',
      'sourceName',
      'displayFinancialStatus',
      'displayFulfillmentStatus',
      'currencyCode',
      'presentmentCurrencyCode',
      'customer.id',
      'subtotalPriceSet.shopMoney.amount',
      'totalPriceSet.shopMoney.amount',
      'totalPriceSet.presentmentMoney.amount',
      'totalTaxSet.shopMoney.amount',
      'totalDiscountsSet.shopMoney.amount',
      'totalShippingPriceSet.shopMoney.amount',
      'totalRefundedSet.shopMoney.amount'
    ) AS doc
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY id ORDER BY version DESC, _received_at DESC, _load_id DESC) = 1
    AND _op <> 'delete'
), orders AS (
  SELECT
    *,
    @bare_id(id) AS order_id,
    @utc(@at(doc, 'createdAt')) AS created_at,
    COALESCE(@utc(@at(doc, 'processedAt')), @utc(@at(doc, 'createdAt'))) AS processed_at
  FROM documents
), shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), units AS (
  SELECT
    order_id,
    SUM(quantity) AS units
  FROM silver.stg_shopify_order_lines
  GROUP BY
    order_id
)
SELECT
  orders.order_id::TEXT AS order_id, /* Shopify's number of the order */
  @at(doc, 'name')::TEXT AS order_name, /* What the shop calls the order, such as #1001 */
  @bare_id(@at(doc, 'customer.id'))::TEXT AS customer_id, /* Shopify's number of the customer; NULL for a guest */
  LOWER(@at(doc, 'displayFinancialStatus'))::TEXT AS payment_status, /* paid, pending, refunded and so on */
  LOWER(@at(doc, 'displayFulfillmentStatus'))::TEXT AS fulfillment_status, /* fulfilled, unfulfilled and so on */
  @money(@at(doc, 'totalPriceSet.shopMoney.amount'))::DECIMAL(18, 2) AS total_amount, /* What the customer owes: after discounts, with tax and shipping, shop currency */
  @money(@at(doc, 'subtotalPriceSet.shopMoney.amount'))::DECIMAL(18, 2) AS subtotal, /* Goods after discounts, before tax and shipping, shop currency */
  COALESCE(@money(@at(doc, 'totalTaxSet.shopMoney.amount')), 0)::DECIMAL(18, 2) AS tax_amount, /* Tax, shop currency */
  COALESCE(@money(@at(doc, 'totalDiscountsSet.shopMoney.amount')), 0)::DECIMAL(18, 2) AS discount_amount, /* Discounts, shop currency */
  COALESCE(@money(@at(doc, 'totalShippingPriceSet.shopMoney.amount')), 0)::DECIMAL(18, 2) AS shipping_amount, /* Shipping, shop currency */
  COALESCE(@money(@at(doc, 'totalRefundedSet.shopMoney.amount')), 0)::DECIMAL(18, 2) AS refunded_amount, /* Given back so far, shop currency */
  @at(doc, 'currencyCode')::TEXT AS currency, /* Currency of the shop, ISO 4217 */
  COALESCE(
    @money(@at(doc, 'totalPriceSet.presentmentMoney.amount')),
    @money(@at(doc, 'totalPriceSet.shopMoney.amount'))
  )::DECIMAL(18, 2) AS presentment_total_amount, /* What the customer owes, in the currency shown to him */
  COALESCE(@at(doc, 'presentmentCurrencyCode'), @at(doc, 'currencyCode'))::TEXT AS presentment_currency, /* Currency shown to the customer, ISO 4217 */
  COALESCE(units.units, 0)::BIGINT AS units, /* Pieces ordered, over all lines */
  COALESCE(@at(doc, 'test') = 'true', FALSE)::BOOLEAN AS is_test, /* Whether the shop placed the order to try itself out */
  @at(doc, 'sourceName')::TEXT AS source_name, /* Sales channel, such as web */
  orders.created_at::TIMESTAMP AS created_at, /* When the order was made, UTC */
  orders.processed_at::TIMESTAMP AS processed_at, /* When the order counts in the shop's reports, UTC */
  @utc(@at(doc, 'updatedAt'))::TIMESTAMP AS updated_at, /* When the order last changed, UTC */
  @utc(@at(doc, 'cancelledAt'))::TIMESTAMP AS cancelled_at, /* When the order was cancelled, UTC; NULL when it wasn't */
  @utc(@at(doc, 'closedAt'))::TIMESTAMP AS closed_at, /* When the order was closed, UTC; NULL while it is open */
  @local_date(orders.processed_at, shop.time_zone)::DATE AS order_date /* Day the order counts on, in the shop's time zone */
FROM orders
CROSS JOIN shop
LEFT JOIN units
  ON units.order_id = orders.order_id

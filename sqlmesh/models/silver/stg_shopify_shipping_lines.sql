/* How orders are to be sent and for how much, from the orders as they were last read: webhooks are left out. One row a shipping line. */
MODEL (
  name silver.stg_shopify_shipping_lines,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        lake.bronze.shopify_orders = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain shipping_line_id,
  audits (
    not_null(columns := order_id),
    unique_values(columns := shipping_line_id, condition := NOT shipping_line_id IS NULL)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'shippingLines.edges[].node.id',
      'shippingLines.edges[].node.title',
      'shippingLines.edges[].node.code',
      'shippingLines.edges[].node.source',
      'shippingLines.edges[].node.originalPriceSet.shopMoney.amount',
      'shippingLines.edges[].node.originalPriceSet.shopMoney.currencyCode',
      'shippingLines.edges[].node.discountedPriceSet.shopMoney.amount'
    ) AS doc
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), edges AS (
  @items_of(documents, doc, 'shippingLines.edges', edge)
)
SELECT
  @bare_id(@at(edge, 'node.id'))::TEXT AS shipping_line_id, /* Shopify's number of the line; NULL where it gives none */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  @at(edge, 'node.title')::TEXT AS title, /* What the customer saw, such as Standard */
  @at(edge, 'node.code')::TEXT AS code, /* The rate's code */
  @at(edge, 'node.source')::TEXT AS source, /* Who gave the rate, such as shopify */
  @money(@at(edge, 'node.originalPriceSet.shopMoney.amount'))::DECIMAL(18, 2) AS price, /* Price before discounts, shop currency */
  @money(@at(edge, 'node.discountedPriceSet.shopMoney.amount'))::DECIMAL(18, 2) AS discounted_price, /* Price after discounts, shop currency */
  @at(edge, 'node.originalPriceSet.shopMoney.currencyCode')::TEXT AS currency /* Currency of the shop, ISO 4217 */
FROM edges

/* What was given back, with lines or without, from the orders as they were last read: webhooks are left out. One row a refund. */
MODEL (
  name silver.stg_shopify_refunds,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        lake.bronze.shopify_orders = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain refund_id,
  audits (not_null(columns := (refund_id, order_id)), unique_values(columns := refund_id))
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'taxesIncluded',
      'refunds[].id',
      'refunds[].note',
      'refunds[].totalRefundedSet.shopMoney.amount',
      'refunds[].totalRefundedSet.shopMoney.currencyCode',
      'refunds[].totalRefundedSet.presentmentMoney.amount',
      'refunds[].totalRefundedSet.presentmentMoney.currencyCode',
      'refunds[].refundShippingLines.edges[].node.subtotalAmountSet.shopMoney.amount',
      'refunds[].refundShippingLines.edges[].node.subtotalAmountSet.presentmentMoney.amount',
      'refunds[].refundShippingLines.edges[].node.taxAmountSet.shopMoney.amount',
      'refunds[].refundShippingLines.edges[].node.taxAmountSet.presentmentMoney.amount',
      'refunds[].createdAt',
      'refunds[].updatedAt'
    ) AS doc
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), refunds AS (
  @items_of(documents, doc, 'refunds', item)
), edges AS (
  @items_of(refunds, item, 'refundShippingLines.edges', edge)
), lines AS (
  SELECT
    @at(item, 'id') AS refund_id,
    COALESCE(@at(doc, 'taxesIncluded') = 'true', FALSE) AS includes_tax,
    @money(@at(edge, 'node.subtotalAmountSet.shopMoney.amount')) AS amount,
    COALESCE(@money(@at(edge, 'node.taxAmountSet.shopMoney.amount')), 0) AS tax,
    @money(@at(edge, 'node.subtotalAmountSet.presentmentMoney.amount')) AS shown_amount,
    COALESCE(@money(@at(edge, 'node.taxAmountSet.presentmentMoney.amount')), 0) AS shown_tax
  FROM edges
), shipping AS (
  SELECT
    refund_id,
    SUM(amount - CASE WHEN includes_tax THEN tax ELSE 0 END) AS amount,
    SUM(tax) AS tax,
    SUM(shown_amount - CASE WHEN includes_tax THEN shown_tax ELSE 0 END) AS shown_amount,
    SUM(shown_tax) AS shown_tax
  FROM lines
  GROUP BY
    refund_id
)
SELECT
  @bare_id(@at(item, 'id'))::TEXT AS refund_id, /* Shopify's number of the refund */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  @at(item, 'note')::TEXT AS note, /* Why, as the merchant wrote it */
  @money(@at(item, 'totalRefundedSet.shopMoney.amount'))::DECIMAL(18, 2) AS amount, /* All that was given back, tax and shipping included, shop currency */
  COALESCE(shipping.amount, 0)::DECIMAL(18, 2) AS shipping_amount, /* What of it is for shipping, without tax, shop currency; 0 where the refund doesn't say */
  COALESCE(shipping.tax, 0)::DECIMAL(18, 2) AS shipping_tax_amount, /* What of it is tax on shipping, shop currency; 0 where the refund doesn't say */
  @at(item, 'totalRefundedSet.shopMoney.currencyCode')::TEXT AS currency, /* Currency of the shop, ISO 4217 */
  COALESCE(
    @money(@at(item, 'totalRefundedSet.presentmentMoney.amount')),
    @money(@at(item, 'totalRefundedSet.shopMoney.amount'))
  )::DECIMAL(18, 2) AS presentment_amount, /* The same as amount in the currency shown to the customer */
  COALESCE(shipping.shown_amount, 0)::DECIMAL(18, 2) AS presentment_shipping_amount, /* The same as shipping_amount in the currency shown to the customer */
  COALESCE(shipping.shown_tax, 0)::DECIMAL(18, 2) AS presentment_shipping_tax_amount, /* The same as shipping_tax_amount in the currency shown to the customer */
  COALESCE(
    @at(item, 'totalRefundedSet.presentmentMoney.currencyCode'),
    @at(item, 'totalRefundedSet.shopMoney.currencyCode')
  )::TEXT AS presentment_currency, /* Currency shown to the customer, ISO 4217; the shop's where the refund doesn't say */
  @utc(@at(item, 'createdAt'))::TIMESTAMP AS refunded_at, /* When it was given back, UTC */
  @utc(@at(item, 'updatedAt'))::TIMESTAMP AS updated_at /* When it last changed, UTC */
FROM refunds
LEFT JOIN shipping
  ON shipping.refund_id = @at(item, 'id')

/* Refunds as a whole, those without lines too, from the orders as they were last read: webhooks are left out. One row a refund. */
MODEL (
  name silver.stg_shopify_refunds,
  kind FULL,
  owner data_engineer,
  grain refund_id,
  audits (
    not_null(columns := (refund_id, order_id, refunded_at)),
    unique_values(columns := refund_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'refunds[].id',
      'refunds[].createdAt',
      'refunds[].totalRefundedSet.shopMoney.amount',
      'refunds[].totalRefundedSet.shopMoney.currencyCode',
      'refunds[].totalRefundedSet.presentmentMoney.amount',
      'refunds[].totalRefundedSet.presentmentMoney.currencyCode'
    ) AS doc
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), refunds AS (
  @items_of(documents, doc, 'refunds', refund)
)
SELECT
  @bare_id(@at(refund, 'id'))::TEXT AS refund_id, /* Shopify's number of the refund */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  COALESCE(@money(@at(refund, 'totalRefundedSet.shopMoney.amount')), 0)::DECIMAL(18, 2) AS total_amount, /* Money given back, shop currency; 0 where nothing had been paid */
  @at(refund, 'totalRefundedSet.shopMoney.currencyCode')::TEXT AS currency, /* Currency of the shop, ISO 4217 */
  COALESCE(
    @money(@at(refund, 'totalRefundedSet.presentmentMoney.amount')),
    @money(@at(refund, 'totalRefundedSet.shopMoney.amount')),
    0
  )::DECIMAL(18, 2) AS presentment_total_amount, /* Money given back, in the currency shown to the customer */
  COALESCE(
    @at(refund, 'totalRefundedSet.presentmentMoney.currencyCode'),
    @at(refund, 'totalRefundedSet.shopMoney.currencyCode')
  )::TEXT AS presentment_currency, /* Currency shown to the customer, ISO 4217; the shop's where the refund doesn't say */
  @utc(@at(refund, 'createdAt'))::TIMESTAMP AS refunded_at /* When it was given back, UTC */
FROM refunds

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
      'refunds[].id',
      'refunds[].note',
      'refunds[].totalRefundedSet.shopMoney.amount',
      'refunds[].totalRefundedSet.shopMoney.currencyCode',
      'refunds[].totalRefundedSet.presentmentMoney.amount',
      'refunds[].totalRefundedSet.presentmentMoney.currencyCode',
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
)
SELECT
  @bare_id(@at(item, 'id'))::TEXT AS refund_id, /* Shopify's number of the refund */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  @at(item, 'note')::TEXT AS note, /* Why, as the merchant wrote it */
  @money(@at(item, 'totalRefundedSet.shopMoney.amount'))::DECIMAL(18, 2) AS amount, /* All that was given back, tax and shipping included, shop currency */
  @at(item, 'totalRefundedSet.shopMoney.currencyCode')::TEXT AS currency, /* Currency of the shop, ISO 4217 */
  COALESCE(
    @money(@at(item, 'totalRefundedSet.presentmentMoney.amount')),
    @money(@at(item, 'totalRefundedSet.shopMoney.amount'))
  )::DECIMAL(18, 2) AS presentment_amount, /* The same as amount in the currency shown to the customer */
  COALESCE(
    @at(item, 'totalRefundedSet.presentmentMoney.currencyCode'),
    @at(item, 'totalRefundedSet.shopMoney.currencyCode')
  )::TEXT AS presentment_currency, /* Currency shown to the customer, ISO 4217; the shop's where the refund doesn't say */
  @utc(@at(item, 'createdAt'))::TIMESTAMP AS refunded_at, /* When it was given back, UTC */
  @utc(@at(item, 'updatedAt'))::TIMESTAMP AS updated_at /* When it last changed, UTC */
FROM refunds

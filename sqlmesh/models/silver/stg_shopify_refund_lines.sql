/* What was given back, line by line, from the orders as they were last read: webhooks are left out. One row a refund's line. */
MODEL (
  name silver.stg_shopify_refund_lines,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        lake.bronze.shopify_orders = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain refund_line_id,
  audits (
    not_null(columns := (refund_line_id, refund_id, order_id, quantity)),
    unique_values(columns := refund_line_id),
    forall(criteria := (
      quantity >= 0
    ))
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'taxesIncluded',
      'refunds[].id',
      'refunds[].createdAt',
      'refunds[].refundLineItems.edges[].node.id',
      'refunds[].refundLineItems.edges[].node.quantity',
      'refunds[].refundLineItems.edges[].node.restocked',
      'refunds[].refundLineItems.edges[].node.lineItem.id',
      'refunds[].refundLineItems.edges[].node.lineItem.isGiftCard',
      'refunds[].refundLineItems.edges[].node.subtotalSet.shopMoney.amount',
      'refunds[].refundLineItems.edges[].node.subtotalSet.shopMoney.currencyCode',
      'refunds[].refundLineItems.edges[].node.subtotalSet.presentmentMoney.amount',
      'refunds[].refundLineItems.edges[].node.totalTaxSet.shopMoney.amount',
      'refunds[].refundLineItems.edges[].node.totalTaxSet.presentmentMoney.amount'
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
), edges AS (
  @items_of(refunds, refund, 'refundLineItems.edges', edge)
), lines AS (
  SELECT
    *,
    COALESCE(@at(doc, 'taxesIncluded') = 'true', FALSE) AS includes_tax,
    @money(@at(edge, 'node.subtotalSet.shopMoney.amount')) AS amount,
    COALESCE(@money(@at(edge, 'node.totalTaxSet.shopMoney.amount')), 0) AS tax,
    @money(@at(edge, 'node.subtotalSet.presentmentMoney.amount')) AS shown_amount,
    @money(@at(edge, 'node.totalTaxSet.presentmentMoney.amount')) AS shown_tax
  FROM edges
)
SELECT
  @bare_id(@at(edge, 'node.id'))::TEXT AS refund_line_id, /* Shopify's number of the refund's line */
  @bare_id(@at(refund, 'id'))::TEXT AS refund_id, /* Shopify's number of the refund */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  @bare_id(@at(edge, 'node.lineItem.id'))::TEXT AS order_line_id, /* Shopify's number of the order's line */
  TRY_CAST(@at(edge, 'node.quantity') AS BIGINT) AS quantity, /* Pieces given back */
  COALESCE(@at(edge, 'node.restocked') = 'true', FALSE)::BOOLEAN AS is_restocked, /* Whether the pieces went back into stock */
  COALESCE(@at(edge, 'node.lineItem.isGiftCard') = 'true', FALSE)::BOOLEAN AS is_gift_card, /* Whether gift cards were given back, which had been no sales */
  (
    amount - CASE WHEN includes_tax THEN tax ELSE 0 END
  )::DECIMAL(18, 2) AS amount, /* Given back for the line, without tax, shop currency */
  tax::DECIMAL(18, 2) AS tax_amount, /* Tax given back, shop currency */
  @at(edge, 'node.subtotalSet.shopMoney.currencyCode')::TEXT AS currency, /* Currency of the shop, ISO 4217 */
  (
    COALESCE(shown_amount, amount) - CASE WHEN includes_tax THEN COALESCE(shown_tax, tax) ELSE 0 END
  )::DECIMAL(18, 2) AS presentment_amount, /* The same as amount in the currency shown to the customer */
  COALESCE(shown_tax, tax)::DECIMAL(18, 2) AS presentment_tax_amount, /* The same as tax_amount in the currency shown to the customer */
  @utc(@at(refund, 'createdAt'))::TIMESTAMP AS refunded_at /* When it was given back, UTC */
FROM lines

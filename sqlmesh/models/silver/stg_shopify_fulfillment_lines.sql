/* What was sent, line by line, from the orders as they were last read: webhooks are left out. One row a fulfilment's line of an order. */
MODEL (
  name silver.stg_shopify_fulfillment_lines,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        lake.bronze.shopify_orders = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain (fulfillment_id, order_line_id),
  audits (
    not_null(columns := (fulfillment_id, order_id, order_line_id, quantity)),
    unique_combination_of_columns(columns := (fulfillment_id, order_line_id)),
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
      'fulfillments[].id',
      'fulfillments[].status',
      'fulfillments[].totalQuantity',
      'fulfillments[].createdAt',
      'fulfillments[].fulfillmentLineItems.edges[].node.id',
      'fulfillments[].fulfillmentLineItems.edges[].node.quantity',
      'fulfillments[].fulfillmentLineItems.edges[].node.lineItem.id',
      'lineItems.edges[].node.id',
      'lineItems.edges[].node.quantity'
    ) AS doc
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), fulfillments AS (
  @items_of(documents, doc, 'fulfillments', item)
), told AS (
  @items_of(fulfillments, item, 'fulfillmentLineItems.edges', edge)
), own AS (
  @items_of(fulfillments, doc, 'lineItems.edges', edge) /* A bulk operation doesn't repeat the order's lines in its only fulfilment, which then holds all of them */
), sent AS (
  SELECT
    id,
    item,
    @at(edge, 'node.lineItem.id') AS line_id,
    TRY_CAST(@at(edge, 'node.quantity') AS BIGINT) AS quantity
  FROM told
  UNION ALL
  SELECT
    id,
    item,
    @at(edge, 'node.id') AS line_id,
    TRY_CAST(@at(edge, 'node.quantity') AS BIGINT) AS quantity
  FROM own
  WHERE
    @at(item, 'fulfillmentLineItems.edges[0].node.id') IS NULL
  QUALIFY
    TRY_CAST(@at(item, 'totalQuantity') AS BIGINT) = SUM(TRY_CAST(@at(edge, 'node.quantity') AS BIGINT)) OVER (PARTITION BY id, @at(item, 'id'))
)
SELECT
  @bare_id(@at(item, 'id'))::TEXT AS fulfillment_id, /* Shopify's number of the fulfilment */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  @bare_id(line_id)::TEXT AS order_line_id, /* Shopify's number of the order's line */
  SUM(quantity)::BIGINT AS quantity, /* Pieces sent */
  MAX(LOWER(@at(item, 'status')))::TEXT AS status, /* The fulfilment's: success, cancelled, pending and so on */
  MAX(@utc(@at(item, 'createdAt')))::TIMESTAMP AS created_at /* When the fulfilment was made, UTC */
FROM sent
WHERE
  NOT quantity IS NULL
GROUP BY
  @bare_id(@at(item, 'id')),
  @bare_id(id),
  @bare_id(line_id)

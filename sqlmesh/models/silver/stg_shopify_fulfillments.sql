/* What was sent, from the orders as they were last read: webhooks are left out. One row a fulfilment. */
MODEL (
  name silver.stg_shopify_fulfillments,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        lake.bronze.shopify_orders = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain fulfillment_id,
  audits (
    not_null(columns := (fulfillment_id, order_id, status)),
    unique_values(columns := fulfillment_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'fulfillments[].id',
      'fulfillments[].status',
      'fulfillments[].displayStatus',
      'fulfillments[].totalQuantity',
      'fulfillments[].createdAt',
      'fulfillments[].updatedAt'
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
)
SELECT
  @bare_id(@at(item, 'id'))::TEXT AS fulfillment_id, /* Shopify's number of the fulfilment */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  LOWER(@at(item, 'status'))::TEXT AS status, /* success, cancelled, pending and so on */
  LOWER(@at(item, 'displayStatus'))::TEXT AS shipment_status, /* delivered, in_transit and so on, where the carrier tells */
  TRY_CAST(@at(item, 'totalQuantity') AS BIGINT) AS quantity, /* Pieces sent */
  @utc(@at(item, 'createdAt'))::TIMESTAMP AS created_at, /* When it was made, UTC */
  @utc(@at(item, 'updatedAt'))::TIMESTAMP AS updated_at /* When it last changed, UTC */
FROM fulfillments

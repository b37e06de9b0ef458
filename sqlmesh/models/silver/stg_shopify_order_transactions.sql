/* Payments that Shopify knows of, from the orders as they were last read: webhooks carry none. One row a transaction. */
MODEL (
  name silver.stg_shopify_order_transactions,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        lake.bronze.shopify_orders = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain transaction_id,
  audits (
    not_null(columns := (transaction_id, order_id, kind, status)),
    unique_values(columns := transaction_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'transactions[].id',
      'transactions[].kind',
      'transactions[].status',
      'transactions[].gateway',
      'transactions[].amountSet.shopMoney.amount',
      'transactions[].amountSet.shopMoney.currencyCode'
    ) AS doc
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), transactions AS (
  @items_of(documents, doc, 'transactions', item)
)
SELECT
  @bare_id(@at(item, 'id'))::TEXT AS transaction_id, /* Shopify's number of the transaction */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  LOWER(@at(item, 'kind'))::TEXT AS kind, /* sale, authorization, capture, refund or void */
  LOWER(@at(item, 'status'))::TEXT AS status, /* success, failure, pending or error */
  LOWER(@at(item, 'gateway'))::TEXT AS gateway, /* Who took the payment, such as stripe */
  @money(@at(item, 'amountSet.shopMoney.amount'))::DECIMAL(18, 2) AS amount, /* Amount, shop currency */
  @at(item, 'amountSet.shopMoney.currencyCode')::TEXT AS currency /* Currency of the shop, ISO 4217 */
FROM transactions

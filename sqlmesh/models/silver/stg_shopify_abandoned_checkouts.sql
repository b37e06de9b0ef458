/* Checkouts that customers left before they paid, or came back to, as the shop last described them. One row a checkout. */
MODEL (
  name silver.stg_shopify_abandoned_checkouts,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = checkout_id,
      follows = (
        lake.bronze.shopify_abandoned_checkouts = @bare_id(id)
      )
    )
  ),
  owner data_engineer,
  grain checkout_id,
  audits (
    not_null(columns := (checkout_id, created_at, is_recovered)),
    unique_values(columns := checkout_id),
    documents_have_ids(source := lake.bronze.shopify_abandoned_checkouts)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'name',
      'customer.id',
      'completedAt',
      'subtotalPriceSet.shopMoney.amount',
      'totalPriceSet.shopMoney.amount',
      'totalPriceSet.shopMoney.currencyCode',
      'lineItems.edges[].node.quantity',
      'createdAt',
      'updatedAt'
    ) AS doc
  FROM lake.bronze.shopify_abandoned_checkouts
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), edges AS (
  @items_of(documents, doc, 'lineItems.edges', edge)
), pieces AS (
  SELECT
    id,
    SUM(TRY_CAST(@at(edge, 'node.quantity') AS BIGINT)) AS units
  FROM edges
  GROUP BY
    id
)
SELECT
  @bare_id(documents.id)::TEXT AS checkout_id, /* Shopify's number of the checkout */
  @at(doc, 'name')::TEXT AS checkout_name, /* What the shop calls it */
  @bare_id(@at(doc, 'customer.id'))::TEXT AS customer_id, /* Shopify's number of the customer; NULL for a guest */
  @money(@at(doc, 'subtotalPriceSet.shopMoney.amount'))::DECIMAL(18, 2) AS subtotal, /* Goods, before tax and shipping, shop currency */
  @money(@at(doc, 'totalPriceSet.shopMoney.amount'))::DECIMAL(18, 2) AS total_amount, /* What would have been paid, shop currency */
  @at(doc, 'totalPriceSet.shopMoney.currencyCode')::TEXT AS currency, /* Currency of the shop, ISO 4217 */
  COALESCE(pieces.units, 0)::BIGINT AS units, /* Pieces left in the basket */
  (
    NOT @at(doc, 'completedAt') IS NULL
  )::BOOLEAN AS is_recovered, /* Whether the customer came back and bought */
  @utc(@at(doc, 'createdAt'))::TIMESTAMP AS created_at, /* When the checkout began, UTC */
  @utc(@at(doc, 'updatedAt'))::TIMESTAMP AS updated_at /* When the checkout last changed, UTC */
FROM documents
LEFT JOIN pieces
  ON pieces.id = documents.id
WHERE
  NOT @utc(@at(doc, 'createdAt')) IS NULL

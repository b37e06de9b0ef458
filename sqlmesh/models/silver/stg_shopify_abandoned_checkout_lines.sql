/* What is in the abandoned checkouts, as the shop last described them. One row a line. */
MODEL (
  name silver.stg_shopify_abandoned_checkout_lines,
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
  grain checkout_line_id,
  audits (
    not_null(columns := (checkout_line_id, checkout_id, quantity)),
    unique_values(columns := checkout_line_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'lineItems.edges[].node.id',
      'lineItems.edges[].node.title',
      'lineItems.edges[].node.sku',
      'lineItems.edges[].node.quantity',
      'lineItems.edges[].node.product.id',
      'lineItems.edges[].node.variant.id',
      'lineItems.edges[].node.originalUnitPriceSet.shopMoney.amount',
      'lineItems.edges[].node.originalUnitPriceSet.shopMoney.currencyCode'
    ) AS doc
  FROM lake.bronze.shopify_abandoned_checkouts
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), edges AS (
  @items_of(documents, doc, 'lineItems.edges', edge)
)
SELECT
  @bare_id(@at(edge, 'node.id'))::TEXT AS checkout_line_id, /* Shopify's id of the line */
  @bare_id(id)::TEXT AS checkout_id, /* Shopify's number of the checkout */
  @bare_id(@at(edge, 'node.product.id'))::TEXT AS product_id, /* Shopify's number of the product; NULL for a custom line */
  @bare_id(@at(edge, 'node.variant.id'))::TEXT AS variant_id, /* Shopify's number of the variant; NULL for a custom line */
  @at(edge, 'node.title')::TEXT AS title, /* Title of the product */
  @at(edge, 'node.sku')::TEXT AS sku, /* Stock keeping unit */
  TRY_CAST(@at(edge, 'node.quantity') AS BIGINT) AS quantity, /* Pieces left in the basket */
  @money(@at(edge, 'node.originalUnitPriceSet.shopMoney.amount'))::DECIMAL(18, 2) AS unit_price, /* Price of a piece before discounts, shop currency */
  @at(edge, 'node.originalUnitPriceSet.shopMoney.currencyCode')::TEXT AS currency /* Currency of the shop, ISO 4217 */
FROM edges
WHERE
  NOT TRY_CAST(@at(edge, 'node.quantity') AS BIGINT) IS NULL

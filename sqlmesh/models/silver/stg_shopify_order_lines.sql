/* Lines of the orders as the shop last described them. One row a line. */
MODEL (
  name silver.stg_shopify_order_lines,
  kind FULL,
  owner data_engineer,
  grain order_line_id,
  audits (
    not_null(columns := (order_line_id, order_id, quantity)),
    unique_values(columns := order_line_id),
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
      'lineItems.edges[].node.id',
      'lineItems.edges[].node.title',
      'lineItems.edges[].node.sku',
      'lineItems.edges[].node.quantity',
      'lineItems.edges[].node.product.id',
      'lineItems.edges[].node.variant.id',
      'lineItems.edges[].node.originalUnitPriceSet.shopMoney.amount',
      'lineItems.edges[].node.originalUnitPriceSet.shopMoney.currencyCode',
      'lineItems.edges[].node.discountedTotalSet.shopMoney.amount'
    ) AS doc
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY id ORDER BY version DESC, _received_at DESC, _load_id DESC) = 1
    AND _op <> 'delete'
), lines AS (
  @items_of(documents, doc, 'lineItems.edges', edge)
)
SELECT
  @bare_id(@at(edge, 'node.id'))::TEXT AS order_line_id, /* Shopify's number of the line */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  @bare_id(@at(edge, 'node.product.id'))::TEXT AS product_id, /* Shopify's number of the product; NULL for a custom line */
  @bare_id(@at(edge, 'node.variant.id'))::TEXT AS variant_id, /* Shopify's number of the variant; NULL for a custom line */
  @at(edge, 'node.title')::TEXT AS title, /* Title of the product when it was sold */
  @at(edge, 'node.sku')::TEXT AS sku, /* Stock keeping unit */
  TRY_CAST(@at(edge, 'node.quantity') AS BIGINT) AS quantity, /* Pieces ordered */
  @money(@at(edge, 'node.originalUnitPriceSet.shopMoney.amount'))::DECIMAL(18, 2) AS unit_price, /* Price of a piece before discounts, shop currency */
  @money(@at(edge, 'node.discountedTotalSet.shopMoney.amount'))::DECIMAL(18, 2) AS line_amount, /* The whole line after its own discounts, shop currency */
  @at(edge, 'node.originalUnitPriceSet.shopMoney.currencyCode')::TEXT AS currency /* Currency of the shop, ISO 4217 */
FROM lines

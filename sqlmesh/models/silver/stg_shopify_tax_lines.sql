/* Taxes of orders and of their lines, from the orders as they were last read: webhooks are left out. One row a tax of an order, and one a tax of a line. */
MODEL (
  name silver.stg_shopify_tax_lines,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        lake.bronze.shopify_orders = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain (order_id, order_line_id, title, rate),
  audits (
    not_null(columns := (order_id, amount)),
    unique_combination_of_columns(columns := (order_id, order_line_id, title, rate))
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'taxLines[].title',
      'taxLines[].rate',
      'taxLines[].priceSet.shopMoney.amount',
      'taxLines[].priceSet.shopMoney.currencyCode',
      'lineItems.edges[].node.id',
      'lineItems.edges[].node.taxLines[].title',
      'lineItems.edges[].node.taxLines[].rate',
      'lineItems.edges[].node.taxLines[].priceSet.shopMoney.amount',
      'lineItems.edges[].node.taxLines[].priceSet.shopMoney.currencyCode'
    ) AS doc
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), of_orders AS (
  @items_of(documents, doc, 'taxLines', tax)
), edges AS (
  @items_of(documents, doc, 'lineItems.edges', edge)
), of_lines AS (
  @items_of(edges, edge, 'node.taxLines', tax)
), taxes AS (
  SELECT
    id,
    NULL::TEXT AS line_id,
    @at(tax, 'title') AS title,
    @at(tax, 'rate') AS rate,
    @at(tax, 'priceSet.shopMoney.amount') AS amount,
    @at(tax, 'priceSet.shopMoney.currencyCode') AS currency
  FROM of_orders
  UNION ALL
  SELECT
    id,
    @at(edge, 'node.id') AS line_id,
    @at(tax, 'title') AS title,
    @at(tax, 'rate') AS rate,
    @at(tax, 'priceSet.shopMoney.amount') AS amount,
    @at(tax, 'priceSet.shopMoney.currencyCode') AS currency
  FROM of_lines
)
SELECT
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  @bare_id(line_id)::TEXT AS order_line_id, /* Shopify's number of the order's line; NULL for a tax of the whole order */
  title::TEXT AS title, /* The tax's name, such as Sales tax */
  TRY_CAST(rate AS DECIMAL(18, 6))::DECIMAL(18, 6) AS rate, /* Its share of the price, 0.0725 for 7.25 % */
  SUM(COALESCE(@money(amount), 0))::DECIMAL(18, 2) AS amount, /* The tax, shop currency; those of the lines are within those of the order */
  MAX(currency)::TEXT AS currency /* Currency of the shop, ISO 4217 */
FROM taxes
GROUP BY
  @bare_id(id),
  @bare_id(line_id),
  title,
  TRY_CAST(rate AS DECIMAL(18, 6))

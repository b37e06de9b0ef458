/* What each discount took off each order, from the orders as they were last read: webhooks are left out. One row an order and discount. */
MODEL (
  name silver.stg_shopify_order_discounts,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        lake.bronze.shopify_orders = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain (order_id, position),
  audits (
    not_null(columns := (order_id, position, discount_kind, amount)),
    unique_combination_of_columns(columns := (order_id, position)),
    forall(criteria := (
      amount >= 0
    ))
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'currencyCode',
      'taxesIncluded',
      'discountApplications.edges[].node.__typename',
      'discountApplications.edges[].node.index',
      'discountApplications.edges[].node.targetType',
      'discountApplications.edges[].node.title',
      'discountApplications.edges[].node.code',
      'lineItems.edges[].node.discountAllocations[].allocatedAmountSet.shopMoney.amount',
      'lineItems.edges[].node.discountAllocations[].discountApplication.index',
      'shippingLines.edges[].node.originalPriceSet.shopMoney.amount',
      'shippingLines.edges[].node.discountedPriceSet.shopMoney.amount'
    ) AS doc
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), edges AS (
  @items_of(documents, doc, 'discountApplications.edges', edge)
), applications AS (
  SELECT
    id,
    COALESCE(TRY_CAST(@at(edge, 'node.index') AS BIGINT), 0) AS position,
    @at(edge, 'node.__typename') AS kind,
    COALESCE(@at(edge, 'node.code'), @at(edge, 'node.title')) AS title,
    @at(edge, 'node.targetType') AS target_type,
    COALESCE(@at(doc, 'taxesIncluded') = 'true', FALSE) AS includes_tax,
    @at(doc, 'currencyCode') AS currency
  FROM edges
), lines AS (
  @items_of(documents, doc, 'lineItems.edges', line)
), allocations AS (
  @items_of(lines, line, 'node.discountAllocations', part)
), shipping_lines AS (
  @items_of(documents, doc, 'shippingLines.edges', line)
), shares AS (
  SELECT
    id,
    COALESCE(TRY_CAST(@at(part, 'discountApplication.index') AS BIGINT), 0) AS position,
    'LINE_ITEM' AS target_type,
    @money(@at(part, 'allocatedAmountSet.shopMoney.amount')) AS amount
  FROM allocations
  UNION ALL
  SELECT
    id,
    NULL AS position,
    'SHIPPING_LINE' AS target_type,
    @money(@at(line, 'node.originalPriceSet.shopMoney.amount')) - @money(@at(line, 'node.discountedPriceSet.shopMoney.amount')) AS amount
  FROM shipping_lines
), amounts AS (
  SELECT
    id,
    position,
    target_type,
    SUM(amount) AS amount
  FROM shares
  GROUP BY
    id,
    position,
    target_type
)
SELECT
  @bare_id(applications.id)::TEXT AS order_id, /* Shopify's number of the order */
  applications.position::BIGINT AS position, /* Place of the discount among the order's, from 0 */
  CASE
    WHEN applications.kind LIKE 'DiscountCode%'
    THEN 'code'
    WHEN applications.kind LIKE 'Automatic%'
    THEN 'automatic'
    WHEN applications.kind LIKE 'Script%'
    THEN 'script'
    ELSE 'manual'
  END::TEXT AS discount_kind, /* code, automatic, script or manual */
  applications.title::TEXT AS title, /* The code, or the title of a discount without one */
  CASE
    WHEN applications.target_type = 'SHIPPING_LINE'
    THEN 'shipping'
    ELSE 'goods'
  END::TEXT AS target, /* goods or shipping */
  COALESCE(amounts.amount, 0)::DECIMAL(18, 2) AS amount, /* Taken off, shop currency */
  applications.includes_tax::BOOLEAN AS includes_tax, /* Whether amount holds tax, as the shop's prices do */
  applications.currency::TEXT AS currency /* Currency of the shop, ISO 4217 */
FROM applications
LEFT JOIN amounts
  ON amounts.id = applications.id
  AND amounts.target_type = applications.target_type
  AND COALESCE(amounts.position, applications.position) = applications.position

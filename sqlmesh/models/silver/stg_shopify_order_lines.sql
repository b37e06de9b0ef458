/* Lines of the orders as the shop last described them. One row a line. */
MODEL (
  name silver.stg_shopify_order_lines,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = order_id, follows = (
        lake.bronze.shopify_orders = @bare_id(id)
    ))
  ),
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
      CASE WHEN _lane <> 'webhook' THEN payload END,
      'taxesIncluded',
      'lineItems.edges[].node.id',
      'lineItems.edges[].node.title',
      'lineItems.edges[].node.sku',
      'lineItems.edges[].node.quantity',
      'lineItems.edges[].node.isGiftCard',
      'lineItems.edges[].node.product.id',
      'lineItems.edges[].node.variant.id',
      'lineItems.edges[].node.originalUnitPriceSet.shopMoney.amount',
      'lineItems.edges[].node.originalUnitPriceSet.shopMoney.currencyCode',
      'lineItems.edges[].node.discountedTotalSet.shopMoney.amount',
      'lineItems.edges[].node.discountAllocations[].allocatedAmountSet.shopMoney.amount',
      'lineItems.edges[].node.taxLines[].priceSet.shopMoney.amount'
    ) AS doc,
    @document(
      CASE WHEN _lane = 'webhook' THEN payload END,
      'currency',
      'taxes_included',
      'line_items[].admin_graphql_api_id',
      'line_items[].id',
      'line_items[].product_id',
      'line_items[].variant_id',
      'line_items[].title',
      'line_items[].sku',
      'line_items[].quantity',
      'line_items[].gift_card',
      'line_items[].price',
      'line_items[].price_set.shop_money.amount',
      'line_items[].price_set.shop_money.currency_code',
      'line_items[].total_discount',
      'line_items[].total_discount_set.shop_money.amount',
      'line_items[].discount_allocations[].amount',
      'line_items[].discount_allocations[].amount_set.shop_money.amount',
      'line_items[].tax_lines[].price',
      'line_items[].tax_lines[].price_set.shop_money.amount'
    ) AS rest
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), edges AS (
  @items_of(documents, doc, 'lineItems.edges', edge)
), items AS (
  @items_of(documents, rest, 'line_items', item)
), edge_allocations AS (
  @items_of(edges, edge, 'node.discountAllocations', part)
), edge_taxes AS (
  @items_of(edges, edge, 'node.taxLines', part)
), item_allocations AS (
  @items_of(items, item, 'discount_allocations', part)
), item_taxes AS (
  @items_of(items, item, 'tax_lines', part)
), parts AS (
  SELECT
    @at(edge, 'node.id') AS line_id,
    @money(@at(part, 'allocatedAmountSet.shopMoney.amount')) AS discount_amount,
    NULL AS tax_amount
  FROM edge_allocations
  UNION ALL
  SELECT
    @at(edge, 'node.id') AS line_id,
    NULL AS discount_amount,
    @money(@at(part, 'priceSet.shopMoney.amount')) AS tax_amount
  FROM edge_taxes
  UNION ALL
  SELECT
    COALESCE(@at(item, 'admin_graphql_api_id'), @at(item, 'id')) AS line_id,
    @money(COALESCE(@at(part, 'amount_set.shop_money.amount'), @at(part, 'amount'))) AS discount_amount,
    NULL AS tax_amount
  FROM item_allocations
  UNION ALL
  SELECT
    COALESCE(@at(item, 'admin_graphql_api_id'), @at(item, 'id')) AS line_id,
    NULL AS discount_amount,
    @money(COALESCE(@at(part, 'price_set.shop_money.amount'), @at(part, 'price'))) AS tax_amount
  FROM item_taxes
), sums AS (
  SELECT
    line_id,
    SUM(discount_amount) AS discount_amount,
    SUM(tax_amount) AS tax_amount
  FROM parts
  GROUP BY
    line_id
), lines AS (
  SELECT
    id,
    @at(edge, 'node.id') AS line_id,
    @at(edge, 'node.product.id') AS product_id,
    @at(edge, 'node.variant.id') AS variant_id,
    @at(edge, 'node.title') AS title,
    @at(edge, 'node.sku') AS sku,
    TRY_CAST(@at(edge, 'node.quantity') AS BIGINT) AS quantity,
    @money(@at(edge, 'node.originalUnitPriceSet.shopMoney.amount')) AS unit_price,
    @money(@at(edge, 'node.discountedTotalSet.shopMoney.amount')) AS line_amount,
    @at(edge, 'node.originalUnitPriceSet.shopMoney.currencyCode') AS currency,
    @at(doc, 'taxesIncluded') AS includes_tax,
    @at(edge, 'node.isGiftCard') AS is_gift_card
  FROM edges
  UNION ALL
  SELECT
    id,
    COALESCE(@at(item, 'admin_graphql_api_id'), @at(item, 'id')) AS line_id,
    @at(item, 'product_id') AS product_id,
    @at(item, 'variant_id') AS variant_id,
    @at(item, 'title') AS title,
    @at(item, 'sku') AS sku,
    TRY_CAST(@at(item, 'quantity') AS BIGINT) AS quantity,
    @money(COALESCE(@at(item, 'price_set.shop_money.amount'), @at(item, 'price'))) AS unit_price,
    @money(COALESCE(@at(item, 'price_set.shop_money.amount'), @at(item, 'price'))) * TRY_CAST(@at(item, 'quantity') AS BIGINT) - COALESCE(
      @money(
        COALESCE(@at(item, 'total_discount_set.shop_money.amount'), @at(item, 'total_discount'))
      ),
      0
    ) AS line_amount,
    COALESCE(@at(item, 'price_set.shop_money.currency_code'), @at(rest, 'currency')) AS currency,
    @at(rest, 'taxes_included') AS includes_tax,
    @at(item, 'gift_card') AS is_gift_card
  FROM items
)
SELECT
  @bare_id(lines.line_id)::TEXT AS order_line_id, /* Shopify's number of the line */
  @bare_id(id)::TEXT AS order_id, /* Shopify's number of the order */
  @bare_id(product_id)::TEXT AS product_id, /* Shopify's number of the product; NULL for a custom line */
  @bare_id(variant_id)::TEXT AS variant_id, /* Shopify's number of the variant; NULL for a custom line */
  title::TEXT AS title, /* Title of the product when it was sold */
  sku::TEXT AS sku, /* Stock keeping unit */
  quantity::BIGINT AS quantity, /* Pieces ordered */
  unit_price::DECIMAL(18, 2) AS unit_price, /* Price of a piece before discounts, shop currency */
  line_amount::DECIMAL(18, 2) AS line_amount, /* The whole line after its own discounts, shop currency */
  GREATEST(
    COALESCE(sums.discount_amount, 0),
    COALESCE(unit_price * quantity - line_amount, 0)
  )::DECIMAL(18, 2) AS discount_amount, /* The line's share of every discount, the order's too, shop currency */
  COALESCE(sums.tax_amount, 0)::DECIMAL(18, 2) AS tax_amount, /* Tax on the line, shop currency */
  COALESCE(includes_tax = 'true', FALSE)::BOOLEAN AS includes_tax, /* Whether prices and discounts hold the tax */
  COALESCE(is_gift_card = 'true', FALSE)::BOOLEAN AS is_gift_card, /* Whether the line sells gift cards, which are no sales: what is bought with them is */
  currency::TEXT AS currency /* Currency of the shop, ISO 4217 */
FROM lines
LEFT JOIN sums
  ON sums.line_id = lines.line_id
WHERE
  NOT quantity IS NULL

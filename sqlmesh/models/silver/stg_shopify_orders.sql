/* Orders as the shop last described them, deleted ones left out, test orders marked. One row an order. */
MODEL (
  name silver.stg_shopify_orders,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = order_id,
      follows = (
        lake.bronze.shopify_orders = @bare_id(id),
        silver.stg_shopify_order_lines = order_id
      )
    )
  ),
  owner data_engineer,
  grain order_id,
  audits (
    not_null(
      columns := (order_id, total_amount, subtotal, currency, created_at, processed_at, order_date)
    ),
    unique_values(columns := order_id),
    documents_have_ids(source := lake.bronze.shopify_orders)
  )
);

WITH documents AS (
  SELECT
    id,
    _lane,
    @document(
      CASE WHEN _lane <> 'webhook' THEN payload END,
      'legacyResourceId',
      'name',
      'createdAt',
      'processedAt',
      'updatedAt',
      'cancelledAt',
      'closedAt',
      'test',
      'taxesIncluded',
      'sourceName',
      'displayFinancialStatus',
      'displayFulfillmentStatus',
      'currencyCode',
      'presentmentCurrencyCode',
      'customer.id',
      'email',
      'subtotalPriceSet.shopMoney.amount',
      'subtotalPriceSet.presentmentMoney.amount',
      'totalPriceSet.shopMoney.amount',
      'totalPriceSet.presentmentMoney.amount',
      'totalTaxSet.shopMoney.amount',
      'totalTaxSet.presentmentMoney.amount',
      'totalDiscountsSet.shopMoney.amount',
      'totalDiscountsSet.presentmentMoney.amount',
      'totalShippingPriceSet.shopMoney.amount',
      'totalShippingPriceSet.presentmentMoney.amount',
      'totalRefundedSet.shopMoney.amount',
      'shippingLines.edges[].node.discountedPriceSet.shopMoney.amount',
      'shippingLines.edges[].node.discountedPriceSet.presentmentMoney.amount'
    ) AS doc,
    @document(
      CASE WHEN _lane = 'webhook' THEN payload END,
      'name',
      'created_at',
      'processed_at',
      'updated_at',
      'cancelled_at',
      'closed_at',
      'test',
      'taxes_included',
      'source_name',
      'financial_status',
      'fulfillment_status',
      'currency',
      'presentment_currency',
      'customer.admin_graphql_api_id',
      'customer.id',
      'email',
      'subtotal_price',
      'subtotal_price_set.shop_money.amount',
      'subtotal_price_set.presentment_money.amount',
      'total_price',
      'total_price_set.shop_money.amount',
      'total_price_set.presentment_money.amount',
      'total_tax',
      'total_tax_set.shop_money.amount',
      'total_tax_set.presentment_money.amount',
      'total_discounts',
      'total_discounts_set.shop_money.amount',
      'total_discounts_set.presentment_money.amount',
      'total_shipping_price_set.shop_money.amount',
      'total_shipping_price_set.presentment_money.amount',
      'refunds[].transactions[].kind',
      'refunds[].transactions[].status',
      'refunds[].transactions[].amount',
      'refunds[].transactions[].currency'
    ) AS rest
  FROM lake.bronze.shopify_orders
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), orders AS (
  SELECT
    *,
    @bare_id(id) AS order_id,
    @utc(COALESCE(@at(doc, 'createdAt'), @at(rest, 'created_at'))) AS created_at,
    COALESCE(
      @utc(COALESCE(@at(doc, 'processedAt'), @at(rest, 'processed_at'))),
      @utc(COALESCE(@at(doc, 'createdAt'), @at(rest, 'created_at')))
    ) AS processed_at,
    @money(
      COALESCE(
        @at(doc, 'totalPriceSet.shopMoney.amount'),
        @at(rest, 'total_price_set.shop_money.amount'),
        @at(rest, 'total_price')
      )
    ) AS total_amount,
    @money(
      COALESCE(
        @at(doc, 'subtotalPriceSet.shopMoney.amount'),
        @at(rest, 'subtotal_price_set.shop_money.amount'),
        @at(rest, 'subtotal_price')
      )
    ) AS all_lines,
    @money(
      COALESCE(
        @at(doc, 'totalTaxSet.shopMoney.amount'),
        @at(rest, 'total_tax_set.shop_money.amount'),
        @at(rest, 'total_tax')
      )
    ) AS tax_amount,
    @money(
      COALESCE(
        @at(doc, 'totalDiscountsSet.shopMoney.amount'),
        @at(rest, 'total_discounts_set.shop_money.amount'),
        @at(rest, 'total_discounts')
      )
    ) AS discount_amount,
    @money(
      COALESCE(
        @at(doc, 'totalShippingPriceSet.shopMoney.amount'),
        @at(rest, 'total_shipping_price_set.shop_money.amount')
      )
    ) AS shipping_amount,
    COALESCE(
      @money(@at(doc, 'totalPriceSet.presentmentMoney.amount')),
      @money(@at(rest, 'total_price_set.presentment_money.amount'))
    ) AS shown_total,
    COALESCE(
      @money(@at(doc, 'subtotalPriceSet.presentmentMoney.amount')),
      @money(@at(rest, 'subtotal_price_set.presentment_money.amount'))
    ) AS shown_all_lines,
    COALESCE(
      @money(@at(doc, 'totalTaxSet.presentmentMoney.amount')),
      @money(@at(rest, 'total_tax_set.presentment_money.amount'))
    ) AS shown_tax,
    COALESCE(
      @money(@at(doc, 'totalDiscountsSet.presentmentMoney.amount')),
      @money(@at(rest, 'total_discounts_set.presentment_money.amount'))
    ) AS shown_discount,
    COALESCE(
      @money(@at(doc, 'totalShippingPriceSet.presentmentMoney.amount')),
      @money(@at(rest, 'total_shipping_price_set.presentment_money.amount'))
    ) AS shown_shipping,
    COALESCE(@at(doc, 'currencyCode'), @at(rest, 'currency')) AS currency,
    COALESCE(
      @at(doc, 'presentmentCurrencyCode'),
      @at(rest, 'presentment_currency'),
      @at(doc, 'currencyCode'),
      @at(rest, 'currency')
    ) AS presentment_currency,
    COALESCE(COALESCE(@at(doc, 'taxesIncluded'), @at(rest, 'taxes_included')) = 'true', FALSE) AS includes_tax
  FROM documents
), fetched AS (
  SELECT
    id,
    doc
  FROM documents
), shipping_lines AS (
  @items_of(fetched, doc, 'shippingLines.edges', line)
), sent AS (
  SELECT
    id,
    SUM(@money(@at(line, 'node.discountedPriceSet.shopMoney.amount'))) AS amount,
    SUM(@money(@at(line, 'node.discountedPriceSet.presentmentMoney.amount'))) AS shown_amount
  FROM shipping_lines
  GROUP BY
    id
), delivered AS (
  SELECT
    id,
    rest
  FROM documents
), refunds AS (
  @items_of(delivered, rest, 'refunds', refund)
), transactions AS (
  @items_of(refunds, refund, 'transactions', payment)
), given_back AS (
  SELECT
    id,
    SUM(@money(@at(payment, 'amount'))) AS amount
  FROM transactions
  WHERE
    @at(payment, 'kind') = 'refund'
    AND @at(payment, 'status') = 'success'
    AND COALESCE(@at(payment, 'currency') = @at(rest, 'currency'), TRUE) /* What was paid in another currency waits for the next reading of the order */
  GROUP BY
    id
), shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), units AS (
  SELECT
    order_id,
    SUM(CASE WHEN is_gift_card THEN 0 ELSE quantity END) AS units,
    CASE
      WHEN COUNT(unit_price) = COUNT(*)
      THEN SUM(CASE WHEN is_gift_card THEN 0 ELSE unit_price * quantity END)
    END AS goods,
    SUM(CASE WHEN is_gift_card THEN 0 ELSE tax_amount END) AS tax,
    SUM(CASE WHEN is_gift_card THEN unit_price * quantity - discount_amount END) AS gift_cards
  FROM silver.stg_shopify_order_lines
  GROUP BY
    order_id
), sold AS (
  SELECT
    orders.*,
    COALESCE(units.units, 0) AS units,
    units.goods,
    units.tax AS lines_tax,
    GREATEST(orders.all_lines - COALESCE(units.gift_cards, 0), 0)::DECIMAL(18, 2) AS subtotal,
    COALESCE(orders.tax_amount, 0) AS tax,
    orders.presentment_currency = orders.currency AS is_shown_alike,
    sent.amount AS sent_amount,
    sent.shown_amount AS shown_sent_amount
  FROM orders
  LEFT JOIN units
    ON units.order_id = orders.order_id
  LEFT JOIN sent
    ON sent.id = orders.id
), taxed AS (
  SELECT
    *,
    (
      CASE
        WHEN subtotal = all_lines
        THEN shown_all_lines
        ELSE shown_all_lines * subtotal / all_lines
      END
    )::DECIMAL(18, 2) AS shown_subtotal,
    GREATEST(
      LEAST(COALESCE(discount_amount, 0), COALESCE(goods - subtotal, discount_amount, 0)),
      0
    ) AS off,
    CASE WHEN includes_tax THEN LEAST(COALESCE(lines_tax, 0), tax, subtotal) ELSE 0 END AS goods_tax
  FROM sold
), plain AS (
  SELECT
    *,
    (
      CASE
        WHEN goods_tax = 0
        THEN off
        ELSE off * (
          subtotal - goods_tax
        ) / subtotal
      END
    )::DECIMAL(18, 2) AS discount,
    (
      CASE WHEN goods_tax = 0 THEN 0 ELSE shown_tax * goods_tax / tax END
    )::DECIMAL(18, 2) AS shown_goods_tax,
    GREATEST(
      COALESCE(
        sent_amount,
        LEAST(
          COALESCE(shipping_amount, 0),
          total_amount - all_lines - CASE WHEN includes_tax THEN 0 ELSE tax END
        )
      ) - CASE WHEN includes_tax THEN tax - goods_tax ELSE 0 END,
      0
    ) AS shipping
  FROM taxed
)
SELECT
  orders.order_id::TEXT AS order_id, /* Shopify's number of the order */
  COALESCE(@at(doc, 'name'), @at(rest, 'name'))::TEXT AS order_name, /* What the shop calls the order, such as #1001 */
  @bare_id(
    COALESCE(
      @at(doc, 'customer.id'),
      @at(rest, 'customer.admin_graphql_api_id'),
      @at(rest, 'customer.id')
    )
  )::TEXT AS customer_id, /* Shopify's number of the customer; NULL for a guest */
  LOWER(COALESCE(@at(doc, 'email'), @at(rest, 'email')))::TEXT AS email, /* E-mail address given with the order, in small letters */
  LOWER(COALESCE(@at(doc, 'displayFinancialStatus'), @at(rest, 'financial_status')))::TEXT AS payment_status, /* paid, pending, refunded and so on */
  CASE
    WHEN _lane <> 'webhook'
    THEN LOWER(@at(doc, 'displayFulfillmentStatus'))
    WHEN @at(rest, 'fulfillment_status') = 'partial'
    THEN 'partially_fulfilled'
    ELSE COALESCE(@at(rest, 'fulfillment_status'), 'unfulfilled')
  END::TEXT AS fulfillment_status, /* fulfilled, unfulfilled and so on */
  total_amount::DECIMAL(18, 2) AS total_amount, /* What the customer owes: goods and gift cards after discounts, with tax, shipping, duties and tips, shop currency */
  (
    orders.subtotal - goods_tax
  )::DECIMAL(18, 2) AS subtotal, /* Goods after discounts, before tax and shipping, shop currency; without gift cards and the tax that prices hold */
  tax::DECIMAL(18, 2) AS tax_amount, /* Tax, shop currency */
  discount::DECIMAL(18, 2) AS discount_amount, /* Taken off the goods, shop currency: what Shopify adds up, which may count shipping's discounts, but no more than the prices less subtotal; without the tax that prices hold */
  shipping::DECIMAL(18, 2) AS shipping_amount, /* Shipping after its discounts, shop currency: the prices of the shipping lines or, where the document has none, no more than the total leaves beside its lines and tax; without the tax that prices hold */
  COALESCE(@money(@at(doc, 'totalRefundedSet.shopMoney.amount')), given_back.amount, 0)::DECIMAL(18, 2) AS refunded_amount, /* Given back so far, shop currency */
  orders.currency::TEXT AS currency, /* Currency of the shop, ISO 4217 */
  COALESCE(shown_total, total_amount)::DECIMAL(18, 2) AS presentment_total_amount, /* What the customer owes, in the currency shown to him */
  CASE
    WHEN is_shown_alike
    THEN orders.subtotal - goods_tax
    ELSE shown_subtotal - shown_goods_tax
  END::DECIMAL(18, 2) AS presentment_subtotal, /* The same as subtotal in the currency shown to the customer */
  CASE WHEN is_shown_alike THEN tax ELSE shown_tax END::DECIMAL(18, 2) AS presentment_tax_amount, /* The same as tax_amount in the currency shown to the customer; NULL where the shop was not asked for it */
  CASE
    WHEN is_shown_alike
    THEN discount
    WHEN discount = orders.discount_amount
    THEN shown_discount
    ELSE shown_discount * discount / orders.discount_amount
  END::DECIMAL(18, 2) AS presentment_discount_amount, /* The same as discount_amount in the currency shown to the customer */
  CASE
    WHEN is_shown_alike
    THEN shipping
    WHEN NOT COALESCE(shown_sent_amount, shown_shipping) IS NULL
    THEN GREATEST(
      COALESCE(
        shown_sent_amount,
        LEAST(
          shown_shipping,
          COALESCE(
            shown_total - shown_all_lines - CASE WHEN includes_tax THEN 0 ELSE shown_tax END,
            shown_shipping
          )
        )
      ) - CASE WHEN includes_tax THEN shown_tax - shown_goods_tax ELSE 0 END,
      0
    )
  END::DECIMAL(18, 2) AS presentment_shipping_amount, /* The same as shipping_amount in the currency shown to the customer */
  orders.presentment_currency::TEXT AS presentment_currency, /* Currency shown to the customer, ISO 4217 */
  units::BIGINT AS units, /* Pieces ordered, over all lines; gift cards left out */
  COALESCE(COALESCE(@at(doc, 'test'), @at(rest, 'test')) = 'true', FALSE)::BOOLEAN AS is_test, /* Whether the shop placed the order to try itself out */
  COALESCE(@at(doc, 'sourceName'), @at(rest, 'source_name'))::TEXT AS source_name, /* Sales channel, such as web */
  orders.created_at::TIMESTAMP AS created_at, /* When the order was made, UTC */
  orders.processed_at::TIMESTAMP AS processed_at, /* When the order counts in the shop's reports, UTC */
  @utc(COALESCE(@at(doc, 'updatedAt'), @at(rest, 'updated_at')))::TIMESTAMP AS updated_at, /* When the order last changed, UTC */
  @utc(COALESCE(@at(doc, 'cancelledAt'), @at(rest, 'cancelled_at')))::TIMESTAMP AS cancelled_at, /* When the order was cancelled, UTC; NULL when it wasn't */
  @utc(COALESCE(@at(doc, 'closedAt'), @at(rest, 'closed_at')))::TIMESTAMP AS closed_at, /* When the order was closed, UTC; NULL while it is open */
  @local_date(orders.processed_at, shop.time_zone)::DATE AS order_date /* Day the order counts on, in the shop's time zone */
FROM plain AS orders
CROSS JOIN shop
LEFT JOIN given_back
  ON given_back.id = orders.id
WHERE
  NOT orders.total_amount IS NULL
  AND NOT orders.all_lines IS NULL
  AND NOT orders.created_at IS NULL

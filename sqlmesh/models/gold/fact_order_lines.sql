/* What was sold, line by line, with the same columns for every source: Shopify's order lines and Stripe's invoice lines. One row a line; test orders, drafts and void invoices left out. */
MODEL (
  name gold.fact_order_lines,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = document_id,
      follows = (
        silver.stg_shopify_order_lines = order_id,
        silver.stg_shopify_orders = order_id,
        silver.stg_stripe_invoice_lines = invoice_id,
        silver.stg_stripe_invoices = invoice_id,
        silver.stg_stripe_prices = silver.stg_stripe_invoice_lines.price_id,
        silver.stg_stripe_customers = silver.stg_stripe_invoices.stripe_customer_id
      )
    )
  ),
  owner data_engineer,
  grain line_key,
  references (order_key, customer_key),
  audits (
    not_null(
      columns := (line_key, source, document_id, line_date, gross_amount, net_amount, currency)
    ),
    unique_values(columns := line_key),
    accepted_values("column" := source, is_in := ('shopify', 'stripe')),
    forall(criteria := (
      gross_amount = net_amount + discount_amount
    ))
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), lines AS (
  SELECT
    'shopify' AS source,
    lines.order_line_id AS line_id,
    lines.order_id AS document_id,
    lines.order_id,
    orders.customer_id,
    lines.product_id,
    lines.variant_id,
    lines.title,
    lines.sku,
    lines.quantity,
    lines.unit_price,
    lines.unit_price * lines.quantity AS gross_amount,
    lines.discount_amount,
    lines.tax_amount,
    COALESCE(lines.currency, orders.currency) AS currency,
    TRUE AS is_live,
    orders.order_date AS line_date
  FROM silver.stg_shopify_order_lines AS lines
  JOIN silver.stg_shopify_orders AS orders
    ON orders.order_id = lines.order_id
  WHERE
    NOT orders.is_test
  UNION ALL
  SELECT
    'stripe' AS source,
    lines.invoice_line_id AS line_id,
    lines.invoice_id AS document_id,
    NULL AS order_id,
    customers.customer_id,
    lines.product_id,
    lines.price_id AS variant_id,
    lines.description AS title,
    NULL AS sku,
    lines.quantity,
    prices.unit_amount AS unit_price,
    lines.amount AS gross_amount,
    lines.discount_amount,
    lines.tax_amount,
    lines.currency,
    invoices.is_live,
    @local_date(invoices.created_at, shop.time_zone) AS line_date
  FROM silver.stg_stripe_invoice_lines AS lines
  JOIN silver.stg_stripe_invoices AS invoices
    ON invoices.invoice_id = lines.invoice_id
  CROSS JOIN shop
  LEFT JOIN silver.stg_stripe_prices AS prices
    ON prices.price_id = lines.price_id
  LEFT JOIN silver.stg_stripe_customers AS customers
    ON customers.stripe_customer_id = invoices.stripe_customer_id
  WHERE
    NOT invoices.status IN ('draft', 'void')
)
SELECT
  @GENERATE_SURROGATE_KEY(source, document_id, line_id)::TEXT AS line_key, /* Hash of source, document and line */
  source::TEXT AS source, /* shopify or stripe */
  document_id::TEXT AS document_id, /* Shopify's number of the order, or Stripe's id of the invoice */
  line_id::TEXT AS line_id, /* The source's id of the line */
  CASE WHEN NOT order_id IS NULL THEN @GENERATE_SURROGATE_KEY(order_id) END::TEXT AS order_key, /* Hash of the order's id, the key of fact_orders; NULL for an invoice */
  CASE WHEN NOT customer_id IS NULL THEN @GENERATE_SURROGATE_KEY(customer_id) END::TEXT AS customer_key, /* Hash of the customer's id; NULL for a guest */
  product_id::TEXT AS product_id, /* The source's id of the product */
  variant_id::TEXT AS variant_id, /* Shopify's number of the variant, or Stripe's id of the price */
  title::TEXT AS title, /* What was sold */
  sku::TEXT AS sku, /* Stock keeping unit; Stripe has none */
  quantity::BIGINT AS quantity, /* Pieces or units; NULL where there are none */
  unit_price::DECIMAL(18, 2) AS unit_price, /* Price of one before discounts */
  gross_amount::DECIMAL(18, 2) AS gross_amount, /* The line before discounts, tax and shipping */
  discount_amount::DECIMAL(18, 2) AS discount_amount, /* The line's share of every discount */
  (
    gross_amount - discount_amount
  )::DECIMAL(18, 2) AS net_amount, /* The line after discounts, before tax and shipping */
  tax_amount::DECIMAL(18, 2) AS tax_amount, /* Tax on the line */
  currency::TEXT AS currency, /* Currency of the amounts, ISO 4217; the shop's for Shopify */
  is_live::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  line_date::DATE AS line_date, /* Day the line counts on, in the shop's time zone */
  @date_key(line_date)::INT AS line_date_key /* That day as yyyymmdd, the key of dim_date */
FROM lines
WHERE
  NOT gross_amount IS NULL

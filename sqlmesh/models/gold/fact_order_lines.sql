/* What was sold, line by line, with the same columns for every source: Shopify's order lines and Stripe's invoice lines. One row a line; test orders, gift cards, drafts and void invoices left out. */
MODEL (
  name gold.fact_order_lines,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = document_id,
      follows = (
        silver.stg_shopify_order_lines = order_id,
        silver.stg_shopify_orders = order_id,
        gold.invoice_lines = invoice_id
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

WITH sold AS (
  SELECT
    *,
    unit_price * quantity - discount_amount AS paid,
    CASE
      WHEN includes_tax
      THEN LEAST(tax_amount, unit_price * quantity - discount_amount)
      ELSE 0
    END AS held_tax
  FROM silver.stg_shopify_order_lines
), lines AS (
  SELECT
    'shopify' AS source,
    lines.order_line_id AS line_id,
    lines.order_id AS document_id,
    @GENERATE_SURROGATE_KEY(lines.order_id) AS order_key,
    CASE
      WHEN NOT orders.customer_id IS NULL
      THEN @GENERATE_SURROGATE_KEY(orders.customer_id)
    END AS customer_key,
    lines.product_id,
    lines.variant_id,
    lines.title,
    lines.sku,
    lines.quantity,
    lines.unit_price,
    lines.paid - lines.held_tax AS net_amount,
    (
      CASE
        WHEN lines.held_tax = 0
        THEN lines.discount_amount
        ELSE lines.discount_amount * (
          lines.paid - lines.held_tax
        ) / lines.paid
      END
    )::DECIMAL(18, 2) AS discount_amount,
    lines.tax_amount,
    COALESCE(lines.currency, orders.currency) AS currency,
    TRUE AS is_live,
    orders.order_date AS line_date
  FROM sold AS lines
  JOIN silver.stg_shopify_orders AS orders
    ON orders.order_id = lines.order_id
  WHERE
    NOT orders.is_test AND NOT lines.is_gift_card
  UNION ALL
  SELECT
    'stripe' AS source,
    invoice_line_id AS line_id,
    invoice_id AS document_id,
    NULL AS order_key,
    customer_key,
    product_id,
    price_id AS variant_id,
    description AS title,
    NULL AS sku,
    quantity,
    unit_amount AS unit_price,
    amount - discount_amount AS net_amount,
    discount_amount,
    tax_amount,
    currency,
    is_live,
    invoice_date AS line_date
  FROM gold.invoice_lines
  WHERE
    NOT is_void
)
SELECT
  @GENERATE_SURROGATE_KEY(source, document_id, line_id)::TEXT AS line_key, /* Hash of source, document and line */
  source::TEXT AS source, /* shopify or stripe */
  document_id::TEXT AS document_id, /* Shopify's number of the order, or Stripe's id of the invoice */
  line_id::TEXT AS line_id, /* The source's id of the line */
  order_key::TEXT AS order_key, /* Hash of the order's id, the key of fact_orders; NULL for an invoice */
  customer_key::TEXT AS customer_key, /* Hash of the customer's id; NULL for a guest */
  product_id::TEXT AS product_id, /* The source's id of the product */
  variant_id::TEXT AS variant_id, /* Shopify's number of the variant, or Stripe's id of the price */
  title::TEXT AS title, /* What was sold */
  sku::TEXT AS sku, /* Stock keeping unit; Stripe has none */
  quantity::BIGINT AS quantity, /* Pieces or units; NULL where there are none */
  unit_price::DECIMAL(18, 2) AS unit_price, /* Price of one before discounts; with the tax, where the shop's prices hold it */
  (
    net_amount + discount_amount
  )::DECIMAL(18, 2) AS gross_amount, /* The line before discounts, tax and shipping */
  discount_amount::DECIMAL(18, 2) AS discount_amount, /* The line's share of every discount */
  net_amount::DECIMAL(18, 2) AS net_amount, /* The line after discounts, before tax and shipping */
  tax_amount::DECIMAL(18, 2) AS tax_amount, /* Tax on the line */
  currency::TEXT AS currency, /* Currency of the amounts, ISO 4217; the shop's for Shopify */
  is_live::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  line_date::DATE AS line_date, /* Day the line counts on, in the shop's time zone */
  @date_key(line_date)::INT AS line_date_key /* That day as yyyymmdd, the key of dim_date */
FROM lines
WHERE
  NOT net_amount IS NULL

/* Lines of Stripe's invoices with what they are billed for. One row a line; drafts left out, void invoices marked. */
MODEL (
  name gold.invoice_lines,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = invoice_id,
      follows = (
        silver.stg_stripe_invoice_lines = invoice_id,
        silver.stg_stripe_invoices = invoice_id,
        silver.stg_stripe_prices = silver.stg_stripe_invoice_lines.price_id,
        silver.stg_stripe_products = silver.stg_stripe_invoice_lines.product_id,
        silver.stg_stripe_customers = silver.stg_stripe_invoices.stripe_customer_id
      )
    )
  ),
  owner data_engineer,
  grain (invoice_id, invoice_line_id),
  audits (
    not_null(
      columns := (invoice_id, invoice_line_id, amount, currency, invoice_date, is_void)
    ),
    unique_combination_of_columns(columns := (invoice_id, invoice_line_id)),
    forall(criteria := (
      net_amount = amount - discount_amount
    ))
  )
);

WITH shop AS (
  SELECT
    COALESCE(MAX(time_zone), 'UTC') AS time_zone
  FROM silver.stg_shopify_shop
), lines AS (
  SELECT
    lines.*,
    invoices.invoice_number,
    invoices.stripe_customer_id,
    invoices.status,
    invoices.billing_reason,
    invoices.is_live,
    invoices.created_at,
    customers.customer_id,
    prices.unit_amount,
    COALESCE(prices.interval, 'month') AS interval,
    COALESCE(prices.interval_count, 1) AS interval_count,
    products.name AS product_name,
    @local_date(invoices.created_at, shop.time_zone) AS invoice_date,
    @local_date(lines.period_start_at, shop.time_zone) AS period_start_date,
    @local_date(lines.period_end_at, shop.time_zone) AS period_end_date
  FROM silver.stg_stripe_invoice_lines AS lines
  JOIN silver.stg_stripe_invoices AS invoices
    ON invoices.invoice_id = lines.invoice_id
  CROSS JOIN shop
  LEFT JOIN silver.stg_stripe_customers AS customers
    ON customers.stripe_customer_id = invoices.stripe_customer_id
  LEFT JOIN silver.stg_stripe_prices AS prices
    ON prices.price_id = lines.price_id
  LEFT JOIN silver.stg_stripe_products AS products
    ON products.product_id = lines.product_id
  WHERE
    invoices.status <> 'draft' AND NOT lines.amount IS NULL
)
SELECT
  invoice_id::TEXT AS invoice_id, /* Stripe's id of the invoice */
  invoice_line_id::TEXT AS invoice_line_id, /* Stripe's id of the line, unique in its invoice */
  invoice_number::TEXT AS invoice_number, /* Number on the invoice */
  status::TEXT AS status, /* open, paid, uncollectible or void */
  (
    status = 'void'
  )::BOOLEAN AS is_void, /* Whether the invoice was made void: nobody owes it */
  billing_reason::TEXT AS billing_reason, /* Why the invoice was made, such as subscription_cycle */
  stripe_customer_id::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  CASE WHEN NOT customer_id IS NULL THEN @GENERATE_SURROGATE_KEY(customer_id) END::TEXT AS customer_key, /* Hash of the shop's customer, where Stripe's names one */
  subscription_id::TEXT AS subscription_id, /* Stripe's id of the subscription; NULL without one */
  subscription_item_id::TEXT AS subscription_item_id, /* Stripe's id of the subscription's item */
  price_id::TEXT AS price_id, /* Stripe's id of the price */
  product_id::TEXT AS product_id, /* Stripe's id of the product */
  product_name::TEXT AS product_name, /* Name of the product */
  description::TEXT AS description, /* What the line says */
  quantity::BIGINT AS quantity, /* Units; NULL where there are none */
  unit_amount::DECIMAL(18, 2) AS unit_amount, /* Price of one unit; with the tax, where the price holds it; NULL where it is none, or the price isn't known */
  amount::DECIMAL(18, 2) AS amount, /* Amount before discounts and taxes, with a tax that the price holds taken out */
  discount_amount::DECIMAL(18, 2) AS discount_amount, /* The line's share of every discount, before taxes */
  (
    amount - discount_amount
  )::DECIMAL(18, 2) AS net_amount, /* Amount after discounts, before taxes */
  tax_amount::DECIMAL(18, 2) AS tax_amount, /* Taxes on the line, on top and in the price */
  CASE
    WHEN interval = 'year'
    THEN amount / (
      12 * interval_count
    )
    WHEN interval = 'week'
    THEN amount * 52 / (
      12 * interval_count
    )
    WHEN interval = 'day'
    THEN amount * 365 / (
      12 * interval_count
    )
    ELSE amount / interval_count
  END::DECIMAL(18, 2) AS monthly_amount, /* What the amount comes to in a month, by the price's interval */
  currency::TEXT AS currency, /* ISO 4217 code */
  is_proration::BOOLEAN AS is_proration, /* Whether it settles a change within a period */
  is_live::BOOLEAN AS is_live, /* Whether this is real and not Stripe's test data */
  period_start_date::DATE AS period_start_date, /* First day of what is billed, in the shop's time zone */
  period_end_date::DATE AS period_end_date, /* Day on which what is billed ends */
  invoice_date::DATE AS invoice_date, /* Day of the invoice */
  created_at::TIMESTAMP AS created_at /* When the invoice was made, UTC */
FROM lines

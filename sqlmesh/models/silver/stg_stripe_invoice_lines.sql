/* Lines of the invoices, all of them, in the shapes before and since 2025-03-31.basil. One row a line. */
MODEL (
  name silver.stg_stripe_invoice_lines,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = invoice_id, follows = (
        lake.bronze.stripe_invoices = id
    ))
  ),
  owner data_engineer,
  grain (invoice_id, invoice_line_id),
  audits (
    not_null(columns := (invoice_line_id, invoice_id)),
    unique_combination_of_columns(columns := (invoice_id, invoice_line_id))
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'lines.data[].id',
      'lines.data[].parent.subscription_item_details.subscription',
      'lines.data[].parent.invoice_item_details.subscription',
      'lines.data[].subscription',
      'lines.data[].parent.subscription_item_details.subscription_item',
      'lines.data[].subscription_item',
      'lines.data[].pricing.price_details.price',
      'lines.data[].price.id',
      'lines.data[].pricing.price_details.product',
      'lines.data[].price.product',
      'lines.data[].description',
      'lines.data[].quantity',
      'lines.data[].amount',
      'lines.data[].discount_amounts[].amount',
      'lines.data[].taxes[].amount',
      'lines.data[].taxes[].tax_behavior',
      'lines.data[].tax_amounts[].amount',
      'lines.data[].tax_amounts[].inclusive',
      'lines.data[].currency',
      'currency',
      'lines.data[].parent.subscription_item_details.proration',
      'lines.data[].parent.invoice_item_details.proration',
      'lines.data[].proration',
      'lines.data[].period.start',
      'lines.data[].period.end'
    ) AS doc
  FROM lake.bronze.stripe_invoices
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), items AS (
  @items_of(documents, doc, 'lines.data', line)
), discounts AS (
  @items_of(items, line, 'discount_amounts', part)
), taxes AS (
  @items_of(items, line, 'taxes', part)
), earlier_taxes AS (
  @items_of(items, line, 'tax_amounts', part)
), parts AS (
  SELECT
    id,
    @at(line, 'id') AS line_id,
    TRY_CAST(@at(part, 'amount') AS DECIMAL(15, 0)) AS discount_amount,
    NULL AS tax_amount,
    FALSE AS is_held
  FROM discounts
  UNION ALL
  SELECT
    id,
    @at(line, 'id') AS line_id,
    NULL AS discount_amount,
    TRY_CAST(@at(part, 'amount') AS DECIMAL(15, 0)) AS tax_amount,
    @at(part, 'tax_behavior') = 'inclusive' AS is_held
  FROM taxes
  UNION ALL
  SELECT
    id,
    @at(line, 'id') AS line_id,
    NULL AS discount_amount,
    TRY_CAST(@at(part, 'amount') AS DECIMAL(15, 0)) AS tax_amount,
    @at(part, 'inclusive') = 'true' AS is_held
  FROM earlier_taxes
), sums AS (
  SELECT
    id,
    line_id,
    SUM(discount_amount) AS discount_amount,
    SUM(tax_amount) AS tax_amount,
    SUM(CASE WHEN is_held THEN tax_amount ELSE 0 END) AS held_tax
  FROM parts
  GROUP BY
    id,
    line_id
), taxed AS (
  SELECT
    items.id,
    items.doc,
    items.line,
    TRY_CAST(@at(items.line, 'amount') AS DECIMAL(15, 0)) - COALESCE(sums.discount_amount, 0) AS paid,
    COALESCE(sums.discount_amount, 0) AS discount_amount,
    COALESCE(sums.tax_amount, 0) AS tax_amount,
    COALESCE(sums.held_tax, 0) AS held_tax
  FROM items
  LEFT JOIN sums
    ON sums.id = items.id AND sums.line_id = @at(items.line, 'id')
), lines AS (
  SELECT
    id,
    doc,
    line,
    paid - held_tax AS net_amount,
    (
      CASE
        WHEN held_tax = 0 OR paid = 0
        THEN discount_amount
        ELSE discount_amount * (
          paid - held_tax
        ) / paid
      END
    )::DECIMAL(15, 0) AS discount_amount,
    tax_amount
  FROM taxed
)
SELECT
  @at(line, 'id')::TEXT AS invoice_line_id, /* Stripe's id of the line, unique in its invoice */
  lines.id::TEXT AS invoice_id, /* Stripe's id of the invoice */
  COALESCE(
    @at(line, 'parent.subscription_item_details.subscription'),
    @at(line, 'parent.invoice_item_details.subscription'),
    @at(line, 'subscription')
  )::TEXT AS subscription_id, /* Stripe's id of the subscription */
  COALESCE(
    @at(line, 'parent.subscription_item_details.subscription_item'),
    @at(line, 'subscription_item')
  )::TEXT AS subscription_item_id, /* Stripe's id of the subscription's item */
  COALESCE(@at(line, 'pricing.price_details.price'), @at(line, 'price.id'))::TEXT AS price_id, /* Stripe's id of the price */
  COALESCE(@at(line, 'pricing.price_details.product'), @at(line, 'price.product'))::TEXT AS product_id, /* Stripe's id of the product */
  @at(line, 'description')::TEXT AS description, /* What it says */
  TRY_CAST(@at(line, 'quantity') AS BIGINT)::BIGINT AS quantity, /* Units; NULL where there are none */
  @minor_money(lines.net_amount + lines.discount_amount, COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS amount, /* Amount before discounts and taxes, with a tax that the price holds taken out */
  @minor_money(lines.discount_amount, COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS discount_amount, /* The line's share of every discount, with its part of a tax that the price holds taken out */
  @minor_money(lines.tax_amount, COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS tax_amount, /* Taxes on the line, on top and in the price */
  UPPER(COALESCE(@at(line, 'currency'), @at(doc, 'currency')))::TEXT AS currency, /* ISO 4217 code */
  COALESCE(
    COALESCE(
      @at(line, 'parent.subscription_item_details.proration'),
      @at(line, 'parent.invoice_item_details.proration'),
      @at(line, 'proration')
    ) = 'true',
    FALSE
  )::BOOLEAN AS is_proration, /* Whether it settles a change within a period */
  @epoch(@at(line, 'period.start'))::TIMESTAMP AS period_start_at, /* Begin of what is billed, UTC */
  @epoch(@at(line, 'period.end'))::TIMESTAMP AS period_end_at /* End of what is billed, UTC */
FROM lines
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(COALESCE(@at(lines.line, 'currency'), @at(lines.doc, 'currency')))

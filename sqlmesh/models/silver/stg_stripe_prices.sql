/* Prices at Stripe as it last described them. One row a price. */
MODEL (
  name silver.stg_stripe_prices,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = price_id, follows = (
        lake.bronze.stripe_prices = id
    ))
  ),
  owner data_engineer,
  grain price_id,
  audits (not_null(columns := (price_id, created_at)), unique_values(columns := price_id))
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'product',
      'nickname',
      'active',
      'type',
      'billing_scheme',
      'unit_amount',
      'unit_amount_decimal',
      'currency',
      'recurring.interval',
      'recurring.interval_count',
      'tiers_mode',
      'livemode',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_prices
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS price_id, /* Stripe's id of the price */
  @at(doc, 'product')::TEXT AS product_id, /* Stripe's id of the product */
  @at(doc, 'nickname')::TEXT AS nickname, /* Name for the seller's own use */
  COALESCE(@at(doc, 'active') = 'true', FALSE)::BOOLEAN AS is_active, /* Whether it can be used */
  @at(doc, 'type')::TEXT AS type, /* one_time or recurring */
  @at(doc, 'billing_scheme')::TEXT AS billing_scheme, /* per_unit or tiered */
  @minor_money(@at(doc, 'unit_amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS unit_amount, /* Price of a unit; NULL where tiers or fractions say it */
  @at(doc, 'unit_amount_decimal')::TEXT AS unit_amount_decimal, /* The same in the smallest unit of the currency, with its fractions */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'recurring.interval')::TEXT AS interval, /* day, week, month or year; NULL for a price that is paid once */
  TRY_CAST(@at(doc, 'recurring.interval_count') AS BIGINT)::BIGINT AS interval_count, /* How many of these a period has */
  @at(doc, 'tiers_mode')::TEXT AS tiers_mode, /* graduated or volume; NULL without tiers */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was made, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))

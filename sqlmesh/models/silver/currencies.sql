/* How many decimals Stripe's amounts have in each currency. One row a currency; a currency that isn't here has two. */
MODEL (
  name silver.currencies,
  kind SEED (
    path '../../seeds/currencies.csv'
  ),
  owner data_engineer,
  grain currency,
  columns (
    currency TEXT,
    exponent INT
  ),
  column_descriptions (
    currency = 'ISO 4217 code.',
    exponent = 'Decimals of the smallest unit: 0, 2 or 3.'
  ),
  audits (
    not_null(columns := currency),
    unique_values(columns := currency),
    accepted_values("column" := exponent, is_in := (0, 2, 3))
  )
)

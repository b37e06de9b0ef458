/* Coupons at Stripe as it last described them, deleted ones left out. One row a coupon. */
MODEL (
  name silver.stg_stripe_coupons,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = coupon_id, follows = (
        lake.bronze.stripe_coupons = id
    ))
  ),
  owner data_engineer,
  grain coupon_id,
  audits (
    not_null(columns := (coupon_id, created_at)),
    unique_values(columns := coupon_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'name',
      'percent_off',
      'amount_off',
      'currency',
      'duration',
      'duration_in_months',
      'times_redeemed',
      'max_redemptions',
      'valid',
      'livemode',
      'redeem_by',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_coupons
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS coupon_id, /* Stripe's id of the coupon, often its code */
  @at(doc, 'name')::TEXT AS name, /* Name */
  TRY_CAST(@at(doc, 'percent_off') AS DECIMAL(18, 2))::DECIMAL(18, 2) AS percent_off, /* Per cent off; NULL where it is an amount */
  @minor_money(@at(doc, 'amount_off'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS amount_off, /* Amount off; NULL where it is per cent */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code of the amount */
  @at(doc, 'duration')::TEXT AS duration, /* once, repeating or forever */
  TRY_CAST(@at(doc, 'duration_in_months') AS BIGINT)::BIGINT AS duration_in_months, /* How long a repeating one lasts */
  TRY_CAST(@at(doc, 'times_redeemed') AS BIGINT)::BIGINT AS times_redeemed, /* How often it was used */
  TRY_CAST(@at(doc, 'max_redemptions') AS BIGINT)::BIGINT AS max_redemptions, /* How often it can be used; NULL for any number */
  COALESCE(@at(doc, 'valid') = 'true', FALSE)::BOOLEAN AS is_valid, /* Whether it can still be used */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'redeem_by'))::TIMESTAMP AS redeem_by_at, /* Until when it can be used, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was made, UTC */
FROM documents
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(@at(documents.doc, 'currency'))

/* Items of the subscriptions, all of them, in the shapes before and since 2025-03-31.basil. One row an item. */
MODEL (
  name silver.stg_stripe_subscription_items,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = subscription_id, follows = (
        lake.bronze.stripe_subscriptions = id
    ))
  ),
  owner data_engineer,
  grain subscription_item_id,
  audits (
    not_null(columns := (subscription_item_id, subscription_id)),
    unique_values(columns := subscription_item_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'items.data[].id',
      'items.data[].price.id',
      'items.data[].price.product',
      'items.data[].quantity',
      'items.data[].price.unit_amount',
      'items.data[].price.currency',
      'currency',
      'items.data[].price.recurring.interval',
      'items.data[].price.recurring.interval_count',
      'items.data[].current_period_start',
      'current_period_start',
      'items.data[].current_period_end',
      'current_period_end',
      'items.data[].created'
    ) AS doc
  FROM lake.bronze.stripe_subscriptions
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
), items AS (
  @items_of(documents, doc, 'items.data', item)
)
SELECT
  @at(item, 'id')::TEXT AS subscription_item_id, /* Stripe's id of the item */
  id::TEXT AS subscription_id, /* Stripe's id of the subscription */
  @at(item, 'price.id')::TEXT AS price_id, /* Stripe's id of the price */
  @at(item, 'price.product')::TEXT AS product_id, /* Stripe's id of the product */
  TRY_CAST(@at(item, 'quantity') AS BIGINT)::BIGINT AS quantity, /* Units; NULL for metered use */
  @minor_money(@at(item, 'price.unit_amount'), COALESCE(currencies.exponent, 2))::DECIMAL(18, 2) AS unit_amount, /* Price of a unit; NULL where tiers say it */
  UPPER(COALESCE(@at(item, 'price.currency'), @at(doc, 'currency')))::TEXT AS currency, /* ISO 4217 code */
  @at(item, 'price.recurring.interval')::TEXT AS interval, /* day, week, month or year */
  TRY_CAST(@at(item, 'price.recurring.interval_count') AS BIGINT)::BIGINT AS interval_count, /* How many of these a period has */
  @epoch(COALESCE(@at(item, 'current_period_start'), @at(doc, 'current_period_start')))::TIMESTAMP AS current_period_start_at, /* Begin of the current period, UTC */
  @epoch(COALESCE(@at(item, 'current_period_end'), @at(doc, 'current_period_end')))::TIMESTAMP AS current_period_end_at, /* End of the current period, UTC */
  @epoch(@at(item, 'created'))::TIMESTAMP AS created_at /* When the item was made, UTC */
FROM items
LEFT JOIN silver.currencies AS currencies
  ON currencies.currency = UPPER(COALESCE(@at(items.item, 'price.currency'), @at(items.doc, 'currency')))

/* Subscriptions as Stripe last described them, canceled ones too, in the shapes before and since 2025-03-31.basil. One row a subscription. */
MODEL (
  name silver.stg_stripe_subscriptions,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = subscription_id, follows = (
        lake.bronze.stripe_subscriptions = id
    ))
  ),
  owner data_engineer,
  grain subscription_id,
  audits (
    not_null(columns := (subscription_id, created_at)),
    unique_values(columns := subscription_id)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'customer',
      'status',
      'currency',
      'collection_method',
      'cancel_at_period_end',
      'pause_collection.behavior',
      'pause_collection.resumes_at',
      'livemode',
      'items.data[].current_period_start',
      'current_period_start',
      'items.data[].current_period_end',
      'current_period_end',
      'trial_start',
      'trial_end',
      'start_date',
      'canceled_at',
      'ended_at',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_subscriptions
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS subscription_id, /* Stripe's id of the subscription */
  @at(doc, 'customer')::TEXT AS stripe_customer_id, /* Stripe's id of the customer */
  @at(doc, 'status')::TEXT AS status, /* active, trialing, past_due, unpaid, paused, incomplete, incomplete_expired or canceled */
  UPPER(@at(doc, 'currency'))::TEXT AS currency, /* ISO 4217 code */
  @at(doc, 'collection_method')::TEXT AS collection_method, /* charge_automatically or send_invoice */
  COALESCE(@at(doc, 'cancel_at_period_end') = 'true', FALSE)::BOOLEAN AS ends_with_period, /* Whether it will be canceled at the end of its period */
  @at(doc, 'pause_collection.behavior')::TEXT AS pause_behavior, /* What becomes of its bills while it is paused: keep_as_draft, mark_uncollectible or void; NULL while it isn't */
  @epoch(@at(doc, 'pause_collection.resumes_at'))::TIMESTAMP AS resumes_at, /* When the pause ends, UTC; NULL for no pause, or one without an end */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(
    COALESCE(@at(doc, 'items.data[0].current_period_start'), @at(doc, 'current_period_start'))
  )::TIMESTAMP AS current_period_start_at, /* Begin of the current period, of the first item since 2025-03-31.basil, UTC */
  @epoch(
    COALESCE(@at(doc, 'items.data[0].current_period_end'), @at(doc, 'current_period_end'))
  )::TIMESTAMP AS current_period_end_at, /* End of the current period, UTC */
  @epoch(@at(doc, 'trial_start'))::TIMESTAMP AS trial_start_at, /* Begin of the trial, UTC */
  @epoch(@at(doc, 'trial_end'))::TIMESTAMP AS trial_end_at, /* End of the trial, UTC */
  @epoch(@at(doc, 'start_date'))::TIMESTAMP AS started_at, /* When it began, UTC */
  @epoch(@at(doc, 'canceled_at'))::TIMESTAMP AS canceled_at, /* When it was canceled, UTC */
  @epoch(@at(doc, 'ended_at'))::TIMESTAMP AS ended_at, /* When it ended, UTC */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it was made, UTC */
FROM documents

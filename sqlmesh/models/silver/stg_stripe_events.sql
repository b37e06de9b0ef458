/* What Stripe said had happened. One row an event. */
MODEL (
  name silver.stg_stripe_events,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = event_id, follows = (
        lake.bronze.stripe_events = id
    ))
  ),
  owner data_engineer,
  grain event_id,
  audits (
    not_null(columns := (event_id, type, created_at)),
    unique_values(columns := event_id),
    documents_have_ids(source := lake.bronze.stripe_events)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'type',
      'data.object.id',
      'data.object.object',
      'api_version',
      'livemode',
      'created'
    ) AS doc
  FROM lake.bronze.stripe_events
  WHERE
    NOT id IS NULL
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  id::TEXT AS event_id, /* Stripe's id of the event */
  @at(doc, 'type')::TEXT AS type, /* Kind of event, such as charge.refunded */
  @at(doc, 'data.object.id')::TEXT AS object_id, /* Stripe's id of what it is about */
  @at(doc, 'data.object.object')::TEXT AS object_type, /* Kind of what it is about, such as charge */
  @at(doc, 'api_version')::TEXT AS api_version, /* Version of Stripe's API it was written in */
  COALESCE(@at(doc, 'livemode') = 'true', FALSE)::BOOLEAN AS is_live, /* Whether this is real and not test data */
  @epoch(@at(doc, 'created'))::TIMESTAMP AS created_at /* When it happened, UTC */
FROM documents

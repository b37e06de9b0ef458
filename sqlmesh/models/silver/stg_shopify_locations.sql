/* Locations as the shop last described them, closed ones included. One row a location. */
MODEL (
  name silver.stg_shopify_locations,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = location_id, follows = (
        lake.bronze.shopify_locations = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain location_id,
  audits (
    not_null(columns := (location_id, is_active)),
    unique_values(columns := location_id),
    documents_have_ids(source := lake.bronze.shopify_locations)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'name',
      'isActive',
      'fulfillsOnlineOrders',
      'address.city',
      'address.province',
      'address.countryCode',
      'createdAt',
      'updatedAt'
    ) AS doc
  FROM lake.bronze.shopify_locations
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  @bare_id(id)::TEXT AS location_id, /* Shopify's number of the location */
  @at(doc, 'name')::TEXT AS location_name, /* Name of the location */
  COALESCE(@at(doc, 'isActive') = 'true', FALSE)::BOOLEAN AS is_active, /* Whether the location is open for stock and orders */
  COALESCE(@at(doc, 'fulfillsOnlineOrders') = 'true', FALSE)::BOOLEAN AS fulfills_online_orders, /* Whether online orders are sent from it */
  @at(doc, 'address.city')::TEXT AS city, /* City */
  @at(doc, 'address.province')::TEXT AS province, /* State or province */
  @at(doc, 'address.countryCode')::TEXT AS country_code, /* Country, ISO 3166 */
  @utc(@at(doc, 'createdAt'))::TIMESTAMP AS created_at, /* When the location was made, UTC */
  @utc(@at(doc, 'updatedAt'))::TIMESTAMP AS updated_at /* When the location last changed, UTC */
FROM documents

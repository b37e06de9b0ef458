/* The shop itself, as it last described itself. One row a shop. */
MODEL (
  name silver.stg_shopify_shop,
  kind FULL,
  owner data_engineer,
  grain shop_id,
  audits (
    not_null(columns := (shop_id, time_zone)),
    unique_values(columns := shop_id),
    documents_have_ids(source := lake.bronze.shopify_shop)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'name',
      'email',
      'myshopifyDomain',
      'currencyCode',
      'ianaTimezone',
      'createdAt',
      'updatedAt'
    ) AS doc
  FROM lake.bronze.shopify_shop
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  @bare_id(id)::TEXT AS shop_id, /* Shopify's id of the shop */
  @at(doc, 'name')::TEXT AS shop_name, /* Name of the shop */
  @at(doc, 'myshopifyDomain')::TEXT AS domain, /* The shop's myshopify.com domain */
  @at(doc, 'currencyCode')::TEXT AS currency, /* Currency of the shop, ISO 4217 */
  COALESCE(@at(doc, 'ianaTimezone'), 'UTC')::TEXT AS time_zone, /* IANA time zone that the shop's days are in */
  @utc(@at(doc, 'createdAt'))::TIMESTAMP AS created_at /* When the shop was opened, UTC */
FROM documents

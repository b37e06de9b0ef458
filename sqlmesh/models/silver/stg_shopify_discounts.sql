/* Discounts as the shop last described them. One row a discount; single codes of one are not told apart. */
MODEL (
  name silver.stg_shopify_discounts,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (key = discount_id, follows = (
        lake.bronze.shopify_discounts = @bare_id(id)
    ))
  ),
  owner data_engineer,
  grain discount_id,
  audits (
    not_null(columns := (discount_id, discount_kind)),
    unique_values(columns := discount_id),
    documents_have_ids(source := lake.bronze.shopify_discounts)
  )
);

WITH documents AS (
  SELECT
    id,
    @document(
      payload,
      'discount.__typename',
      'discount.title',
      'discount.status',
      'discount.startsAt',
      'discount.endsAt',
      'discount.asyncUsageCount',
      'discount.createdAt',
      'discount.updatedAt'
    ) AS doc
  FROM lake.bronze.shopify_discounts
  WHERE
    NOT id IS NULL AND (
      _lane <> 'webhook' OR _op = 'delete'
    )
  QUALIFY
    @is_latest(id) AND _op <> 'delete'
)
SELECT
  @bare_id(id)::TEXT AS discount_id, /* Shopify's number of the discount */
  @at(doc, 'discount.__typename')::TEXT AS discount_kind, /* Shopify's type of the discount, such as DiscountCodeBasic */
  COALESCE(@at(doc, 'discount.__typename') LIKE 'DiscountCode%', FALSE)::BOOLEAN AS needs_code, /* Whether the customer gives a code for it */
  @at(doc, 'discount.title')::TEXT AS title, /* Title, which often is the code */
  LOWER(@at(doc, 'discount.status'))::TEXT AS status, /* active, expired or scheduled */
  TRY_CAST(@at(doc, 'discount.asyncUsageCount') AS BIGINT) AS times_used, /* How often it was used, as Shopify counts */
  @utc(@at(doc, 'discount.startsAt'))::TIMESTAMP AS starts_at, /* When it begins, UTC */
  @utc(@at(doc, 'discount.endsAt'))::TIMESTAMP AS ends_at, /* When it ends, UTC; NULL when it doesn't */
  @utc(@at(doc, 'discount.createdAt'))::TIMESTAMP AS created_at, /* When it was made, UTC */
  @utc(@at(doc, 'discount.updatedAt'))::TIMESTAMP AS updated_at /* When it last changed, UTC */
FROM documents

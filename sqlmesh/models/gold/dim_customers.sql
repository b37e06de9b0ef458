/* Customers with their history: name, place and segment. One row a customer and version; the current one is marked. Totals are as of the end of the version. */
MODEL (
  name gold.dim_customers,
  kind CUSTOM (
    materialization 'incremental_by_key',
    materialization_properties (
      key = customer_id,
      follows = (
        silver.stg_shopify_orders = customer_id,
        silver.stg_shopify_customer_versions = customer_id,
        silver.stg_shop_customer_address_versions = customer_id
      )
    )
  ),
  owner data_engineer,
  grain (customer_key, valid_from),
  audits (
    not_null(
      columns := (customer_key, customer_id, total_orders, lifetime_value, valid_from, is_current)
    ),
    unique_combination_of_columns(columns := (customer_key, valid_from)),
    accepted_values("column" := customer_segment, is_in := ('enterprise', 'mid_market', 'smb')),
    versions_follow(key := customer_key)
  )
);

WITH shop AS (
  SELECT
    MAX(currency) AS currency
  FROM silver.stg_shopify_shop
), orders AS (
  SELECT
    orders.customer_id,
    orders.processed_at,
    orders.order_date,
    CASE
      WHEN COALESCE(orders.currency = shop.currency, TRUE)
      THEN orders.subtotal
      ELSE 0
    END AS net_amount
  FROM silver.stg_shopify_orders AS orders
  CROSS JOIN shop
  WHERE
    NOT orders.is_test AND NOT orders.customer_id IS NULL
), profiles AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY version_at) AS place
  FROM silver.stg_shopify_customer_versions
), addresses AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY version_at) AS place
  FROM silver.stg_shop_customer_address_versions
), beginnings AS (
  SELECT
    customer_id,
    MIN(instant) AS instant
  FROM (
    SELECT
      customer_id,
      processed_at AS instant
    FROM orders
    UNION ALL
    SELECT
      customer_id,
      LEAST(COALESCE(created_at, version_at), version_at) AS instant
    FROM profiles
  ) AS sightings
  GROUP BY
    customer_id
), events AS (
  SELECT
    customer_id,
    processed_at AS instant,
    0 AS new_profiles,
    0 AS new_addresses,
    1 AS new_orders,
    net_amount,
    order_date
  FROM orders
  UNION ALL
  SELECT
    profiles.customer_id,
    CASE WHEN profiles.place = 1 THEN beginnings.instant ELSE profiles.version_at END AS instant,
    1 AS new_profiles,
    0 AS new_addresses,
    0 AS new_orders,
    0 AS net_amount,
    NULL AS order_date
  FROM beginnings
  JOIN profiles
    ON profiles.customer_id = beginnings.customer_id
  UNION ALL
  SELECT
    addresses.customer_id,
    CASE
      WHEN addresses.place = 1 OR addresses.version_at < beginnings.instant
      THEN beginnings.instant
      ELSE addresses.version_at
    END AS instant,
    0 AS new_profiles,
    1 AS new_addresses,
    0 AS new_orders,
    0 AS net_amount,
    NULL AS order_date
  FROM addresses
  JOIN beginnings
    ON beginnings.customer_id = addresses.customer_id
), instants AS (
  SELECT
    customer_id,
    instant,
    SUM(new_profiles) AS new_profiles,
    SUM(new_addresses) AS new_addresses,
    SUM(new_orders) AS new_orders,
    SUM(net_amount) AS net_amount,
    MIN(order_date) AS first_date,
    MAX(order_date) AS last_date
  FROM events
  GROUP BY
    customer_id,
    instant
), running AS (
  SELECT
    customer_id,
    instant,
    SUM(new_profiles) OVER (
      PARTITION BY customer_id
      ORDER BY instant
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS profile_place,
    SUM(new_addresses) OVER (
      PARTITION BY customer_id
      ORDER BY instant
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS address_place,
    SUM(new_orders) OVER (
      PARTITION BY customer_id
      ORDER BY instant
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS total_orders,
    SUM(net_amount) OVER (
      PARTITION BY customer_id
      ORDER BY instant
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS lifetime_value,
    MIN(first_date) OVER (
      PARTITION BY customer_id
      ORDER BY instant
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS first_order_date,
    MAX(last_date) OVER (
      PARTITION BY customer_id
      ORDER BY instant
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS last_order_date
  FROM instants
), described AS (
  SELECT
    running.*,
    COALESCE(profiles.is_deleted, FALSE) AS is_deleted,
    COALESCE(profiles.full_name, addresses.full_name) AS full_name,
    profiles.email,
    CASE WHEN addresses.is_deleted = FALSE THEN addresses.city ELSE profiles.city END AS city,
    CASE WHEN addresses.is_deleted = FALSE THEN addresses.state ELSE profiles.state END AS state,
    CASE
      WHEN addresses.is_deleted = FALSE
      THEN addresses.country
      ELSE profiles.country
    END AS country,
    CASE
      WHEN running.lifetime_value > 10000
      THEN 'enterprise'
      WHEN running.lifetime_value > 1000
      THEN 'mid_market'
      ELSE 'smb'
    END AS customer_segment
  FROM running
  LEFT JOIN profiles
    ON profiles.customer_id = running.customer_id
    AND profiles.place = running.profile_place
  LEFT JOIN addresses
    ON addresses.customer_id = running.customer_id
    AND addresses.place = running.address_place
), compared AS (
  SELECT
    *,
    CONCAT_WS(
      '|',
      is_deleted::TEXT,
      COALESCE(full_name, ''),
      COALESCE(email, ''),
      COALESCE(city, ''),
      COALESCE(state, ''),
      COALESCE(country, ''),
      customer_segment
    ) AS description
  FROM described
), marked AS (
  SELECT
    *,
    CASE
      WHEN LAG(description) OVER (PARTITION BY customer_id ORDER BY instant) = description
      THEN 0
      ELSE 1
    END AS is_change
  FROM compared
), numbered AS (
  SELECT
    *,
    SUM(is_change) OVER (
      PARTITION BY customer_id
      ORDER BY instant
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS version
  FROM marked
), spans AS (
  SELECT
    *,
    MIN(instant) OVER (PARTITION BY customer_id, version) AS valid_from
  FROM numbered
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY customer_id, version ORDER BY instant DESC) = 1
), ends AS (
  SELECT
    *,
    LEAD(valid_from) OVER (PARTITION BY customer_id ORDER BY valid_from) AS valid_to
  FROM spans
)
SELECT
  @GENERATE_SURROGATE_KEY(customer_id)::TEXT AS customer_key, /* Hash of the customer's id */
  customer_id::TEXT AS customer_id, /* Shopify's number of the customer */
  full_name::TEXT AS full_name, /* First and last name */
  email::TEXT AS email, /* E-mail address, in small letters */
  city::TEXT AS city, /* City, from the shop's own database, else from Shopify */
  state::TEXT AS state, /* State or province */
  country::TEXT AS country, /* Country */
  total_orders::BIGINT AS total_orders, /* Orders up to the end of the version */
  lifetime_value::DECIMAL(18, 2) AS lifetime_value, /* Net amount of those orders that are in the shop's present currency */
  first_order_date::DATE AS first_order_date, /* Day of the first order, in the shop's time zone */
  last_order_date::DATE AS last_order_date, /* Day of the last order up to the end of the version */
  customer_segment::TEXT AS customer_segment, /* enterprise over 10,000 of lifetime value, mid_market over 1,000, else smb */
  valid_from::TIMESTAMP AS valid_from, /* When the customer became so, UTC */
  valid_to::TIMESTAMP AS valid_to, /* When it ceased to be so, UTC; NULL while it is so */
  valid_to IS NULL AS is_current /* Whether the customer is so now */
FROM ends
WHERE
  NOT is_deleted

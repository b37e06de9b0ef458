AUDIT (
  name same_orders_as_silver
);

SELECT
  silver_orders.order_id AS silver_order_id,
  fact_orders.order_id AS fact_order_id
FROM (
  SELECT
    order_id,
    subtotal
  FROM silver.stg_shopify_orders
  WHERE
    NOT is_test
) AS silver_orders
FULL JOIN @this_model AS fact_orders
  ON fact_orders.order_id = silver_orders.order_id
WHERE
  silver_orders.order_id IS NULL
  OR fact_orders.order_id IS NULL
  OR fact_orders.net_amount <> silver_orders.subtotal

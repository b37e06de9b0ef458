AUDIT (
  name stock_adds_up,
  blocking FALSE
);

SELECT
  stock.sku,
  stock.on_hand,
  inventory.closing_units
FROM silver.stg_shop_stock AS stock
LEFT JOIN (
  SELECT
    sku,
    closing_units
  FROM @this_model
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY sku ORDER BY inventory_date DESC) = 1
) AS inventory
  ON inventory.sku = stock.sku
WHERE
  COALESCE(inventory.closing_units, 0) <> stock.on_hand

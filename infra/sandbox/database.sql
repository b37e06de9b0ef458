CREATE SCHEMA shop;

CREATE TABLE shop.customer_addresses (
  customer_id BIGINT PRIMARY KEY,
  full_name TEXT NOT NULL,
  address1 TEXT NOT NULL,
  city TEXT NOT NULL,
  state TEXT NOT NULL,
  postal_code TEXT NOT NULL,
  country TEXT NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE shop.stock (
  sku TEXT PRIMARY KEY,
  product_id BIGINT NOT NULL,
  variant_id BIGINT NOT NULL,
  on_hand INTEGER NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE shop.stock_movements (
  movement_id BIGINT PRIMARY KEY,
  sku TEXT NOT NULL,
  order_id BIGINT,
  change INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('sale', 'restock', 'correction')),
  moved_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE shop.ledger (
  entry_id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('sale', 'refund')),
  amount NUMERIC(18, 2) NOT NULL,
  currency TEXT NOT NULL,
  booked_at TIMESTAMPTZ NOT NULL
);

COMMENT ON TABLE shop.customer_addresses IS 'Where each customer lives; customer_id is Shopify''s legacyResourceId.';
COMMENT ON TABLE shop.stock IS 'How many of each article there are: the sum of its movements.';
COMMENT ON TABLE shop.stock_movements IS 'What came in, what was sold and what was counted otherwise; order_id is Shopify''s legacyResourceId.';
COMMENT ON TABLE shop.ledger IS 'What bookkeeping has of each sale and refund; order_id is Shopify''s legacyResourceId.';

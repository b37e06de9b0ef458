"""The table of this benchmark: orders of twelve columns in a database of their own, and what tells its rows apart."""

import psycopg
from psycopg.conninfo import make_conninfo

DATABASE = "bench_snapshot"
TABLE = "orders"
BRONZE = "pg_public_orders"
MAKE = """
CREATE TABLE orders (
  id bigint PRIMARY KEY, customer integer NOT NULL, sku text NOT NULL, note text, quantity smallint,
  price numeric(12, 2), rate double precision, paid boolean, placed_at timestamptz, shipped date, tags jsonb, ref uuid
)
"""
FILL = """
INSERT INTO orders
SELECT n, n %% 97777, 'SKU-' || n %% 5000, CASE WHEN n %% 10 > 0 THEN 'a note of order number ' || n END, n %% 100,
       (n %% 100000) / 7.0, n / 3.0, n %% 3 = 0, '2024-01-01'::timestamptz + n * interval '7 seconds',
       '2024-01-01'::date + (n %% 1000)::integer, jsonb_build_object('a', n, 'b', 'x' || n), md5(n::text)::uuid
FROM generate_series(1, %s::bigint) n
"""
# What every tool lands with the same meaning, in DuckDB's words: the text of JSON differs between them.
CHECKSUM = """
(sum(md5_number_lower(concat_ws('|', id, customer, sku, coalesce(note, '-'), quantity, price::DECIMAL(12, 2),
round(rate, 3)::DECIMAL(18, 3), paid::BOOLEAN, epoch_us(placed_at::TIMESTAMPTZ), shipped::DATE, ref::VARCHAR)))
% 18446744073709551616)::VARCHAR
"""


def make(admin_dsn: str, rows: int) -> str:
    """Make the database with so many orders, and give its address."""
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {DATABASE}".encode())
    dsn = make_conninfo(admin_dsn, dbname=DATABASE)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(MAKE)
        connection.execute(FILL, (rows,))
        connection.execute("VACUUM ANALYZE orders")
    return dsn

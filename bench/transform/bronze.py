"""The bronze of this benchmark: orders of five lines with their charges, written straight to Iceberg by DuckDB."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
from pyiceberg.catalog import Catalog

from lake.catalogue import ensure_table
from lake.documents import SCHEMA
from lake.pins import Pin, pin_tables

LINES = 5
DAYS = 730
CHUNK = 100_000
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
SHOP = "SELECT 1 AS n, TIMESTAMP '2024-01-01' AS made"
ORDERS = """
SELECT n, TIMESTAMP '2024-01-01' + to_days(({first_day} + (n - {start}) * {days} // {count})::INTEGER)
  + to_seconds(n % 86400) AS made
FROM range({start}, {start} + {count}) AS numbers(n)
"""
MONEY = "{{'shopMoney': {{'amount': ({amount})::VARCHAR, 'currencyCode': 'USD'}}}}"
CENTS = "(n % 400 * 100 + 2025)"
TOTAL = MONEY.format(amount=f"({CENTS} / 100)::DECIMAL(18, 2)")
AT = "strftime(made, '%Y-%m-%dT%H:%M:%SZ')"
LINE = f"""{{
  'id': 'gid://shopify/LineItem/' || (n * 10 + i), 'title': 'Record ' || (n % 1000), 'sku': 'CD-' || (n % 1000),
  'quantity': i + 1, 'product': {{'id': 'gid://shopify/Product/' || (n % 1000)}},
  'variant': {{'id': 'gid://shopify/ProductVariant/' || (n % 1000)}},
  'originalUnitPriceSet': {MONEY.format(amount="n % 40 + 2")}, 'discountedTotalSet': {MONEY.format(amount="n % 80 + 4")}
}}"""
DOCUMENTS = {
    "shopify_shop": ("'gid://shopify/Shop/' || n", "{'name': 'Shop', 'ianaTimezone': 'America/New_York'}"),
    "shopify_orders": (
        "'gid://shopify/Order/' || n",
        f"""{{
          'id': 'gid://shopify/Order/' || n, 'legacyResourceId': n::VARCHAR, 'name': '#' || n, 'createdAt': {AT},
          'processedAt': {AT}, 'updatedAt': {AT}, 'test': false, 'sourceName': 'web', 'currencyCode': 'USD',
          'displayFinancialStatus': 'PAID', 'displayFulfillmentStatus': 'FULFILLED', 'presentmentCurrencyCode': 'USD',
          'customer': {{'id': 'gid://shopify/Customer/' || (n % 200000)}}, 'refunds': [], 'fulfillments': [],
          'subtotalPriceSet': {TOTAL}, 'totalPriceSet': {TOTAL}, 'transactions': [{{
            'id': 'gid://shopify/OrderTransaction/' || n, 'kind': 'SALE', 'status': 'SUCCESS', 'gateway': 'stripe',
            'amountSet': {TOTAL}
          }}],
          'lineItems': {{'edges': list_transform(range({LINES}), lambda i: {{'node': {LINE}}})}}
        }}""",
    ),
    "stripe_charges": (
        "'ch_' || n",
        f"""{{
          'id': 'ch_' || n, 'amount': {CENTS}, 'amount_captured': {CENTS}, 'amount_refunded': 0, 'currency': 'usd',
          'status': 'succeeded', 'paid': true, 'captured': true, 'livemode': true, 'created': epoch(made)::BIGINT,
          'balance_transaction': 'txn_' || n, 'metadata': {{'order_id': n::VARCHAR}}
        }}""",
    ),
    "stripe_balance_transactions": (
        "'txn_' || n",
        f"""{{
          'id': 'txn_' || n, 'source': 'ch_' || n, 'type': 'charge', 'amount': {CENTS}, 'fee': n % 400 + 50,
          'net': {CENTS} - n % 400 - 50, 'currency': 'usd', 'status': 'available', 'created': epoch(made)::BIGINT
        }}""",
    ),
}


def write_bronze(catalogue: Catalog, lines: int, say: Callable[[str], None]) -> tuple[dict[str, Pin], dict[str, Pin]]:
    """Write ``lines`` order lines over two years, then a day more of them; pin bronze before that day and after."""
    orders, day = lines // LINES, max(1, lines // LINES // DAYS)
    with duckdb.connect() as connection:
        _append(catalogue, connection, "shopify_shop", SHOP, FIRST)
        for start in range(0, orders, CHUNK):
            say(f"transform: {start * LINES:,} of {lines:,} lines written")
            count = min(CHUNK, orders - start)
            span = DAYS * count // orders or 1
            _append_sales(catalogue, connection, start, count, DAYS * start // orders, span)
        before = pin_tables(catalogue, "bronze")
        _append_sales(catalogue, connection, orders, day, DAYS, 1)
    return before, pin_tables(catalogue, "bronze")


def _append_sales(
    catalogue: Catalog, connection: duckdb.DuckDBPyConnection, start: int, count: int, first_day: int, days: int
) -> None:
    numbers = ORDERS.format(start=start, count=count, first_day=first_day, days=days)
    for table in list(DOCUMENTS)[1:]:
        _append(catalogue, connection, table, numbers, FIRST + timedelta(days=first_day))


def _append(
    catalogue: Catalog, connection: duckdb.DuckDBPyConnection, table: str, numbers: str, received: datetime
) -> None:
    identity, document = DOCUMENTS[table]
    rows: pa.Table = connection.execute(
        f"SELECT {identity} AS id, {AT} AS version, to_json({document})::VARCHAR AS payload, 'upsert' AS _op, "
        f"'poll' AS _lane, '2025-10' AS _api_version, ?::TIMESTAMPTZ AS _received_at, 'load ' || ? AS _load_id "
        f"FROM ({numbers})",
        [received, received.isoformat()],
    ).to_arrow_table()
    ensure_table(catalogue, f"bronze.{table}", SCHEMA).append(rows.cast(SCHEMA))

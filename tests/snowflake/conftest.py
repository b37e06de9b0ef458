"""A stand-in for Snowflake, a bronze of four orders, and a copy of the project that a test may change."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pyarrow as pa
import pytest

from infra.snowflake import standing_in
from lake.catalogue import ensure_table, open_catalogue
from lake.pins import Pin, pin_tables
from lake.settings import Settings
from lake.snowflake import connected
from lake.snowflake_bronze import copy_bronze
from lake.warehouse import PROJECT

ARRIVED = datetime(2026, 2, 1, tzinfo=UTC)
DOCUMENTS = pa.schema(
    [(name, pa.string()) for name in ("id", "version", "payload", "_op", "_lane", "_api_version")]
    + [("_received_at", pa.timestamp("us", tz="UTC")), ("_load_id", pa.string())]
)
CENT = {"shopMoney": {"amount": "0.01", "currencyCode": "USD"}}
TEN = {"__typename": "DiscountCodeApplication", "index": 0, "targetType": "LINE_ITEM", "code": "TEN"}
ZONE = {"name": "Shop", "myshopifyDomain": "shop.example", "currencyCode": "USD", "ianaTimezone": "America/New_York"}


def order(number: int, amount: str, at: str, customer: int | None = 1, cancelled: str | None = None) -> dict[str, Any]:
    """Make an order of two pieces as Shopify describes it."""
    money = {"shopMoney": {"amount": amount, "currencyCode": "USD"}}
    line = {
        "id": f"gid://shopify/LineItem/{number}",
        "title": 'It\'s a "Record"',
        "sku": "CD-1",
        "quantity": 2,
        "originalUnitPriceSet": money,
        "discountedTotalSet": money,
        "discountAllocations": [{"allocatedAmountSet": CENT, "discountApplication": {"index": 0}}],
        "taxLines": [{"priceSet": CENT}, {"priceSet": CENT}],
    }
    return {
        "legacyResourceId": str(number),
        "name": f"#{number}",
        **dict.fromkeys(("createdAt", "processedAt", "updatedAt"), at),
        "cancelledAt": cancelled,
        "test": False,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "FULFILLED",
        "currencyCode": "USD",
        "customer": {"id": f"gid://shopify/Customer/{customer}"} if customer else None,
        "email": f"{customer or 'Guest'}@example.com",
        "discountApplications": {"edges": [{"node": TEN}]},
        "totalDiscountsSet": CENT,
        "subtotalPriceSet": money,
        "totalPriceSet": money,
        "lineItems": {"edges": [{"node": line}]},
        "taxLines": [{"title": "Sales tax", "rate": 0.0725, "priceSet": CENT}],
        "shippingLines": {
            "edges": [{"node": {"id": f"gid://shopify/ShippingLine/{number}", "originalPriceSet": CENT}}]
        },
        "transactions": [],
        "refunds": [refund(number, money, at)] if cancelled else [],
        "fulfillments": [sent(number, None if number == 1 else {"id": line["id"]})],
    }


def sent(number: int, line: dict[str, Any] | None) -> dict[str, Any]:
    """Make a fulfilment of two pieces; without a line it is as a bulk operation gives it."""
    told = {"id": f"gid://shopify/FulfillmentLineItem/{number}", "quantity": 2, "lineItem": line}
    lines = {"fulfillmentLineItems": {"edges": [{"node": told}]}} if line else {}
    return {"id": f"gid://shopify/Fulfillment/{number}", "status": "SUCCESS", "totalQuantity": 2} | lines


def refund(number: int, money: dict[str, Any], at: str) -> dict[str, Any]:
    """Make the refund of an order's one line."""
    line = {"id": f"gid://shopify/RefundLineItem/{number}", "quantity": 2, "restocked": True, "subtotalSet": money}
    edges = [{"node": line | {"lineItem": {"id": f"gid://shopify/LineItem/{number}"}}}]
    whole = {"totalRefundedSet": money, "refundLineItems": {"edges": edges}}
    return {"id": f"gid://shopify/Refund/{number}", "createdAt": at, **whole}


def product(number: int) -> dict[str, Any]:
    """Make a product with one variant."""
    variant = {"id": f"gid://shopify/ProductVariant/{number}", "title": "CD", "sku": "CD-1", "price": "9.99"}
    dates = {"createdAt": "2025-12-01T00:00:00Z", "updatedAt": "2025-12-01T00:00:00Z"}
    return {"title": f"Record {number}", "handle": f"r{number}", **dates, "variants": {"edges": [{"node": variant}]}}


def charge(number: int, cents: int, order_id: int) -> dict[str, Any]:
    """Make a succeeded charge that names its order."""
    named = {"metadata": {"order_id": str(order_id)}, "customer": "cus_1", "balance_transaction": f"txn_{number}"}
    paid = {"status": "succeeded", "paid": True, "captured": True, "currency": "usd", "created": 1767268800}
    return {"id": f"ch_{number}", "amount": cents, "amount_captured": cents, "amount_refunded": 0, **named, **paid}


def movement(number: int, cents: int, source: str, kind: str) -> dict[str, Any]:
    """Make a movement of the balance, of which Stripe keeps 30 cents when it is a charge."""
    fee = 30 if kind == "charge" else 0
    sums = {"amount": cents, "fee": fee, "net": cents - fee, "currency": "usd", "source": source}
    named = {"id": f"txn_{number}", "type": kind, "reporting_category": kind, "status": "available"}
    return {**named, **sums, "available_on": 1767355200, "created": 1767268800}


def invoice(number: int, cents: int, begins: int, status: str = "paid") -> dict[str, Any]:
    """Make a month's invoice of a subscription to one price, ten cents off."""
    named = {"subscription_item": "si_1", "subscription": "sub_1"}
    line = {
        "id": "il_1",
        "amount": cents,
        "quantity": 1,
        "discount_amounts": [{"amount": 10}],
        "taxes": [{"amount": 7}],
        "parent": {"subscription_item_details": named | {"proration": False}},
        "pricing": {"price_details": {"price": "price_1", "product": "prod_1"}},
        "period": {"start": begins, "end": begins + 30 * 86_400},
    }
    told = {"customer": "cus_1", "currency": "usd", "status": status, "created": begins, "total": cents}
    sums = {"subtotal": cents, "amount_due": cents, "amount_paid": cents, "amount_remaining": 0}
    return {"id": f"in_{number}", "number": f"A-{number}", "lines": {"data": [line]}, **told, **sums}


MONTH = {"interval": "month", "interval_count": 1}
PRICE = {"product": "prod_1", "unit_amount": 1000, "currency": "usd", "recurring": MONTH, "created": 1760000000}
ITEM = {"id": "si_1", "quantity": 1, "price": {"id": "price_1", **PRICE}, "created": 1761955200}
SUBSCRIPTION = {"customer": "cus_1", "status": "active", "currency": "usd", "created": 1761955200, "livemode": False}
PAYOUT = {"amount": 940, "currency": "usd", "status": "paid", "automatic": True, "type": "bank_account"}
QUANTITIES = [{"name": "available", "quantity": 3}, {"name": "on_hand", "quantity": 5}]
LEVEL = {"item": {"id": "gid://shopify/InventoryItem/1"}, "location": {"id": "gid://shopify/Location/1"}}
COST = {"unitCost": {"amount": "4.25", "currencyCode": "USD"}, "createdAt": "2025-12-01T00:00:00Z"}
OFFER = {"__typename": "DiscountCodeBasic", "title": "TEN", "status": "ACTIVE", "asyncUsageCount": 2}
LEFT = {
    "createdAt": "2026-01-02T03:00:00Z",
    "lineItems": {"edges": [{"node": {"id": "gid://shopify/X/1", "quantity": 2}}]},
}

CONTENT: dict[str, dict[str, dict[str, Any]]] = {
    "shopify_shop": {"gid://shopify/Shop/1": ZONE},
    "shopify_products": {f"gid://shopify/Product/{n}": product(n) for n in (1, 2)},
    "shopify_orders": {
        "gid://shopify/Order/1": order(1, "10.00", "2026-01-01T12:00:00Z"),
        "gid://shopify/Order/2": order(2, "20.05", "2026-01-02T03:00:00+00:00"),
        "gid://shopify/Order/3": order(3, "0.00", "2026-01-03T12:00:00-05:00", customer=None),
        "gid://shopify/Order/4": order(4, "30.10", "2026-01-04T12:00:00Z", 2, cancelled="2026-01-05T00:00:00Z"),
    },
    "shopify_locations": {"gid://shopify/Location/1": {"name": "Shop", "isActive": True}},
    "shopify_inventory_items": {"gid://shopify/InventoryItem/1": {"sku": "CD-1", "tracked": True, **COST}},
    "shopify_inventory_levels": {"gid://shopify/InventoryLevel/1?x=1": {**LEVEL, "quantities": QUANTITIES}},
    "shopify_abandoned_checkouts": {"gid://shopify/AbandonedCheckout/1": LEFT},
    "shopify_discounts": {"gid://shopify/DiscountCodeNode/1": {"discount": OFFER}},
    "stripe_balance_transactions": {
        "txn_1": movement(1, 1000, "ch_1", "charge"),
        "txn_2": movement(2, 2006, "ch_2", "charge"),
        "txn_3": movement(3, -30, "re_1", "refund"),
        "txn_4": movement(4, -940, "po_1", "payout"),
    },
    "stripe_refunds": {"re_1": {"charge": "ch_1", "amount": 30, "currency": "usd", "created": 1767268800}},
    "stripe_disputes": {"dp_1": {"charge": "ch_2", "amount": 2006, "currency": "usd", "created": 1767268800}},
    "stripe_payouts": {
        "po_1": PAYOUT | {"arrival_date": 1767500000, "created": 1767398400},
        "po_2": PAYOUT | {"status": "failed", "automatic": False, "created": 1767398400},
    },
    "stripe_customers": {"cus_1": {"metadata": {"shopify_customer_id": "1"}, "created": 1760000000}},
    "stripe_prices": {"price_1": PRICE},
    "stripe_products": {"prod_1": {"name": "Club", "created": 1760000000}},
    "stripe_subscriptions": {"sub_1": SUBSCRIPTION | {"items": {"data": [ITEM]}}},
    "stripe_invoices": {
        "in_1": invoice(1, 1000, 1761955200),
        "in_2": invoice(2, 1205, 1764547200),
        "in_3": invoice(3, 1205, 1767225600, "void"),
    },
    "stripe_charges": {"ch_1": charge(1, 1000, 1), "ch_2": charge(2, 2006, 2), "ch_9": charge(9, 500, 9)},
}

ADDRESS = [
    ("customer_id", pa.int64()),
    *((name, pa.string()) for name in ("full_name", "address1", "city", "state", "postal_code", "country")),
    ("updated_at", pa.timestamp("us", tz="UTC")),
]
MOVEMENT = [
    ("movement_id", pa.int64()),
    ("sku", pa.string()),
    ("order_id", pa.int64()),
    ("change", pa.int32()),
    ("reason", pa.string()),
    ("moved_at", pa.timestamp("us", tz="UTC")),
]
OURS = [
    ("_op", pa.string()),
    ("_commit_lsn", pa.int64()),
    ("_ordinal", pa.int64()),
    ("_commit_at", pa.timestamp("us", tz="UTC")),
    ("_xid", pa.int64()),
    ("_unchanged", pa.list_(pa.string())),
    ("_load_id", pa.string()),
]


def change(op: str, lsn: int, ordinal: int = 0, unchanged: tuple[str, ...] = (), **row: Any) -> dict[str, Any]:
    """Make a change of a database's row, committed at noon of the day ``lsn``."""
    place = {"_op": op, "_commit_lsn": lsn, "_ordinal": ordinal, "_commit_at": datetime(2026, 1, lsn, 12, tzinfo=UTC)}
    return row | place | {"_unchanged": list(unchanged), "_load_id": "load"}


def moved(number: int, pieces: int, reason: str, day: int) -> dict[str, Any]:
    """Make a movement of a stock."""
    at = datetime(2026, 1, day, tzinfo=UTC)
    return {"movement_id": number, "sku": "CD-1", "change": pieces, "reason": reason, "moved_at": at}


def booked(number: int, order_id: int, kind: str, amount: str) -> dict[str, Any]:
    """Make an entry of the ledger."""
    told = {"entry_id": number, "order_id": order_id, "kind": kind, "currency": "USD"}
    return told | {"amount": Decimal(amount), "booked_at": datetime(2026, 1, 4, 12, tzinfo=UTC)}


ENTRY = [
    *((name, pa.int64()) for name in ("entry_id", "order_id")),
    *((name, pa.string()) for name in ("kind", "currency")),
    ("amount", pa.decimal128(18, 2)),
    ("booked_at", pa.timestamp("us", tz="UTC")),
]
CHANGES: dict[str, tuple[list[tuple[str, pa.DataType]], list[dict[str, Any]]]] = {
    # A table that was emptied, one whose long values weren't sent, also when the key changed.
    "pg_shop_customer_addresses": (
        ADDRESS,
        [
            change("r", 1, customer_id=9, city="Bergen", updated_at=ARRIVED),
            change("t", 2),
            change("c", 2, 1, customer_id=1, city="Oslo", state="", updated_at=ARRIVED),
            change("d", 3, customer_id=1),
            change("c", 3, 1, ("city",), customer_id=2, state="B", updated_at=ARRIVED),
            change("u", 4, 0, ("city", "state"), customer_id=2, country="Norway", updated_at=ARRIVED),
        ],
    ),
    "pg_shop_stock_movements": (
        MOVEMENT,
        [
            change("r", 1, 0, **moved(1, 5, "restock", 1)),
            change("c", 2, 0, **moved(2, -4, "sale", 2)),
            change("c", 4, 0, **moved(3, -2, "sale", 4)),
        ],
    ),
    "pg_shop_ledger": (
        ENTRY,
        [
            change("r", 1, 0, **booked(1, 1, "sale", "10.00")),
            change("c", 2, 0, **booked(2, 2, "sale", "19.47")),
            change("c", 3, 0, **booked(3, 4, "refund", "30.10")),
        ],
    ),
}


@pytest.fixture(scope="session")
def pins(settings: Settings) -> dict[str, Pin]:
    """Pin a bronze of four orders, three charges, two products and a database's changes."""
    catalogue, namespace = open_catalogue(settings), f"bronze_{uuid4().hex[:8]}"
    for table, documents in CONTENT.items():
        rows = [
            {
                "id": key,
                "version": "2026-01-10T00:00:00Z",
                "payload": orjson.dumps(document).decode(),
                "_op": "upsert",
                "_lane": "poll",
                "_api_version": "2025-10",
                "_received_at": ARRIVED,
                "_load_id": "load",
            }
            for key, document in documents.items()
        ]
        ensure_table(catalogue, f"{namespace}.{table}", DOCUMENTS).append(pa.Table.from_pylist(rows, schema=DOCUMENTS))
    for table, (columns, changes) in CHANGES.items():
        schema = pa.schema([*columns, *OURS])
        ensure_table(catalogue, f"{namespace}.{table}", schema).append(pa.Table.from_pylist(changes, schema=schema))
    return pin_tables(catalogue, namespace)


@pytest.fixture(scope="session")
def standin(settings: Settings, pins: dict[str, Pin], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a stand-in for Snowflake that has that bronze."""
    there = settings.model_copy(update={"state_dir": tmp_path_factory.mktemp("standin")})
    with standing_in(there) as running:
        with connected(running) as connection:
            copy_bronze(connection, running, pins)
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy the project of models to where a test may change it."""
    copy = tmp_path / "project"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(".cache", "logs"))
    return copy


@pytest.fixture
def fresh(standin: Settings, state_in: Callable[[Path], Path], tmp_path: Path) -> Settings:
    """Settings with a state of their own, and a database of their own in Snowflake."""
    name = f"TEST_{uuid4().hex[:8].upper()}"
    with connected(standin) as connection:
        connection.cursor().execute(f"CREATE DATABASE {name}")
    return standin.model_copy(update={"state_dir": state_in(tmp_path / "state"), "snowflake_database": name})

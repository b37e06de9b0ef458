"""An order is the same in silver and gold whichever lane brought it."""

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from lake.settings import Settings
from lake.transforms import transform
from lake.warehouse import WAREHOUSE, read_gold

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported
Warehouses = Callable[[str], Settings]
Document = tuple[str, str, dict[str, Any] | None]

SHOP = ("gid://shopify/Shop/1", "2026-01-01T00:00:00Z", {"name": "Shop", "ianaTimezone": "America/New_York"})
ORDER, MADE, CHANGED = "gid://shopify/Order/7", "2026-01-02T03:00:00Z", "2026-01-02T04:00:00Z"


def bag(shown: str, amount: str) -> dict[str, Any]:
    """Write an amount in dollars, shown in euros, as GraphQL does."""
    return {
        "shopMoney": {"amount": amount, "currencyCode": "USD"},
        "presentmentMoney": {"amount": shown, "currencyCode": "EUR"},
    }


def price(name: str, shown: str, amount: str) -> dict[str, Any]:
    """Write an amount in dollars, shown in euros, as REST does."""
    return {
        name: amount,
        f"{name}_set": {
            "shop_money": {"amount": amount, "currency_code": "USD"},
            "presentment_money": {"amount": shown, "currency_code": "EUR"},
        },
    }


def read(version: str) -> Document:
    """The order as the Admin API gives it: two pieces, one given back."""
    line = {
        "id": "gid://shopify/LineItem/1",
        "title": "A",
        "sku": "a",
        "quantity": 2,
        "product": {"id": "gid://shopify/Product/3"},
        "variant": {"id": "gid://shopify/ProductVariant/4"},
        "originalUnitPriceSet": bag("5.40", "6.00"),
        "discountedTotalSet": bag("9.90", "11.00"),
    }
    payload: dict[str, Any] = {
        "id": ORDER,
        "legacyResourceId": "7",
        "name": "#1007",
        "createdAt": MADE,
        "processedAt": MADE,
        "updatedAt": version,
        "cancelledAt": None,
        "closedAt": version,
        "test": False,
        "sourceName": "web",
        "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "displayFulfillmentStatus": "UNFULFILLED",
        "currencyCode": "USD",
        "presentmentCurrencyCode": "EUR",
        "customer": {"id": "gid://shopify/Customer/5"},
        "subtotalPriceSet": bag("9.90", "11.00"),
        "totalPriceSet": bag("12.60", "14.00"),
        "totalTaxSet": bag("0.90", "1.00"),
        "totalDiscountsSet": bag("0.90", "1.00"),
        "totalShippingPriceSet": bag("1.80", "2.00"),
        "totalRefundedSet": bag("4.95", "5.50"),
        "transactions": [],
        "lineItems": {"edges": [{"node": line}]},
    }
    return ORDER, version, payload


def told(version: str) -> Document:
    """The same order as a webhook tells of it, in the shop's time."""
    updated = "2026-01-01T22:00:00-05:00" if version == MADE else "2026-01-01T23:00:00-05:00"
    given_back = {"kind": "refund", "status": "success", "amount": "5.50", "currency": "USD"}
    line = {"id": 1, "title": "A", "sku": "a", "quantity": 2, "product_id": 3, "variant_id": 4}
    payload: dict[str, Any] = {
        "id": 7,
        "admin_graphql_api_id": ORDER,
        "name": "#1007",
        "created_at": "2026-01-01T22:00:00-05:00",
        "processed_at": "2026-01-01T22:00:00-05:00",
        "updated_at": updated,
        "cancelled_at": None,
        "closed_at": updated,
        "test": False,
        "source_name": "web",
        "financial_status": "partially_refunded",
        "fulfillment_status": None,
        "currency": "USD",
        "presentment_currency": "EUR",
        "customer": {"id": 5},
        **price("subtotal_price", "9.90", "11.00"),
        **price("total_price", "12.60", "14.00"),
        **price("total_tax", "0.90", "1.00"),
        **price("total_discounts", "0.90", "1.00"),
        "total_shipping_price_set": price("shipping", "1.80", "2.00")["shipping_set"],
        "refunds": [{"id": 1, "transactions": [given_back]}],
        "line_items": [line | price("price", "5.40", "6.00") | price("total_discount", "0.90", "1.00")],
    }
    return ORDER, version, payload


def rows(settings: Settings, table: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.state_dir / WAREHOUSE), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM silver.{table} ORDER BY ALL").fetchall()


def test_an_order_is_the_same_whichever_lane_brought_it(bronze: Any, built_warehouse_in: Warehouses) -> None:
    settings = built_warehouse_in("lanes")
    bronze.load("shopify_shop", [SHOP])
    bronze.load("shopify_orders", [told(MADE)], lane="webhook")
    transform(settings, bronze.pins())
    orders, lines = rows(settings, "stg_shopify_orders"), rows(settings, "stg_shopify_order_lines")
    facts = read_gold(settings, "fact_orders").to_pylist()
    assert [(str(fact["net_amount"]), str(fact["gross_amount"]), fact["units"]) for fact in facts] == [
        ("11.00", "12.00", 2)
    ]

    bronze.load("shopify_orders", [read(MADE)])
    transform(settings, bronze.pins())
    assert rows(settings, "stg_shopify_orders") == orders
    assert rows(settings, "stg_shopify_order_lines") == lines
    assert read_gold(settings, "fact_orders").to_pylist() == facts

    later = {**(read(CHANGED)[2] or {}), "displayFinancialStatus": "REFUNDED"}
    bronze.load("shopify_orders", [(ORDER, CHANGED, later)])
    bronze.load("shopify_orders", [told(CHANGED)], lane="webhook")
    transform(settings, bronze.pins())
    assert [fact["payment_status"] for fact in read_gold(settings, "fact_orders").to_pylist()] == ["refunded"]

    bronze.load("shopify_orders", [(ORDER, CHANGED, None)], lane="webhook")
    transform(settings, bronze.pins())
    assert rows(settings, "stg_shopify_orders") == []

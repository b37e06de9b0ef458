"""What a small shop said, table by table: the sandbox's documents, and rows of every table of its database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from infra.sandbox.shop import Shop
from infra.sandbox.shopify.admin import Admin
from infra.sandbox.stripe.lists import RESOURCES as STRIPE
from lake.warehouse import bronze_columns
from pipelines.shopify.resources import RESOURCES as SHOPIFY

Document = dict[str, Any]
AT = datetime(2026, 1, 1, tzinfo=UTC)
_DAY = 86_400
SHOP = {"name": "Shop", "currencyCode": "USD", "ianaTimezone": "America/New_York"}
TYPES = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "decimal(18, 2)": pa.decimal128(18, 2),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "text[]": pa.list_(pa.string()),
}


def documents_of(folder: Path, most: int = 9) -> dict[str, dict[str, Document]]:
    """Give every bronze table of documents some, by their ids."""
    shop = Shop(1997, 40)
    admin = Admin(shop, folder, "plus")
    found = {"shopify_shop": {"gid://shopify/Shop/1": SHOP}}
    for resource in SHOPIFY:
        asked = {"first": most, "nested": 5, "location": next(iter(found.get("shopify_locations", ())), "")}
        answer = admin.executor.execute(resource.query, asked, None, "127.0.0.1")
        data = answer["data"]["location"] if resource.below else answer["data"]
        found[resource.table] = {node["id"]: node for node in _nodes(data[resource.name])}
    for name, listed in STRIPE.items():
        numbers = np.asarray(list(listed.numbers(shop))[:most], np.int64)
        made = listed.make(shop, numbers) if len(numbers) else []
        found[f"stripe_{name.replace('/', '_')}"] = {one["id"]: one for one in made}
    _fill_lists(found)
    _pay_out(found["stripe_payouts"], found["stripe_balance_transactions"])
    charges = list(found["stripe_charges"].values())
    found["stripe_refunds"] = {f"re_{place}": _refund(place, one) for place, one in enumerate(charges)}
    found["stripe_events"] = {f"evt_{place}": _event(place, one) for place, one in enumerate(charges)}
    return found


def changes_of(table: str, keys: range, op: str, lsn: int, ids: Mapping[str, list[str]]) -> pa.Table:
    """Give rows of a table of the shop's database, as one transaction changed them; ``ids`` are there to refer to."""
    columns = bronze_columns()[table]
    key = next(iter(columns))
    rows = [
        {name: _value(name, kind, place, lsn, ids) for name, kind in columns.items()}
        | {"_op": op, "_commit_lsn": lsn, "_ordinal": place, "_xid": lsn, "_unchanged": [], "_load_id": f"load {lsn}"}
        | {key: _value(key, columns[key], place, 0, ids), "_commit_at": AT + timedelta(hours=lsn)}
        for place in keys
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, TYPES[kind]) for name, kind in columns.items()]))


def _nodes(connection: Any) -> list[Document]:
    nodes = connection["nodes"] if "nodes" in connection else [edge["node"] for edge in connection["edges"]]
    return list(nodes)


def _fill_lists(found: dict[str, dict[str, Document]]) -> None:
    """Put into the documents what the sandbox's plain history lacks: refunds, discounts, taxes, lines and items."""
    for place, order in enumerate(found["shopify_orders"].values()):
        line = order["lineItems"]["edges"][0]["node"]
        line["isGiftCard"] = place % 4 == 0
        sold = {name: line[name] for name in ("id", "isGiftCard")}
        money = {"subtotalSet": line["originalUnitPriceSet"], "lineItem": sold, "quantity": 1}
        refunded = {"id": f"gid://shopify/RefundLineItem/{place}", "restocked": True, **money}
        refund = {"id": f"gid://shopify/Refund/{place}", "createdAt": order["createdAt"]}
        sent = {"subtotalAmountSet": _dollars(place), "taxAmountSet": _dollars(1)}
        nested = {"refundLineItems": refunded, "refundShippingLines": sent}
        order["refunds"] = [refund | {name: {"edges": [{"node": node}]} for name, node in nested.items()}]
        prices = {"originalPriceSet": _dollars(9), "discountedPriceSet": _dollars(9 - place % 3)}
        order["shippingLines"] = {"edges": [{"node": {"id": f"gid://shopify/ShippingLine/{place}", **prices}}]}
        order["taxLines"] = [{"title": "VAT", "rate": 0.2, "priceSet": _dollars(place)}]
        discount = {"__typename": "DiscountCodeApplication", "index": 0, "targetType": "LINE_ITEM", "code": "TEN"}
        order["discountApplications"] = {"edges": [{"node": discount}]}
        line["discountAllocations"] = [{"allocatedAmountSet": _dollars(place), "discountApplication": {"index": 0}}]
    subscriptions, monthly = list(found["stripe_subscriptions"]), next(iter(found["stripe_prices"]))
    for place, invoice in enumerate(found["stripe_invoices"].values()):
        line = {"id": f"il_{place}", "amount": 100 + place, "currency": "usd", "quantity": 1}
        whose = subscriptions[place % len(subscriptions)]
        billed = {"subscription_item": f"si_{whose}", "subscription": whose, "proration": False}
        period = {"start": invoice["created"], "end": invoice["created"] + 31 * 86_400}
        line |= {"parent": {"subscription_item_details": billed}, "period": period, "price": {"id": monthly}}
        invoice["lines"] = {"data": [line]}
    for place, (name, subscription) in enumerate(found["stripe_subscriptions"].items()):
        price = {"id": monthly, "unit_amount": 100, "currency": "usd", "recurring": {"interval": "month"}}
        subscription["items"] = {"data": [{"id": f"si_{name}", "price": price, "quantity": 1 + place}]}


def _pay_out(payouts: dict[str, Document], movements: dict[str, Document]) -> None:
    """Add a payout a day, of which one failed and came back, one was made by hand and one had something held back."""
    first = next(iter(payouts.values()))
    for place in range(1, 8):
        made = {"created": first["created"] + place * _DAY, "status": "failed" if place == 2 else "paid"}
        payouts[f"po_{place}"] = first | made | {"id": f"po_{place}", "automatic": place != 4}
    told = [
        *(("adjustment", f"adj_{place}", place) for place in range(1, 7)),
        *(("payout", "po_2", 2), ("payout_failure", "po_2", 3), ("payout", "po_4", 4)),
        *(("payout_minimum_balance_hold", "po_5", 5), ("payout_minimum_balance_release", "po_5", 5)),
    ]
    for place, (kind, source, day) in enumerate(told):
        money = {"amount": 100 + place, "fee": 0, "net": 100 + place, "currency": "usd", "status": "available"}
        at = first["created"] + day * _DAY - (_DAY // 2 if kind == "adjustment" else 0)
        about = {"id": f"txn_{place}", "type": kind, "reporting_category": kind, "source": source}
        movements[f"txn_{place}"] = about | money | {"available_on": at, "created": at}


def _dollars(amount: int) -> Document:
    return {"shopMoney": {"amount": f"{amount}.00", "currencyCode": "USD"}}


def _refund(place: int, charge: Document) -> Document:
    money = {"amount": 100 + place, "currency": "usd", "balance_transaction": charge["balance_transaction"]}
    return {"charge": charge["id"], "status": "succeeded", "reason": None, "created": 1767225600 + place, **money}


def _event(place: int, charge: Document) -> Document:
    about = {"object": {"id": charge["id"], "object": "charge"}}
    return {"type": "charge.succeeded", "data": about, "created": 1767225600 + place, "livemode": True}


def _value(name: str, kind: str, place: int, lsn: int, ids: Mapping[str, list[str]]) -> Any:
    """Make a value of a type that is another one for each row and transaction, or refers to what there is."""
    if name in ids:
        known = ids[name][place % len(ids[name])]
        return known if kind == "text" else int(known)
    if kind == "timestamptz":
        return AT + timedelta(hours=10 * lsn + place)
    made: dict[str, Any] = {"text": f"{name} {place} {lsn}", "boolean": place % 2 == 0, "double": place / 4}
    return made.get(kind, Decimal(10 * lsn + place) if "decimal" in kind else 10 * lsn + place)

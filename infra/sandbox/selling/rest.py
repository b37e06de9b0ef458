"""Orders and refunds as Shopify's webhooks carry them: the shape of its REST Admin API."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from infra.sandbox.credentials import SHOP_DOMAIN
from infra.sandbox.history import ZONE
from infra.sandbox.identifiers import gid, legacy_id, stripe_id
from infra.sandbox.people import Address, Name
from infra.sandbox.selling.baskets import Basket, Line
from infra.sandbox.selling.currencies import written
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.sold import REFUND_TRANSACTION

Body = dict[str, Any]

_ORDER: Body = {
    "app_id": 580_111,
    "buyer_accepts_marketing": False,
    "closed_at": None,
    "confirmed": True,
    "customer_locale": "en",
    "discount_applications": [],
    "discount_codes": [],
    "estimated_taxes": False,
    "fulfillment_status": None,
    "fulfillments": [],
    "note": None,
    "note_attributes": [],
    "payment_gateway_names": ["stripe"],
    "payment_terms": None,
    "phone": None,
    "shipping_lines": [],
    "source_name": "web",
    "tags": "",
    "tax_exempt": False,
    "tax_lines": [],
    "taxes_included": False,
    "test": False,
    "total_discounts": "0.00",
    "total_outstanding": "0.00",
    "total_tax": "0.00",
    "total_tip_received": "0.00",
    "total_weight": 0,
}


def stamp(at: int) -> str:
    """Write a time as the REST API does: in the shop's zone, with its offset."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZONE).isoformat()


def order_body(shop: Shop, basket: Basket) -> Body:
    """Make an order as it is now."""
    sale = basket.sale
    buyer = np.array([sale.customer])
    name, home = shop.names(buyer)[0], shop.addresses(buyer)[0]
    address, mark = _address(name, home), stripe_id("pm", sale.number)
    changed, created = stamp(sale.updated), stamp(sale.created)
    left = (sale.cents - basket.refund_cents, basket.shown - basket.refund_shown)
    return {
        **_ORDER,
        "id": legacy_id("Order", sale.number),
        "admin_graphql_api_id": gid("Order", sale.number),
        "billing_address": address,
        "cancel_reason": "customer" if basket.cancelled else None,
        "cancelled_at": changed if basket.cancelled else None,
        "confirmation_number": mark[-9:].upper(),
        "contact_email": name.email,
        "created_at": created,
        "currency": "USD",
        **_price("current_subtotal_price", *left, sale.currency),
        **_price("current_total_price", *left, sale.currency),
        "customer": _customer(shop, sale.customer, name, address),
        "email": name.email,
        "financial_status": basket.financial_status,
        "line_items": [_line(shop, basket, line) for line in basket.lines],
        "name": f"#{1001 + sale.number}",
        "number": 1 + sale.number,
        "order_number": 1001 + sale.number,
        "order_status_url": f"https://{SHOP_DOMAIN}/orders/{mark[-14:]}/authenticate",
        "presentment_currency": sale.currency,
        "processed_at": created,
        "refunds": [refund_body(shop, basket)] if sale.changed else [],
        "shipping_address": address,
        **_price("subtotal_price", sale.cents, basket.shown, sale.currency),
        **_price("total_line_items_price", sale.cents, basket.shown, sale.currency),
        **_price("total_price", sale.cents, basket.shown, sale.currency),
        **{f"{kind}_set": _money(0, 0, sale.currency) for kind in _NOTHING},
        "updated_at": changed,
    }


_NOTHING = ("total_discounts", "total_shipping_price", "total_tax")


def refund_body(shop: Shop, basket: Basket) -> Body:
    """Make an order's refund; its transaction is in the shop's currency."""
    sale, at = basket.sale, stamp(basket.sale.changed)
    transaction = {
        "id": legacy_id("OrderTransaction", sale.number + REFUND_TRANSACTION),
        "admin_graphql_api_id": gid("OrderTransaction", sale.number + REFUND_TRANSACTION),
        "order_id": legacy_id("Order", sale.number),
        "parent_id": legacy_id("OrderTransaction", sale.number),
        "kind": "refund",
        "status": "success",
        "gateway": "stripe",
        "amount": written(basket.refund_cents, "USD"),
        "currency": "USD",
        "test": False,
        "created_at": at,
        "processed_at": at,
    }
    return {
        "id": legacy_id("Refund", sale.number),
        "admin_graphql_api_id": gid("Refund", sale.number),
        "order_id": legacy_id("Order", sale.number),
        "created_at": at,
        "processed_at": at,
        "note": None,
        "user_id": None,
        "order_adjustments": [],
        "transactions": [transaction],
        "refund_line_items": [_returned(shop, basket, line, units) for line, units in basket.returned],
    }


def _returned(shop: Shop, basket: Basket, line: Line, units: int) -> Body:
    sale = basket.sale
    return {
        "id": legacy_id("RefundLineItem", 2 * sale.number + line.place),
        "line_item_id": legacy_id("LineItem", 2 * sale.number + line.place),
        "quantity": units,
        "restock_type": "cancel" if basket.cancelled else "no_restock",
        **_price("subtotal", line.price * units, line.shown * units, sale.currency),
        "total_tax": "0.00",
        "line_item": _line(shop, basket, line),
    }


def _line(shop: Shop, basket: Basket, line: Line) -> Body:
    product, number = shop.products[line.product], 2 * basket.sale.number + line.place
    gone = sum(units for returned, units in basket.returned if returned is line)
    return {
        "id": legacy_id("LineItem", number),
        "admin_graphql_api_id": gid("LineItem", number),
        "current_quantity": line.units - gone,
        "discount_allocations": [],
        "fulfillable_quantity": line.units - gone,
        "fulfillment_status": None,
        "gift_card": False,
        "grams": 0,
        "name": product.title,
        **_price("price", line.price, line.shown, basket.sale.currency),
        "product_exists": True,
        "product_id": legacy_id("Product", line.product),
        "properties": [],
        "quantity": line.units,
        "requires_shipping": True,
        "sku": product.sku,
        "tax_lines": [],
        "taxable": True,
        "title": product.title,
        "total_discount": "0.00",
        "total_discount_set": _money(0, 0, basket.sale.currency),
        "variant_id": legacy_id("ProductVariant", line.product),
        "variant_title": None,
        "vendor": product.label,
    }


def _customer(shop: Shop, customer: int, name: Name, address: Body) -> Body:
    rows = shop.customers(np.array([customer]))
    return {
        "id": legacy_id("Customer", customer),
        "admin_graphql_api_id": gid("Customer", customer),
        "created_at": stamp(int(rows.created[0])),
        "updated_at": stamp(int(rows.updated[0])),
        "currency": "USD",
        "default_address": address,
        "email": name.email,
        "first_name": name.first,
        "last_name": name.last,
        "note": None,
        "phone": None,
        "state": "disabled",
        "tags": "",
        "tax_exempt": False,
        "verified_email": True,
    }


def _address(name: Name, home: Address) -> Body:
    return {
        "first_name": name.first,
        "last_name": name.last,
        "name": name.full,
        "company": None,
        "address1": home.street,
        "address2": None,
        "city": home.city,
        "province": home.state,
        "province_code": home.state_code,
        "country": "United States",
        "country_code": "US",
        "zip": home.postal_code,
        "phone": None,
    }


def _price(name: str, cents: int, smallest: int, currency: str) -> Body:
    return {name: written(cents, "USD"), f"{name}_set": _money(cents, smallest, currency)}


def _money(cents: int, smallest: int, currency: str) -> Body:
    return {
        "shop_money": {"amount": written(cents, "USD"), "currency_code": "USD"},
        "presentment_money": {"amount": written(smallest, currency), "currency_code": currency},
    }

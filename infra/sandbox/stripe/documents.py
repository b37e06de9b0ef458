"""Stripe's objects, complete, as API version 2025-03-31.basil has them."""

from typing import Any

from infra.sandbox.identifiers import legacy_id, stripe_id
from infra.sandbox.noise import Ints
from infra.sandbox.people import Address, Card, Name
from infra.sandbox.shop import Shop

Document = dict[str, Any]

DISPUTED = (5, 997)
"""The first order of the past that was disputed, and how far the next one is."""
AVAILABLE_IN = 2 * 86_400
"""Seconds until what was charged can be paid out."""
_CHARGE: Document = {
    "object": "charge",
    "application": None,
    "application_fee": None,
    "application_fee_amount": None,
    "amount_refunded": 0,
    "calculated_statement_descriptor": "BOATHOUSE SANDBOX",
    "captured": True,
    "currency": "usd",
    "destination": None,
    "dispute": None,
    "disputed": False,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "fraud_details": {},
    "livemode": False,
    "on_behalf_of": None,
    "outcome": {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "Payment complete.",
        "type": "authorized",
    },
    "paid": True,
    "receipt_number": None,
    "receipt_url": None,
    "refunded": False,
    "review": None,
    "shipping": None,
    "source": None,
    "source_transfer": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "status": "succeeded",
    "transfer_data": None,
    "transfer_group": None,
}
_CARD: Document = {
    "checks": {"address_line1_check": "pass", "address_postal_code_check": "pass", "cvc_check": "pass"},
    "country": "US",
    "extended_authorization": {"status": "disabled"},
    "funding": "credit",
    "incremental_authorization": {"status": "unavailable"},
    "installments": None,
    "mandate": None,
    "multicapture": {"status": "unavailable"},
    "overcapture": {"status": "unavailable"},
    "regulated_status": "unregulated",
    "three_d_secure": None,
    "wallet": None,
}
_CUSTOMER: Document = {
    "object": "customer",
    "balance": 0,
    "currency": "usd",
    "default_source": None,
    "delinquent": False,
    "description": None,
    "discount": None,
    "invoice_settings": {
        "custom_fields": None,
        "default_payment_method": None,
        "footer": None,
        "rendering_options": None,
    },
    "livemode": False,
    "phone": None,
    "preferred_locales": ["en-US"],
    "shipping": None,
    "tax_exempt": "none",
    "test_clock": None,
}


def fee(cents: int) -> int:
    """Compute Stripe's standard fee on a card payment, in cents: 2.9 % and 30 cents, half a cent rounded up."""
    return (cents * 29 + 500) // 1000 + 30


def charges(shop: Shop, orders: Ints) -> list[Document]:
    """Make the charges of these orders, all of which must have a value."""
    rows = shop.orders(orders)
    columns = zip(
        orders.tolist(),
        rows.customer.tolist(),
        rows.cents.tolist(),
        rows.created.tolist(),
        shop.names(rows.customer),
        shop.addresses(rows.customer),
        shop.cards(rows.customer),
        strict=True,
    )
    return [charge(*row) for row in columns]


def charge(order: int, customer: int, cents: int, created: int, name: Name, home: Address, card: Card) -> Document:
    """Make the charge of one order, under the order's number."""
    number = f"#{1001 + order}"
    return {
        "id": stripe_id("ch", order),
        **_CHARGE,
        "amount": cents,
        "amount_captured": cents,
        "balance_transaction": stripe_id("txn", order),
        "billing_details": {
            "address": _address(home),
            "email": name.email,
            "name": name.full,
            "phone": None,
            "tax_id": None,
        },
        "created": created,
        "customer": stripe_id("cus", customer),
        "description": f"Order {number}",
        "disputed": order % DISPUTED[1] == DISPUTED[0],
        "metadata": {"order_id": str(legacy_id("Order", order)), "order_name": number},
        "payment_intent": stripe_id("pi", order),
        "payment_method": stripe_id("pm", customer),
        "payment_method_details": {"card": _card(card, customer, cents, order), "type": "card"},
        "receipt_email": name.email,
    }


def _card(card: Card, customer: int, cents: int, order: int) -> Document:
    mark = stripe_id("pm", customer)
    return {
        **_CARD,
        "amount_authorized": cents,
        "authorization_code": f"{order % 1_000_000:06d}",
        "brand": card.brand,
        "exp_month": card.month,
        "exp_year": card.year,
        "fingerprint": mark[-14:],
        "last4": card.last4,
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": f"{order:015d}",
    }


def _address(home: Address) -> Document:
    return {
        "city": home.city,
        "country": "US",
        "line1": home.street,
        "line2": None,
        "postal_code": home.postal_code,
        "state": home.state_code,
    }


def balance_transactions(shop: Shop, orders: Ints) -> list[Document]:
    """Make the balance transactions of the charges of these orders."""
    rows = shop.orders(orders)
    columns = zip(orders.tolist(), rows.cents.tolist(), rows.created.tolist(), strict=True)
    return [balance_transaction(*row) for row in columns]


def balance_transaction(order: int, cents: int, created: int) -> Document:
    """Make the balance transaction of one order's charge, under the order's number."""
    taken = fee(cents)
    detail = {
        "amount": taken,
        "application": None,
        "currency": "usd",
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return {
        "id": stripe_id("txn", order),
        "object": "balance_transaction",
        "amount": cents,
        "available_on": created + AVAILABLE_IN,
        "balance_type": "payments",
        "created": created,
        "currency": "usd",
        "description": f"Order #{1001 + order}",
        "exchange_rate": None,
        "fee": taken,
        "fee_details": [detail],
        "net": cents - taken,
        "reporting_category": "charge",
        "source": stripe_id("ch", order),
        "status": "available",
        "type": "charge",
    }


def customers(shop: Shop, index: Ints) -> list[Document]:
    """Make the customers with these numbers."""
    columns = zip(
        index.tolist(),
        shop.customers(index).created.tolist(),
        shop.names(index),
        shop.addresses(index),
        strict=True,
    )
    return [_customer(*row) for row in columns]


def _customer(index: int, created: int, name: Name, home: Address) -> Document:
    return {
        "id": stripe_id("cus", index),
        **_CUSTOMER,
        "address": _address(home),
        "created": created,
        "email": name.email,
        "invoice_prefix": stripe_id("cus", index)[-8:].upper(),
        "metadata": {"shopify_customer_id": str(legacy_id("Customer", index))},
        "name": name.full,
        "next_invoice_sequence": 1,
    }

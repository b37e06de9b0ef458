"""What the sales since the past have led to in the Stripe account: charges, refunds, movements and events."""

from collections.abc import Callable

import numpy as np

from infra.sandbox.identifiers import legacy_id, stripe_id
from infra.sandbox.noise import Ints
from infra.sandbox.selling.account import Charge, Movement
from infra.sandbox.selling.baskets import Basket, baskets
from infra.sandbox.selling.currencies import rate
from infra.sandbox.selling.sales import Fate
from infra.sandbox.shop import Shop
from infra.sandbox.stripe import documents
from infra.sandbox.stripe.documents import Document

VERSION = "2025-03-31.basil"
_DECLINED: Document = {
    "amount_captured": 0,
    "balance_transaction": None,
    "captured": False,
    "failure_code": "card_declined",
    "failure_message": "Your card was declined.",
    "outcome": {
        "advice_code": "try_again_later",
        "network_advice_code": None,
        "network_decline_code": "05",
        "network_status": "declined_by_network",
        "reason": "generic_decline",
        "risk_level": "normal",
        "risk_score": 21,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    },
    "paid": False,
    "status": "failed",
}


def charges(shop: Shop, numbers: Ints) -> list[Document]:
    """Make the charges with these numbers, past and sold."""
    return _both(shop, numbers, documents.charges, lambda number: charge(shop, number))


def charge(shop: Shop, number: int, *, as_made: bool = False) -> Document:
    """Make a charge of a sold order; with ``as_made`` without the refund that came later."""
    account = shop.sales.account
    about: Charge = account.charges[number - account.first]
    basket = _basket(shop, about.order)
    sale, buyer = basket.sale, np.array([basket.sale.customer])
    made = documents.charge(
        sale.number,
        sale.customer,
        basket.shown,
        sale.created,
        shop.names(buyer)[0],
        shop.addresses(buyer)[0],
        shop.cards(buyer)[0],
    )
    made |= {"id": stripe_id("ch", number), "currency": sale.currency.lower(), "disputed": basket.terms.disputed}
    if basket.terms.guest:
        made["customer"] = None
    if about.declined:
        return made | _DECLINED
    back = 0 if as_made else basket.refund_shown
    return made | {
        "amount_refunded": back,
        "balance_transaction": stripe_id("txn", account.movement_of[Movement(sale.number, refund=False)]),
        "refunded": back == basket.shown,
    }


def refunds(shop: Shop, numbers: Ints) -> list[Document]:
    """Make the refunds with these numbers."""
    return [_refund(shop, number) for number in numbers.tolist()]


def _refund(shop: Shop, number: int) -> Document:
    account = shop.sales.account
    basket = _basket(shop, account.refunds[number])
    sale = basket.sale
    return {
        "id": stripe_id("re", number),
        "object": "refund",
        "amount": basket.refund_shown,
        "balance_transaction": stripe_id("txn", account.movement_of[Movement(sale.number, refund=True)]),
        "charge": stripe_id("ch", account.charge_of[sale.number]),
        "created": sale.changed,
        "currency": sale.currency.lower(),
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "metadata": {"order_id": str(legacy_id("Order", sale.number)), "order_name": f"#{1001 + sale.number}"},
        "payment_intent": stripe_id("pi", sale.number),
        "reason": "requested_by_customer" if sale.fate is Fate.CANCELLED else None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def movements(shop: Shop, numbers: Ints) -> list[Document]:
    """Make the balance transactions with these numbers, past and sold."""
    return _both(shop, numbers, documents.balance_transactions, lambda number: _movement(shop, number))


def _movement(shop: Shop, number: int) -> Document:
    account = shop.sales.account
    about: Movement = account.movements[number - account.first]
    basket = _basket(shop, about.order)
    sale = basket.sale
    made = documents.balance_transaction(sale.number, basket.total, sale.created)
    made |= {"id": stripe_id("txn", number), "exchange_rate": rate(sale.currency), "status": "pending"}
    if not about.refund:
        return made | {"source": stripe_id("ch", account.charge_of[sale.number])}
    return made | {
        "amount": -basket.refund_cents,
        "available_on": sale.changed,
        "created": sale.changed,
        "description": f"REFUND FOR CHARGE (Order #{1001 + sale.number})",
        "fee": 0,
        "fee_details": [],
        "net": -basket.refund_cents,
        "reporting_category": "refund",
        "source": stripe_id("re", account.refund_of[sale.number]),
        "type": "refund",
    }


def events(shop: Shop, numbers: Ints) -> list[Document]:
    """Make the events with these numbers; each holds its object as it was at that time."""
    return [_event(shop, number) for number in numbers.tolist()]


def _event(shop: Shop, number: int) -> Document:
    kind, created, subject = shop.sales.account.event(number)
    if kind == "customer.created":
        about = documents.customers(shop, np.array([subject]))[0]
    elif kind == "refund.created":
        about = _refund(shop, subject)
    else:
        about = charge(shop, subject, as_made=kind != "charge.refunded")
    return {
        "id": stripe_id("evt", number),
        "object": "event",
        "api_version": VERSION,
        "created": created,
        "data": {"object": about},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def _basket(shop: Shop, order: int) -> Basket:
    return baskets(shop, np.array([order]))[0]


def _both(
    shop: Shop, numbers: Ints, past: Callable[[Shop, Ints], list[Document]], sold: Callable[[int], Document]
) -> list[Document]:
    """Make past objects many at once, sold ones one by one, in the order of ``numbers``."""
    first = shop.sales.first_order
    earlier = numbers[numbers < first]
    made = iter(past(shop, earlier) if len(earlier) else [])
    return [sold(number) if number >= first else next(made) for number in numbers.tolist()]

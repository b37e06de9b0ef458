"""What belongs to payments at Stripe beside charges: payment intents, disputes, payouts and checkout sessions."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

import numpy as np

from infra.sandbox.identifiers import stripe_id
from infra.sandbox.noise import Ints
from infra.sandbox.selling.baskets import baskets
from infra.sandbox.sequences import chained
from infra.sandbox.shop import Shop
from infra.sandbox.stripe.documents import AVAILABLE_IN, DISPUTED, Document, fee
from infra.sandbox.synthetic import Synthetic

_DAY = 86_400
_WEEK = 7 * _DAY
_SESSIONS = 50
"""Every 50th order of a synthetic past was bought through Checkout."""


def intent_numbers(shop: Shop) -> Sequence[int]:
    """List the orders with payment intents: those sold, and a synthetic past's; CDNOW's are from before."""
    past: Sequence[int] = shop.past.charged if isinstance(shop.past, Synthetic) else range(0)
    first = shop.sales.first_order
    return chained(past, range(first, first + len(shop.sales)))


def intents(shop: Shop, orders: Ints) -> list[Document]:
    """Make the payment intents of these orders."""
    rows = shop.orders(orders)
    return [
        _intent(shop, *row)
        for row in zip(orders.tolist(), rows.customer.tolist(), rows.cents.tolist(), rows.created.tolist(), strict=True)
    ]


def _intent(shop: Shop, order: int, customer: int, cents: int, created: int) -> Document:
    charge, amount, currency = order, cents, "usd"
    if order >= shop.sales.first_order:
        basket = baskets(shop, np.array([order]))[0]
        charge, amount = shop.sales.account.charge_of[order], basket.shown
        currency = basket.sale.currency.lower()
    return {
        "id": stripe_id("pi", order),
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": amount,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": stripe_id("cus", customer),
        "description": f"Order #{1001 + order}",
        "last_payment_error": None,
        "latest_charge": stripe_id("ch", charge),
        "livemode": False,
        "metadata": {"order_name": f"#{1001 + order}"},
        "payment_method": stripe_id("pm", customer),
        "payment_method_types": ["card"],
        "setup_future_usage": None,
        "status": "succeeded",
    }


def dispute_numbers(shop: Shop) -> Sequence[int]:
    """List the orders that were disputed: some of the past, and of the busy trade."""
    charged, first = shop.past.charged, shop.sales.first_order
    wanted = range(DISPUTED[0], shop.past.order_count, DISPUTED[1])
    past = [order for order in wanted if charged[bisect_left(charged, order)] == order]
    return past + [order for order in range(first, first + shop.busy) if shop.terms(order).disputed]


def disputed_at(shop: Shop, order: int) -> int:
    """Say when an order was disputed."""
    return shop.created_at(order) + 10 * _DAY


def disputes(shop: Shop, orders: Ints) -> list[Document]:
    """Make the disputes of these orders; all of them were inquiries that came to nothing."""
    return [_dispute(shop, order) for order in orders.tolist()]


def _dispute(shop: Shop, order: int) -> Document:
    created = disputed_at(shop, order)
    charge, amount, currency = order, int(shop.orders(np.array([order])).cents[0]), "usd"
    if order >= shop.sales.first_order:
        basket = baskets(shop, np.array([order]))[0]
        charge, amount = shop.sales.account.charge_of[order], basket.shown
        currency = basket.sale.currency.lower()
    return {
        "id": stripe_id("dp", order),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": stripe_id("ch", charge),
        "created": created,
        "currency": currency,
        "evidence_details": {"due_by": created + _WEEK, "has_evidence": True, "past_due": False, "submission_count": 1},
        "is_charge_refundable": True,
        "livemode": False,
        "metadata": {},
        "payment_intent": stripe_id("pi", order),
        "reason": "product_not_received" if order % 2 else "fraudulent",
        "status": "warning_closed",
    }


def payout_numbers(shop: Shop) -> Sequence[int]:
    """List the weeks of the past: what became available in each was paid out at its end."""
    last = int(shop.past.orders(np.array([shop.past.order_count - 1])).created[0]) if shop.past.order_count else 0
    ready = max([last + AVAILABLE_IN, *(at for at, _ in busy_movements(shop))])
    return range(max(0, (ready - shop.past.opened - 1) // _WEEK + 1))


@cache
def busy_movements(shop: Shop) -> list[tuple[int, int]]:
    """List what the busy trade moved of the balance: when it can be paid out, and the cents after fees."""
    moved = shop.sales.account.movements[: shop.busy_movements]
    found = baskets(shop, np.array([one.order for one in moved], np.int64)) if moved else []
    return [
        (basket.sale.changed, -basket.refund_cents)
        if one.refund
        else (basket.sale.created + AVAILABLE_IN, basket.total - fee(basket.total))
        for one, basket in zip(moved, found, strict=True)
    ]


def paid_out_at(shop: Shop, week: int) -> int:
    """Say when a week was paid out."""
    return shop.past.opened + (week + 1) * _WEEK


def payouts(shop: Shop, weeks: Ints) -> list[Document]:
    """Make the payouts of these weeks: what became available in them less what Stripe kept."""
    busy = busy_movements(shop)
    return [_payout(shop, week, busy) for week in weeks.tolist()]


def _payout(shop: Shop, week: int, busy: list[tuple[int, int]]) -> Document:
    created = paid_out_at(shop, week)
    places = range(shop.past.order_count)
    ends = (created - _WEEK - AVAILABLE_IN, created - AVAILABLE_IN)
    first, last = (bisect_right(places, at, key=shop.created_at) for at in ends)
    cents = shop.past.orders(np.arange(first, last)).cents.tolist() if last > first else []
    return {
        "id": stripe_id("po", week),
        "object": "payout",
        "amount": sum(one - fee(one) for one in cents if one)
        + sum(net for at, net in busy if created - _WEEK < at <= created),
        "arrival_date": created + 2 * _DAY,
        "automatic": True,
        "balance_transaction": None,
        "created": created,
        "currency": "usd",
        "description": "STRIPE PAYOUT",
        "destination": stripe_id("ba", 0),
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "completed",
        "source_type": "card",
        "statement_descriptor": datetime.fromtimestamp(created, UTC).strftime("WEEK %G-%V"),
        "status": "paid",
        "type": "bank_account",
    }


def session_numbers(shop: Shop) -> Sequence[int]:
    """List the orders that were bought through Checkout."""
    return range(0, shop.past.order_count, _SESSIONS) if isinstance(shop.past, Synthetic) else range(0)


def sessions(shop: Shop, orders: Ints) -> list[Document]:
    """Make the checkout sessions of these orders, with their line items."""
    rows = shop.orders(orders)
    lines = shop.lines(rows)
    return [
        _session(shop, order, customer, created, split)
        for order, customer, created, *split in zip(
            orders.tolist(),
            rows.customer.tolist(),
            rows.created.tolist(),
            *(column.tolist() for column in lines),
            strict=True,
        )
    ]


def _session(shop: Shop, order: int, customer: int, created: int, split: list[int]) -> Document:
    items = [_item(shop, 2 * order + place, *part) for place, part in enumerate((split[:3], split[3:])) if part[1]]
    total = sum(item["amount_total"] for item in items)
    return {
        "id": stripe_id("cs", order),
        "object": "checkout.session",
        "amount_subtotal": total,
        "amount_total": total,
        "client_reference_id": f"#{1001 + order}",
        "created": created,
        "currency": "usd",
        "customer": stripe_id("cus", customer),
        "expires_at": created + _DAY,
        "invoice": None,
        "line_items": items,
        "livemode": False,
        "metadata": {"order_name": f"#{1001 + order}"},
        "mode": "payment",
        "payment_intent": stripe_id("pi", order),
        "payment_status": "paid",
        "status": "complete",
        "subscription": None,
        "url": None,
    }


def _item(shop: Shop, number: int, product: int, units: int, price: int) -> Document:
    return {
        "id": stripe_id("li", number),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": units * price,
        "amount_tax": 0,
        "amount_total": units * price,
        "currency": "usd",
        "description": shop.products[product].title,
        "price": None,
        "quantity": units,
    }

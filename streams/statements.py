"""What an event says about an order or a refund, in the words of gold."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NamedTuple

import msgspec

from lake.bus import Event
from lake.errors import DocumentError
from lake.live.windows import CENT, COUNT, REFUNDED, Values, minute_of
from streams.currencies import exponent_of

MOST = Decimal(10) ** 16
"""What fits gold's DECIMAL(18, 2)."""


class Statement(NamedTuple):
    """One version of one thing: ``values`` count in the window of ``minute`` and ``currency``; None counts nowhere.

    ``happened_at`` is when the version came to be, which tells how late the event is.
    """

    key: str
    version: str
    minute: datetime
    currency: str
    values: Values | None
    happened_at: datetime


class _Money(msgspec.Struct):
    amount: Decimal


class _MoneySet(msgspec.Struct):
    shop_money: _Money


class _Tax(msgspec.Struct):
    price: Decimal | None = None
    price_set: _MoneySet | None = None


class _Line(msgspec.Struct):
    quantity: int = 0
    price: Decimal | None = None
    price_set: _MoneySet | None = None
    tax_lines: list[_Tax] | None = None


class _Order(msgspec.Struct):
    """The part of a REST order that counts (shopify.dev, REST Admin, Order)."""

    id: int
    created_at: datetime | None = None
    processed_at: datetime | None = None
    updated_at: datetime | None = None
    currency: str = ""
    subtotal_price: Decimal | None = None
    total_discounts: Decimal | None = None
    total_tax: Decimal | None = None
    taxes_included: bool | None = False
    subtotal_price_set: _MoneySet | None = None
    total_discounts_set: _MoneySet | None = None
    total_tax_set: _MoneySet | None = None
    test: bool | None = False
    line_items: list[_Line] = []


class _StripeObject(msgspec.Struct):
    object: str = ""
    id: str = ""
    amount: int | None = None
    currency: str = ""
    created: int | None = None
    status: str | None = ""


class _StripeData(msgspec.Struct):
    object: _StripeObject


class _StripeEvent(msgspec.Struct):
    """The part of an event that counts (docs.stripe.com/api/events/object)."""

    created: int
    data: _StripeData


_decode_order = msgspec.json.Decoder(_Order).decode
_decode_stripe = msgspec.json.Decoder(_StripeEvent).decode


def statement_of(event: Event) -> Statement | None:
    """Read what an event says; None when it is about something that no live metric counts.

    Raises DocumentError with the reason when it can't be read.
    """
    try:
        event.body.decode()
        if event.source == "shopify":
            return _of_order(event) if is_order(event.topic) else None
        if event.source == "stripe":
            return _of_stripe(event)
    except (msgspec.DecodeError, InvalidOperation, OverflowError, ValueError) as error:
        raise DocumentError(f"The {event.topic} event can't be read: {error}") from error
    raise DocumentError(f"The event comes from '{event.source}', which is no vendor here ({event.topic}).")


def is_order(topic: str) -> bool:
    """Say whether a Shopify topic brings an order; ``orders/edited`` brings the edit only."""
    return topic.startswith("orders/") and topic != "orders/edited"


def version_text(at: datetime) -> str:
    """Write a version as bronze does: ISO 8601 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_order(event: Event) -> Statement:
    order = _decode_order(event.body)
    key = f"order {order.id}"
    # The topic isn't signed: only a body without a version can be a deletion's.
    if event.topic == "orders/delete" and order.updated_at is None:
        at = (event.triggered_at or event.received_at).astimezone(UTC)
        return Statement(key, version_text(at), minute_of(at), "", None, at)
    counted_at, version = order.processed_at or order.created_at, order.updated_at
    if counted_at is None or version is None or None in (counted_at.tzinfo, version.tzinfo):
        raise ValueError("created_at and updated_at must be there, with their offsets")
    net, discount = _goods(order)
    values = {
        COUNT: Decimal(1),
        "units": Decimal(sum(line.quantity for line in order.line_items)),
        "gross_amount": net + discount,
        "net_amount": net,
    }
    counts = None if order.test else values
    # Bytewax takes no time but in UTC itself; a shop's webhooks have the shop's offset.
    happened_at = version.astimezone(UTC)
    return Statement(key, version_text(version), minute_of(counted_at), _code(order.currency), counts, happened_at)


def _goods(order: _Order) -> tuple[Decimal, Decimal]:
    """Give the goods after discounts and what was taken off them, as silver does (``stg_shopify_orders``).

    Shipping's discounts don't count, nor does the tax that prices hold.
    """
    subtotal = _amount("subtotal_price", order.subtotal_price_set, order.subtotal_price)
    discount = _amount("total_discounts", order.total_discounts_set, order.total_discounts or Decimal(0))
    prices = [(line.price_set, line.price, line.quantity) for line in order.line_items]
    if prices and all(known or price is not None for known, price, _ in prices):
        goods = sum((_amount("price", known, price) * units for known, price, units in prices), Decimal(0))
        discount = min(discount, goods - subtotal)
    discount = max(discount, Decimal(0))
    tax = _held_tax(order, subtotal) if order.taxes_included else Decimal(0)
    return subtotal - tax, _cents(discount * (subtotal - tax) / subtotal) if tax else discount


def _held_tax(order: _Order, subtotal: Decimal) -> Decimal:
    """Give the tax within the price of the goods, which is no more than the order's."""
    taxes = [tax for line in order.line_items for tax in line.tax_lines or ()]
    on_goods = sum((_amount("price", tax.price_set, tax.price) for tax in taxes), Decimal(0))
    return min(on_goods, _amount("total_tax", order.total_tax_set, order.total_tax or Decimal(0)), subtotal)


def _of_stripe(event: Event) -> Statement | None:
    said = _decode_stripe(event.body)
    refund = said.data.object
    if refund.object != "refund":
        return None
    if not refund.id or refund.amount is None or refund.created is None:
        raise ValueError("a refund must have its id, amount and time")
    at, currency = datetime.fromtimestamp(said.created, UTC), _code(refund.currency)
    amount = _cents(Decimal(refund.amount).scaleb(-exponent_of(currency)))
    values = {REFUNDED: amount} if refund.status == "succeeded" else None
    minute = minute_of(datetime.fromtimestamp(refund.created, UTC))
    return Statement(f"refund {refund.id}", version_text(at), minute, currency, values, at)


def _amount(name: str, money: _MoneySet | None, plain: Decimal | None) -> Decimal:
    amount = money.shop_money.amount if money else plain
    if amount is None:
        raise ValueError(f"{name} must be there")
    return _cents(amount)


def _cents(amount: Decimal) -> Decimal:
    if not amount.is_finite() or abs(amount) >= MOST:
        raise ValueError(f"{amount} is no amount")
    return amount.quantize(CENT, ROUND_HALF_UP)


def _code(currency: str) -> str:
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise ValueError(f"'{currency[:12]}' is no currency")
    return currency.upper()

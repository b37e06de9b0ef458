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


class _Allocation(msgspec.Struct):
    amount: Decimal | None = None
    amount_set: _MoneySet | None = None


class _Line(msgspec.Struct):
    quantity: int = 0
    gift_card: bool | None = False
    price: Decimal | None = None
    price_set: _MoneySet | None = None
    total_discount: Decimal | None = None
    total_discount_set: _MoneySet | None = None
    discount_allocations: list[_Allocation] | None = None
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
        "units": Decimal(sum(line.quantity for line in order.line_items if not line.gift_card)),
        "gross_amount": net + discount,
        "net_amount": net,
    }
    counts = None if order.test else values
    # Bytewax takes no time but in UTC itself; a shop's webhooks have the shop's offset.
    happened_at = version.astimezone(UTC)
    return Statement(key, version_text(version), minute_of(counted_at), _code(order.currency), counts, happened_at)


def _goods(order: _Order) -> tuple[Decimal, Decimal]:
    """Give the goods after discounts and what was taken off them, as silver does (``stg_shopify_orders``).

    Shipping's discounts don't count, nor do gift cards and the tax that prices hold.
    """
    cards = sum((_paid(line) for line in order.line_items if line.gift_card), Decimal(0))
    subtotal = max(_amount("subtotal_price", order.subtotal_price_set, order.subtotal_price) - cards, Decimal(0))
    discount = _amount("total_discounts", order.total_discounts_set, order.total_discounts or Decimal(0))
    if order.line_items and all(_is_priced(line) for line in order.line_items):
        goods = sum((_price(line) for line in order.line_items if not line.gift_card), Decimal(0))
        discount = min(discount, goods - subtotal)
    discount = max(discount, Decimal(0))
    tax = _held_tax(order, subtotal) if order.taxes_included else Decimal(0)
    return subtotal - tax, _cents(discount * (subtotal - tax) / subtotal) if tax else discount


def _is_priced(line: _Line) -> bool:
    return line.price_set is not None or line.price is not None


def _price(line: _Line) -> Decimal:
    return _amount("price", line.price_set, line.price) * line.quantity


def _paid(line: _Line) -> Decimal:
    """Give what a line costs after its share of every discount; nothing when its price isn't told."""
    if not _is_priced(line):
        return Decimal(0)
    own = _amount("total_discount", line.total_discount_set, line.total_discount or Decimal(0))
    shares = [_amount("amount", share.amount_set, share.amount) for share in line.discount_allocations or ()]
    return _price(line) - max(own, sum(shares, Decimal(0)))


def _held_tax(order: _Order, subtotal: Decimal) -> Decimal:
    """Give the tax within the price of the goods, which is no more than the order's."""
    taxes = [tax for line in order.line_items if not line.gift_card for tax in line.tax_lines or ()]
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

"""The shop's record clubs at Stripe: products, prices, coupons, subscriptions, invoices and credit notes.

Members pay by bank transfer, so that no invoice makes a charge. A few hundred documents, however large the shop.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from infra.sandbox.identifiers import stripe_id
from infra.sandbox.shop import Shop
from infra.sandbox.stripe.documents import Document
from infra.sandbox.words import GENRES

_MONTH = 30 * 86_400
MEMBERS = 40
MONTHS, BUSY_MONTHS = 3, 8
_GENRES = 12


class Price(NamedTuple):
    """What a member pays a month, in the smallest unit of a currency."""

    product: int
    currency: str
    amount: int


PRODUCTS = ("Record club", "Genre club", "Listening hours")
PRICES = (
    Price(0, "usd", 1_299),
    Price(0, "jpy", 1_500),
    Price(0, "kwd", 4_250),
    Price(2, "usd", 0),
    *(Price(1, "usd", 399 + 50 * genre) for genre in range(_GENRES)),
)
TIERED = 3
COUPONS: tuple[tuple[str, str, Document], ...] = (
    ("WELCOME10", "Ten per cent off", {"percent_off": 10.0}),
    ("FIVER", "Five dollars off", {"amount_off": 500, "currency": "usd"}),
    ("JEN500", "Five hundred yen off", {"amount_off": 500, "currency": "jpy"}),
)


class Member(NamedTuple):
    """One subscription: its number, its customer, when it began, its prices, and whether it was canceled.

    ``moves`` says whether what is billed changes over its ``months``.
    """

    number: int
    customer: int
    began: int
    prices: tuple[int, ...]
    canceled: bool
    moves: bool = False
    months: int = 3

    @property
    def currency(self) -> str:
        """The currency of all its prices."""
        return PRICES[self.prices[0]].currency

    @property
    def ended(self) -> int | None:
        """When it ended; nothing while it goes on."""
        return self.began + self.months * _MONTH if self.canceled else None

    def quantity(self, place: int, month: int) -> int:
        """How many of a price are billed in a month: one more from the fourth on, or only one from the fifth on."""
        usual = 1 + (self.number + place) % 3
        if self.moves and self.number % 5 == 2 and month >= 3:
            return usual + 1
        return 1 if self.moves and self.number % 5 == 3 and month >= 4 else usual

    def pauses(self, month: int) -> bool:
        """Whether it pauses in a month, so that the bill is made void."""
        return self.moves and self.number % 5 == 4 and month in (3, 4)


class Bill(NamedTuple):
    """One invoice: its number, whose and for which month."""

    number: int
    member: Member
    month: int

    @property
    def created(self) -> int:
        """When it was made."""
        return self.member.began + self.month * _MONTH


@cache
def members(shop: Shop) -> list[Member]:
    """List the subscriptions, oldest first."""
    count = min(MEMBERS, shop.past.customer_count)
    joined = shop.past.customers(np.arange(count)).created.tolist() if count else []
    busy = bool(shop.busy)
    months = BUSY_MONTHS if busy else MONTHS
    return [Member(n, n, joined[n] + 3_600, _prices(n), n % 4 == 1, busy, months) for n in range(count)]


@cache
def bills(shop: Shop) -> list[Bill]:
    """List the invoices, oldest first."""
    made = sorted(
        (member.began + month * _MONTH, member.number, month)
        for member in members(shop)
        for month in range(member.months)
    )
    return [Bill(number, members(shop)[member], month) for number, (_, member, month) in enumerate(made)]


def _prices(number: int) -> tuple[int, ...]:
    """Most are in one club; every tenth is in all twelve genres', and two pay in currencies without cents."""
    if number % 10 == 3:
        return tuple(range(len(PRICES) - _GENRES, len(PRICES)))
    return {5: (1,), 7: (2,), 9: (3,)}.get(number % 10, (0,))


def product(shop: Shop, number: int) -> Document:
    """Make a product."""
    return {
        "id": stripe_id("prod", number),
        "object": "product",
        "active": True,
        "created": shop.past.opened + number,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "metadata": {},
        "name": PRODUCTS[number],
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": shop.past.opened + number,
    }


def price(shop: Shop, number: int) -> Document:
    """Make a price, with its tiers if it has any."""
    about = PRICES[number]
    tiers = [{"flat_amount": None, "unit_amount": 30, "up_to": 100}, {"flat_amount": None, "unit_amount": 20}]
    tiered = number == TIERED
    return {
        "id": stripe_id("price", number),
        "object": "price",
        "active": True,
        "billing_scheme": "tiered" if tiered else "per_unit",
        "created": shop.past.opened + 60 + number,
        "currency": about.currency,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": f"{GENRES[number % len(GENRES)]} monthly" if about.product == 1 else "Monthly",
        "product": stripe_id("prod", about.product),
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
        "tax_behavior": "unspecified",
        "tiers_mode": "graduated" if tiered else None,
        "type": "recurring",
        "unit_amount": None if tiered else about.amount,
        "unit_amount_decimal": None if tiered else str(about.amount),
        **({"tiers": tiers} if tiered else {}),
    }


def coupon(shop: Shop, number: int) -> Document:
    """Make a coupon."""
    identity, name, off = COUPONS[number]
    return {
        "id": identity,
        "object": "coupon",
        "amount_off": None,
        "created": shop.past.opened + 600 + number,
        "currency": None,
        "duration": "once",
        "duration_in_months": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "name": name,
        "percent_off": None,
        "redeem_by": None,
        "times_redeemed": number,
        "valid": True,
        **off,
    }


def subscription(shop: Shop, number: int) -> Document:
    """Make a subscription with its items; since 2025-03-31.basil these have the periods."""
    member = members(shop)[number]
    ended = member.ended
    return {
        "id": stripe_id("sub", number),
        "object": "subscription",
        "billing_cycle_anchor": member.began,
        "cancel_at_period_end": False,
        "canceled_at": ended,
        "collection_method": "send_invoice",
        "created": member.began,
        "currency": member.currency,
        "customer": stripe_id("cus", member.customer),
        "days_until_due": 14,
        "default_payment_method": None,
        "discounts": [],
        "ended_at": ended,
        "items": [_item(shop, member, place) for place in range(len(member.prices))],
        "latest_invoice": None,
        "livemode": False,
        "metadata": {},
        "pause_collection": None,
        "start_date": member.began,
        "status": "canceled" if member.canceled else "active",
        "trial_end": None,
        "trial_start": None,
    }


def _item(shop: Shop, member: Member, place: int) -> Document:
    last = member.began + (member.months - 1) * _MONTH
    return {
        "id": stripe_id("si", 100 * member.number + place),
        "object": "subscription_item",
        "created": member.began,
        "current_period_end": last + _MONTH,
        "current_period_start": last,
        "discounts": [],
        "metadata": {},
        "price": price(shop, member.prices[place]) | {"tiers": None},
        "quantity": member.quantity(place, member.months - 1),
        "subscription": stripe_id("sub", member.number),
        "tax_rates": [],
    }

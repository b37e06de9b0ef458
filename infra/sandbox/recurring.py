"""What the record clubs are worth month by month, followed from each membership and not from its bills' documents."""

from collections import Counter, defaultdict
from typing import Any

from infra.sandbox.selling.currencies import written
from infra.sandbox.shop import Shop
from infra.sandbox.statement import month_of
from infra.sandbox.stripe.billing import PRICES, TIERED, Member, bills, members

_TIER = 30
_KINDS = ("new", "expansion", "contraction", "churned", "reactivation")


def movements(shop: Shop) -> list[dict[str, Any]]:
    """Give each month's movements of recurring revenue by currency, in text, and what it comes to (``mrr``).

    A month counts as its end stands: the last bill that began by then, nothing while it pauses or once it ended.
    """
    last = max([bill.created for bill in bills(shop)] + [member.ended or 0 for member in members(shop)], default=0)
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for member in members(shop):
        for place in range(len(member.prices)):
            _follow(sums, member, place, month_of(last))
    return [
        {"month": month, "currency": currency}
        | {name: _text(found[name], currency) for name in (*_KINDS, "mrr") if found[name]}
        for (month, currency), found in sorted(sums.items())
        if any(found.values())
    ]


def _follow(sums: dict[tuple[str, str], Counter[str]], member: Member, place: int, last: str) -> None:
    currency, before, seen = member.currency.upper(), 0, False
    month = month_of(member.began)
    while month <= last:
        now = _worth(member, place, month)
        kind = None
        if now > before:
            kind = "expansion" if before else "reactivation" if seen else "new"
        elif now < before:
            kind = "contraction" if now else "churned"
        if kind:
            sums[month, currency][kind] += now - before
        sums[month, currency]["mrr"] += now
        before, seen, month = now, seen or now > 0, _next(month)


def _worth(member: Member, place: int, month: str) -> int:
    """Give what an item is worth at the end of a month, in the currency's smallest unit."""
    if member.ended is not None and month_of(member.ended) <= month:
        return 0
    billed = [n for n in range(member.months) if month_of(member.began + n * 30 * 86_400) <= month]
    number = member.prices[place]
    price = _TIER if number == TIERED else PRICES[number].amount
    return 0 if member.pauses(billed[-1]) else member.quantity(place, billed[-1]) * price


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02d}"


def _text(smallest: int, currency: str) -> str:
    if currency == "KWD":
        return f"{smallest / 1000:.3f}"
    return f"-{written(-smallest, currency)}" if smallest < 0 else written(smallest, currency)

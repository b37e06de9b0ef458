"""The fault scripts: what goes wrong, at which request, and how the load may end."""

from dataclasses import dataclass
from typing import Any

Fault = dict[str, Any]
PLACES = ("first", "mid", "last")


@dataclass(frozen=True)
class Case:
    """One script.

    ``later`` plays it in the second load, after the shop sold and changed some more; ``always`` from before the first
    load on. ``told`` is the sentence (a regular expression) that the struck load ends with, ``may`` one that it may end
    with. ``moving`` says that the shop changes meanwhile, so that the next load must bring the rest; ``app`` that the
    load uses a client id and secret; ``many`` that what changed is read as one bulk operation. Only ``tables`` are
    loaded.
    """

    name: str
    vendor: str
    tables: tuple[str, ...]
    faults: tuple[Fault, ...]
    later: bool = False
    always: bool = False
    told: str = ""
    may: str = ""
    moving: bool = False
    app: bool = False
    many: bool = False


OWN = ("told", "may", "moving", "app", "always")


def fault(kind: str, **more: Any) -> Fault:
    return {"fault": kind} | more


def bulk(name: str, kind: str, **more: Any) -> Case:
    """A script for Shopify's first load, which is a bulk operation."""
    own = {key: more.pop(key) for key in OWN if key in more}
    return Case(f"shopify, first load: {name}", "shopify", ("shopify_orders",), (fault(kind, **more),), **own)


def much(name: str, kind: str, **more: Any) -> Case:
    """A script for a later load of Shopify's that brings so much that it is a bulk operation."""
    own = {key: more.pop(key) for key in OWN if key in more}
    faults = (fault(kind, **more),)
    return Case(f"shopify, much: {name}", "shopify", ("shopify_orders",), faults, later=True, many=True, **own)


def changes(name: str, kind: str, **more: Any) -> Case:
    """A script for a later load of Shopify's: pages of what changed, small ones since others are called too costly."""
    own = {key: more.pop(key) for key in OWN if key in more}
    faults = (fault("too_costly", count=16, times=0), fault(kind, object="orders", **more))
    return Case(f"shopify, changes: {name}", "shopify", ("shopify_orders",), faults, later=True, **own)


def stripe(name: str, kind: str, *, later: bool = False, object: str = "charges", **more: Any) -> Case:
    """A script for Stripe's lists."""
    own = {key: more.pop(key) for key in OWN if key in more}
    when = "later load" if later else "first load"
    tables = ("stripe_events", f"stripe_{object}" if object != "events" else "stripe_charges")
    faults = (fault(kind, vendor="stripe", object=object, **more),)
    return Case(f"stripe, {when}: {name}", "stripe", tables, faults, later=later, **own)


START, POLL, FILE, COUNT, NODE, TOKEN = (
    {"step": step} for step in ("bulk_start", "bulk_poll", "bulk_file", "count", "node", "token")
)
ENDED = r"^Shopify's bulk operation for orders ended as {} .*run again"
REVOKED = r"^Shopify refused the token for .* check the app's credentials"
EXPIRED = r"^Shopify refused a query: Invalid cursor"
KEY = r"^Stripe refused the key for .*check BOATHOUSE_STRIPE_API_KEY"
AGAIN = r"^Shopify's bulk result for orders .*run again"

BULK = (
    bulk("429 with Retry-After at the start", "rate_limited", **START, times=3, retry_after=0),
    bulk("429 without Retry-After while waiting", "rate_limited", **POLL, times=3),
    bulk("throttled at the start", "throttled", **START, times=3),
    bulk("throttled while waiting", "throttled", **POLL, times=3),
    bulk("500s at the start", "status", **START, times=4),
    bulk("503s while waiting", "status", **POLL, times=4, code=503),
    bulk("500s without end", "status", **START, times=0, told=r"^Shopify answered 500 .* try later\.$"),
    bulk("the reply to the start is lost", "reset", **START),
    bulk("the connection ends while waiting", "cut", **POLL),
    bulk("half an answer while waiting", "truncated", **POLL),
    bulk("a slow result", "slow", **FILE, seconds=0.1),
    bulk("503s for the result", "status", **FILE, code=503, times=2),
    bulk("the result's address ran out", "status", **FILE, code=403, told=r"^Shopify's bulk result .*403; run again"),
    bulk("failed with partial data", "bulk_failed", told=ENDED.format("FAILED")),
    bulk("cancelled with partial data", "bulk_failed", code="CANCELED", told=ENDED.format("CANCELED")),
    bulk("run out with partial data", "bulk_failed", code="EXPIRED", told=ENDED.format("EXPIRED")),
    bulk("the token is revoked while waiting", "revoked", **POLL, told=REVOKED),
    bulk("the app's token is revoked while waiting", "revoked", **POLL, app=True),
    bulk("500s for the token", "status", **TOKEN, times=2, app=True),
    bulk("the token's answer is broken off", "cut", **TOKEN, app=True),
    bulk("orders come and change while it runs", "write", **POLL, orders=5, changes=2, moving=True),
    bulk("orders come while the result is read", "write", **FILE, orders=5, moving=True),
)
FILES = (
    bulk("the result is reset at its start", "reset", **FILE, keep=0.01, may=AGAIN),
    bulk("the result is reset half-way", "reset", **FILE, may=AGAIN),
    bulk("the result is closed near its end", "cut", **FILE, keep=0.98, may=AGAIN),
    bulk("the result ends in the middle of a line", "truncated", **FILE, keep=0.6, may=AGAIN),
    bulk("the result lacks its last line", "bulk_truncated", **FILE, may=AGAIN),
    bulk("the result lacks most of its lines", "bulk_truncated", **FILE, count=100, may=AGAIN),
)
MUCH = (
    much("throttled at the start", "throttled", **START, times=3),
    much("failed with partial data", "bulk_failed", told=ENDED.format("FAILED")),
    much("the result is reset half-way", "reset", **FILE, may=AGAIN),
    much("the result lacks most of its lines", "bulk_truncated", **FILE, count=100, may=AGAIN),
    much("the token is revoked while waiting", "revoked", **POLL, told=REVOKED),
    much("orders come and change while it runs", "write", **POLL, orders=5, changes=2, moving=True),
)
CHANGES = (
    *(changes(f"throttled at the {at} page", "throttled", page=at, times=3) for at in PLACES),
    *(changes(f"500s at the {at} page", "status", page=at, times=4) for at in PLACES),
    *(changes(f"a reset in the {at} page", "reset", page=at) for at in PLACES),
    *(changes(f"sales before the {at} page", "write", page=at, orders=4, changes=3, moving=True) for at in PLACES),
    *(changes(f"the {at} page begins with the one before", "shifted", page=at, count=5) for at in PLACES[1:]),
    changes("429s with Retry-After half-way", "rate_limited", page="mid", times=3, retry_after=0),
    changes("429s without Retry-After at the end", "rate_limited", page="last", times=3),
    changes("a page is broken off twice", "cut", page="mid", times=2),
    changes("half a page", "truncated", page="mid"),
    changes("a slow page", "slow", page="mid", seconds=0.1),
    changes("a page comes twice", "repeated", page="mid"),
    changes("the cursor runs out half-way", "expired_cursor", page="mid", told=EXPIRED),
    changes("the cursor runs out at the end", "expired_cursor", page="last", told=EXPIRED),
    changes("the token is revoked half-way", "revoked", page="mid", told=REVOKED),
    changes("the app's token is revoked half-way", "revoked", page="mid", app=True),
    changes("500s for the count", "status", **COUNT, times=3),
    changes("the count is broken off", "cut", **COUNT),
    changes("sales before the count", "write", **COUNT, orders=2, moving=True),
)
STRIPE = (
    *(stripe(f"500s at the {at} page", "status", page=at, times=4) for at in PLACES),
    *(stripe(f"a reset in the {at} page", "reset", page=at) for at in PLACES),
    *(stripe(f"sales before the {at} page", "write", page=at, orders=4, moving=True) for at in PLACES),
    stripe("429s with Retry-After half-way", "rate_limited", page="mid", times=3, retry_after=0),
    stripe("429s without Retry-After at the end", "rate_limited", page="last", times=3),
    stripe("half a page", "truncated", page="mid", may=r"^Stripe sent a page that can't be read .* run again\.$"),
    stripe("a page is broken off twice", "cut", page="mid", times=2),
    stripe("a slow page", "slow", page="mid", seconds=0.1),
    stripe("a page comes twice", "repeated", page="mid"),
    stripe("the last page begins with the one before", "shifted", page="last", count=5),
    stripe("the cursor runs out half-way", "expired_cursor", page="mid", may=r"^Stripe refused /v1/charges \(400\)"),
    stripe("the key is revoked half-way", "revoked", page="mid", told=KEY),
    stripe("500s without end", "status", times=0, told=r"^Stripe answered 500 .* try later\.$"),
    *(stripe(f"500s at the {at} page", "status", page=at, times=4, later=True) for at in PLACES),
    *(stripe(f"sales before the {at} page", "write", page=at, orders=4, later=True, moving=True) for at in PLACES),
    stripe("a reset half-way through the events", "reset", object="events", page="mid", later=True),
    stripe("sales while the events are read", "write", object="events", page="last", orders=3, later=True, moving=True),
    stripe("500s for an object that changed", "status", **NODE, times=3, later=True),
    stripe("an object that changed is broken off", "cut", **NODE, later=True),
    stripe("the key is revoked half-way", "revoked", page="mid", later=True, told=KEY),
)
HIDDEN = (
    changes("an order is shown later than one that is newer", "hidden", times=0, moving=True),
    stripe("a charge is shown later than one that is newer", "hidden", times=0, later=True, moving=True),
    stripe(
        "a movement is shown late, of which no event tells",
        "hidden",
        object="balance_transactions",
        times=0,
        later=True,
        moving=True,
    ),
)
CLOCKS = tuple(
    Case(f"{vendor}: a clock an hour {way}", vendor, tables, (fault("skew", seconds=seconds),), later=True, always=True)
    for vendor, tables in (("shopify", ("shopify_orders",)), ("stripe", ("stripe_events", "stripe_charges")))
    for way, seconds in (("behind", -3600), ("ahead", 3600))
)
CASES = (*BULK, *FILES, *MUCH, *HIDDEN, *CLOCKS, *CHANGES, *STRIPE)

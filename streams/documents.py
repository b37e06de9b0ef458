"""What an event leaves in bronze: the vendor's document, under the id and version that the poll lane gives it."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from lake.bus import Event
from lake.errors import DocumentError
from streams.statements import version_text

SHOPIFY = {
    "orders": ("shopify_orders", "Order"),
    "customers": ("shopify_customers", "Customer"),
    "products": ("shopify_products", "Product"),
    "inventory_items": ("shopify_inventory_items", "InventoryItem"),
    "inventory_levels": ("shopify_inventory_levels", ""),
    "locations": ("shopify_locations", "Location"),
    "discounts": ("shopify_discounts", ""),
    "shop": ("shopify_shop", "Shop"),
}
"""The kinds of Shopify's topics whose webhooks name one object: its table, and its type where the number says it all.

Refunds, fulfilments and transactions are parts of an order, of which ``orders/updated`` tells; not every checkout is an
abandoned one.
"""
HEEDED = frozenset(
    "create update updated paid cancelled fulfilled partially_fulfilled delete "  # noqa: SIM905
    "enable disable activate deactivate connect".split()
)
STRIPE = {
    kind: f"stripe_{table}"
    for kind, table in {
        "customer": "customers",
        "charge": "charges",
        "refund": "refunds",
        "balance_transaction": "balance_transactions",
        "payment_intent": "payment_intents",
        "dispute": "disputes",
        "payout": "payouts",
        "invoice": "invoices",
        "subscription": "subscriptions",
        "product": "products",
        "price": "prices",
        "coupon": "coupons",
        "checkout.session": "checkout_sessions",
        "credit_note": "credit_notes",
    }.items()
}
STRIPE_EVENTS = "stripe_events"
TABLES = (*(table for table, _ in SHOPIFY.values()), STRIPE_EVENTS, *STRIPE.values())


class Document(NamedTuple):
    """One bronze row to be."""

    table: str
    identity: str
    version: str
    payload: bytes
    op: str = "upsert"


class _Shopify(msgspec.Struct):
    id: int | None = None
    admin_graphql_api_id: str | None = None
    updated_at: datetime | None = None


class _StripeKeys(msgspec.Struct):
    id: str = ""
    object: str = ""


class _StripeData(msgspec.Struct):
    object: msgspec.Raw


class _Stripe(msgspec.Struct):
    id: str
    created: int
    type: str
    data: _StripeData


_decode_shopify = msgspec.json.Decoder(_Shopify).decode
_decode_stripe = msgspec.json.Decoder(_Stripe).decode
_decode_keys = msgspec.json.Decoder(_StripeKeys).decode


def table_of(event: Event) -> str | None:
    """Name the table that an event is foremost for; None when it leaves nothing in bronze."""
    if event.source == "stripe":
        return STRIPE_EVENTS
    kind, _, happening = event.topic.partition("/")
    return SHOPIFY[kind][0] if event.source == "shopify" and kind in SHOPIFY and happening in HEEDED else None


def documents_of(event: Event) -> list[Document]:
    """Read the documents that an event brings. Raises DocumentError when it can't be read."""
    table = table_of(event)
    if table is None:
        return []
    try:
        event.body.decode()
        return _of_stripe(event) if event.source == "stripe" else [_of_shopify(event, table)]
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise DocumentError(f"The {event.topic} event can't be read: {error}") from error


def _of_shopify(event: Event, table: str) -> Document:
    keys = _decode_shopify(event.body)
    kind = SHOPIFY[event.topic.partition("/")[0]][1]
    identity = keys.admin_graphql_api_id
    if identity is None:
        if keys.id is None or not kind:
            raise ValueError("admin_graphql_api_id must be there")
        identity = f"gid://shopify/{kind}/{keys.id}"
    if keys.updated_at is not None and keys.updated_at.tzinfo is not None:
        return Document(table, identity, version_text(keys.updated_at), event.body)
    # The topic isn't signed: only a body without a version can be a deletion's.
    if not event.topic.endswith("/delete"):
        raise ValueError("updated_at must be there, with its offset")
    return Document(table, identity, version_text(event.triggered_at or event.received_at), event.body, "delete")


def _of_stripe(event: Event) -> list[Document]:
    said = _decode_stripe(event.body)
    version = version_text(datetime.fromtimestamp(said.created, UTC))
    about = _decode_keys(said.data.object)
    found = [Document(STRIPE_EVENTS, said.id, version, event.body)]
    if about.id and about.object in STRIPE:
        # A subscription that is "deleted" has ended and can still be read (docs.stripe.com/api/events/types).
        deleted = said.type.endswith(".deleted") and about.object != "subscription"
        op = "delete" if deleted else "upsert"
        found.append(Document(STRIPE[about.object], about.id, version, bytes(said.data.object), op))
    return found

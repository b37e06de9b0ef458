"""Stripe's objects as a table of data: where each is listed, where it lands, and what else belongs to it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Resource:
    """One kind of object: its ``object`` name in Stripe's JSON, its list's path, and its bronze table.

    ``permission`` is what a restricted key needs, as the Dashboard names it; ``parameters`` go with every request for
    the list; ``expand`` names what is only there when asked for; ``lists`` maps an embedded list, of which Stripe sends
    the first few, to the path of all of it; ``silent`` kinds come to be without an event.
    """

    kind: str
    path: str
    table: str
    permission: str
    parameters: dict[str, str] = field(default_factory=dict)
    expand: tuple[str, ...] = ()
    lists: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    silent: bool = False

    def listed(self) -> dict[str, str | int]:
        """Give the parameters of the list."""
        return {**self.parameters, **{f"expand[{n}]": f"data.{name}" for n, name in enumerate(self.expand)}}

    def single(self) -> dict[str, str | int]:
        """Give the parameters of one object, which then is as in the list."""
        return {f"expand[{n}]": name for n, name in enumerate(self.expand)}


EVENTS = Resource("event", "/v1/events", "stripe_events", "Events")
RESOURCES = (
    Resource("customer", "/v1/customers", "stripe_customers", "Customers"),
    Resource("charge", "/v1/charges", "stripe_charges", "Charges and Refunds"),
    Resource("refund", "/v1/refunds", "stripe_refunds", "Charges and Refunds"),
    Resource(
        "balance_transaction",
        "/v1/balance_transactions",
        "stripe_balance_transactions",
        "Balance Transaction Sources",
        silent=True,
    ),
    Resource("payment_intent", "/v1/payment_intents", "stripe_payment_intents", "PaymentIntents"),
    Resource("dispute", "/v1/disputes", "stripe_disputes", "Disputes"),
    Resource("payout", "/v1/payouts", "stripe_payouts", "Payouts"),
    Resource(
        "invoice", "/v1/invoices", "stripe_invoices", "Invoices", lists={"lines": ("/v1/invoices/{id}/lines", {})}
    ),
    Resource(
        "subscription",
        "/v1/subscriptions",
        "stripe_subscriptions",
        "Subscriptions",
        parameters={"status": "all"},
        lists={"items": ("/v1/subscription_items", {"subscription": "{id}"})},
    ),
    Resource("product", "/v1/products", "stripe_products", "Products"),
    Resource("price", "/v1/prices", "stripe_prices", "Prices", expand=("tiers",)),
    Resource("coupon", "/v1/coupons", "stripe_coupons", "Coupons"),
    Resource(
        "checkout.session",
        "/v1/checkout/sessions",
        "stripe_checkout_sessions",
        "Checkout Sessions",
        expand=("line_items",),
        lists={"line_items": ("/v1/checkout/sessions/{id}/line_items", {})},
        silent=True,
    ),
    Resource(
        "credit_note",
        "/v1/credit_notes",
        "stripe_credit_notes",
        "Credit notes",
        lists={"lines": ("/v1/credit_notes/{id}/lines", {})},
    ),
)
TABLES = tuple(resource.table for resource in (EVENTS, *RESOURCES))
"""Facts: docs.stripe.com/api, each object's "List all"; docs.stripe.com/keys/restricted-api-keys names the permissions.

Lists leave canceled subscriptions out unless ``status`` is ``all``; a price's tiers and a session's line items are only
there when expanded; an invoice, a subscription, a session and a credit note hold the first few of their lines.
"""

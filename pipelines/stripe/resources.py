"""Stripe's objects as a table of data: where each is listed and where it lands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """One kind of object: its ``object`` name in Stripe's JSON, its list's path, and its bronze table."""

    kind: str
    path: str
    table: str


EVENTS = Resource("event", "/v1/events", "stripe_events")
RESOURCES = (
    Resource("customer", "/v1/customers", "stripe_customers"),
    Resource("charge", "/v1/charges", "stripe_charges"),
    Resource("refund", "/v1/refunds", "stripe_refunds"),
    Resource("balance_transaction", "/v1/balance_transactions", "stripe_balance_transactions"),
)
TABLES = tuple(resource.table for resource in (EVENTS, *RESOURCES))

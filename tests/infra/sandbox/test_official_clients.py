"""Stripe's and Shopify's own Python packages page through everything the shop holds."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import shopify
import stripe

from infra.sandbox import credentials
from infra.sandbox.stripe.documents import fee

CENTS = 250_031_563
CHARGED = 69_579


@pytest.fixture
def account(history: str) -> Iterator[stripe.StripeClient]:
    http = stripe.RequestsClient()
    yield stripe.StripeClient(credentials.STRIPE_API_KEY, base_addresses={"api": history}, http_client=http)
    http.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def admin(history: str) -> Iterator[shopify.GraphQL]:
    session = shopify.Session("localhost", "2025-10", credentials.SHOPIFY_ACCESS_TOKEN)
    shopify.ShopifyResource.activate_session(session)
    shopify.ShopifyResource.set_site(f"{history}/admin/api/2025-10")
    yield shopify.GraphQL()
    shopify.ShopifyResource.clear_session()


def every_page(admin: shopify.GraphQL, name: str, fields: str) -> Iterator[dict[str, Any]]:
    """Page through a connection 250 at a time; only what costs little is asked for."""
    query = f"""query($after: String) {{
      {name}(first: 250, after: $after, sortKey: UPDATED_AT) {{
        nodes {{ {fields} }}
        pageInfo {{ hasNextPage endCursor }}
      }}
    }}"""
    after = None
    while True:
        page = json.loads(admin.execute(query, {"after": after}))["data"][name]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def every_object(account: stripe.StripeClient, name: str) -> Iterator[dict[str, Any]]:
    """Page through a list with the package's own requests, turning each hundredth page into its objects.

    Its objects cost 80 ms of CPU a page of charges: a minute for all of them.
    """
    path, number = f"/v1/{name}?limit=100", 0
    while True:
        page: dict[str, Any] = account.raw_request("get", path).data
        if number % 100 == 0:
            objects = account.deserialize(page, api_mode="V1")["data"]
            assert [one.id for one in objects] == [one["id"] for one in page["data"]]
        yield from page["data"]
        if not page["has_more"]:
            return
        path, number = f"/v1/{name}?limit=100&starting_after={page['data'][-1]['id']}", number + 1


def test_stripe_pages_through_every_charge(account: stripe.StripeClient) -> None:
    charges = [(one["id"], one["amount"], one["created"]) for one in every_object(account, "charges")]
    assert len({identifier for identifier, _, _ in charges}) == len(charges) == CHARGED
    assert sum(amount for _, amount, _ in charges) == CENTS
    made = [created for _, _, created in charges]
    assert made == sorted(made, reverse=True)


def test_stripe_pages_through_every_balance_transaction(account: stripe.StripeClient) -> None:
    moves = [(one["id"], one["amount"], one["net"]) for one in every_object(account, "balance_transactions")]
    assert len({identifier for identifier, _, _ in moves}) == len(moves) == CHARGED
    assert sum(net for _, _, net in moves) == CENTS - sum(fee(amount) for _, amount, _ in moves)


def test_stripe_pages_through_every_customer(account: stripe.StripeClient) -> None:
    found = [one["metadata"]["shopify_customer_id"] for one in every_object(account, "customers")]
    assert len(set(found)) == len(found) == 23_570


def test_stripe_reads_every_object_of_a_small_shop(small: str) -> None:
    http = stripe.RequestsClient()
    account = stripe.StripeClient(credentials.STRIPE_API_KEY, base_addresses={"api": small}, http_client=http)
    charges = list(account.v1.charges.list({"limit": 100}).auto_paging_iter())
    moves = list(account.v1.balance_transactions.list({"limit": 100}).auto_paging_iter())
    customers = {one.id for one in account.v1.customers.list({"limit": 100}).auto_paging_iter()}
    assert len(charges) == len(moves) == 300
    assert [charge.balance_transaction for charge in charges] == [move.id for move in moves]
    assert {charge.customer for charge in charges} <= customers
    assert account.v1.charges.retrieve(charges[7].id) == charges[7]
    http.close()  # type: ignore[no-untyped-call]


def test_stripe_has_neither_refunds_nor_recent_events(account: stripe.StripeClient) -> None:
    assert account.v1.refunds.list().data == []
    assert account.v1.events.list().data == []


def test_shopify_pages_through_every_order(admin: shopify.GraphQL) -> None:
    orders = list(every_page(admin, "orders", "id name updatedAt totalPrice subtotalLineItemsQuantity"))
    assert len({order["id"] for order in orders}) == len(orders) == 69_659
    assert sum(Decimal(order["totalPrice"]) for order in orders) == Decimal("2500315.63")
    assert sum(order["subtotalLineItemsQuantity"] for order in orders) == 167_881
    assert sum(order["totalPrice"] == "0.00" for order in orders) == 80
    assert [order["updatedAt"] for order in orders] == sorted(order["updatedAt"] for order in orders)


def test_shopify_pages_through_every_customer(admin: shopify.GraphQL) -> None:
    customers = list(every_page(admin, "customers", "id updatedAt numberOfOrders amountSpent { amount }"))
    assert len({customer["id"] for customer in customers}) == len(customers) == 23_570
    assert sum(int(customer["numberOfOrders"]) for customer in customers) == 69_659
    assert sum(Decimal(customer["amountSpent"]["amount"]) for customer in customers) == Decimal("2500315.63")
    assert [one["updatedAt"] for one in customers] == sorted(one["updatedAt"] for one in customers)


def test_shopify_pages_through_every_product(admin: shopify.GraphQL) -> None:
    products = list(every_page(admin, "products", "id variants(first: 5) { nodes { sku } }"))
    assert len({node["sku"] for product in products for node in product["variants"]["nodes"]}) == 500

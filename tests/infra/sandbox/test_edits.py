"""Documents that somebody deletes or saves again in the sandbox shop, and the other objects that it holds."""

from collections.abc import Iterator

import httpx
import pytest

from infra.sandbox.identifiers import gid
from pipelines.shopify.resources import RESOURCES, Resource, query_text
from tests.infra.sandbox.conftest import Shopify, Start

PRODUCT = gid("Product", 7)


@pytest.fixture
def own(start: Start) -> Iterator[Shopify]:
    """A client of a shop of the test's own."""
    client = Shopify(start("--orders", "40", "--plan", "plus"))
    yield client
    client.http.close()


def edit(shopify: Shopify, how: str, identity: str) -> int:
    address = shopify.http.base_url.copy_with(path=f"/sandbox/{how}")
    return httpx.post(address, json={"id": identity}).status_code


def test_a_deleted_product_is_gone_everywhere_but_from_the_events(own: Shopify) -> None:
    count = "{ productsCount { count } }"
    before = own.ask(count)["data"]["productsCount"]["count"]
    assert edit(own, "delete", PRODUCT) == 200
    assert own.ask(count)["data"]["productsCount"]["count"] == before - 1
    assert own.ask("query($id: ID!) { product(id: $id) { id } node(id: $id) { id } }", id=PRODUCT)["data"] == {
        "product": None,
        "node": None,
    }
    search = "action:destroy AND subject_type:PRODUCT AND created_at:>='2024-01-01'"
    (edge,) = own.ask(query_text("events"), first=5, query=search)["data"]["events"]["edges"]
    assert (edge["node"]["subjectId"], edge["node"]["action"]) == (PRODUCT, "destroy")
    other = search.replace("PRODUCT", "ORDER")
    assert own.ask(query_text("events"), first=5, query=other)["data"]["events"]["edges"] == []


def test_a_customer_leaves_no_event(own: Shopify) -> None:
    assert edit(own, "delete", gid("Customer", 1)) == 200
    assert own.ask(query_text("events"), first=5)["data"]["events"]["edges"] == []


def test_a_product_that_is_saved_again_comes_last_by_its_update(own: Shopify) -> None:
    assert edit(own, "save", PRODUCT) == 200
    query = "{ products(first: 3, reverse: true, sortKey: UPDATED_AT) { nodes { id title } } }"
    last, *_ = own.ask(query)["data"]["products"]["nodes"]
    assert last["id"] == PRODUCT
    assert last["title"].endswith(", remastered")


@pytest.mark.parametrize("identity", ["", "gid://shopify/Nothing/1", gid("Order", 1)])
def test_what_cannot_be_saved_is_refused(own: Shopify, identity: str) -> None:
    assert edit(own, "save", identity) == 404


@pytest.mark.parametrize("resource", [one for one in RESOURCES if not one.below], ids=lambda one: one.name)
def test_every_object_pages_without_a_gap(shopify: Shopify, resource: Resource) -> None:
    whole = shopify.ask(resource.keys_query, first=250)["data"][resource.name]["edges"]
    after, found = None, []
    for _ in range(3):
        page = shopify.ask(resource.keys_query, first=1, after=after)["data"][resource.name]
        found += page["edges"]
        after = page["pageInfo"]["endCursor"] or after
    assert [edge["node"]["id"] for edge in found] == [edge["node"]["id"] for edge in whole[:3]]


def test_a_webhook_is_subscribed_to_once(own: Shopify) -> None:
    for told in ([], ["Address for this topic has already been taken"]):
        answer = own.ask(query_text("subscribe"), topic="ORDERS_CREATE", uri="https://example.com/hook")["data"]
        assert [error["message"] for error in answer["webhookSubscriptionCreate"]["userErrors"]] == told
    plain = own.ask(query_text("subscribe"), topic="ORDERS_CREATE", uri="http://example.com")["data"]
    assert plain["webhookSubscriptionCreate"]["userErrors"][0]["message"] == "Address is invalid"
    (edge,) = own.ask(query_text("subscriptions"), first=5)["data"]["webhookSubscriptions"]["edges"]
    assert edge["node"]["uri"] == "https://example.com/hook"

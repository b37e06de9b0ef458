"""Bulk operations: everything in one file, children under their parents."""

from collections import Counter
from decimal import Decimal
from typing import Any

import httpx
import orjson

from pipelines.shopify.resources import RESOURCES
from tests.infra.sandbox.conftest import Shopify

RUN = """mutation($query: String!) {
  bulkOperationRunQuery(query: $query) { bulkOperation { id status } userErrors { field message } }
}"""
STATE = """query($id: ID!) {
  node(id: $id) { ... on BulkOperation { status errorCode objectCount rootObjectCount fileSize url } }
}"""


def in_bulk(name: str) -> str:
    """Take the pipeline's own query as it runs it in bulk."""
    return next(resource for resource in RESOURCES if resource.name == name).bulk_query


def finished(shopify: Shopify, query: str) -> dict[str, Any]:
    """Run a bulk query and ask until it has ended."""
    started = shopify.ask(RUN, query=query)["data"]["bulkOperationRunQuery"]
    assert started["userErrors"] == []
    while True:
        state: dict[str, Any] = shopify.ask(STATE, id=started["bulkOperation"]["id"])["data"]["node"]
        if state["status"] not in ("CREATED", "RUNNING"):
            return state


def lines(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Download an operation's file."""
    return [orjson.loads(line) for line in httpx.get(state["url"], timeout=60).content.splitlines()]


def test_bulk_gives_the_whole_history(history: str) -> None:
    shopify = Shopify(history)
    state = finished(shopify, in_bulk("orders"))
    found = lines(state)
    shopify.http.close()
    orders = [line for line in found if "__parentId" not in line]
    items = [line for line in found if "__parentId" in line]
    assert (state["status"], int(state["rootObjectCount"])) == ("COMPLETED", 69_659)
    assert int(state["objectCount"]) == len(found)
    assert sum(Decimal(one["totalPriceSet"]["shopMoney"]["amount"]) for one in orders) == Decimal("2500315.63")
    assert sum(Decimal(one["discountedTotalSet"]["shopMoney"]["amount"]) for one in items) == Decimal("2500315.63")
    assert sum(item["quantity"] for item in items) == 167_881
    assert Counter(len(order["transactions"]) for order in orders) == {1: 69_579, 0: 80}


def test_children_follow_their_parent_and_name_it(shopify: Shopify) -> None:
    parent = ""
    for line in lines(finished(shopify, in_bulk("orders"))):
        parent = parent if "__parentId" in line else line["id"]
        assert line.get("__parentId", parent) == parent
        assert "lineItems" not in line


def test_bulk_and_paging_give_the_same_documents(shopify: Shopify) -> None:
    paged = shopify.ask("{ customers(first: 250) { nodes { id email amountSpent { amount } } } }")
    bulk = lines(finished(shopify, "{ customers { edges { node { id email amountSpent { amount } } } } }"))
    assert bulk == paged["data"]["customers"]["nodes"]


def test_bulk_takes_a_search(shopify: Shopify) -> None:
    search = "updated_at:>='2025-06-20'"
    state = finished(shopify, f'{{ orders(query: "{search}") {{ edges {{ node {{ id updatedAt }} }} }} }}')
    assert 0 < int(state["objectCount"]) < 10
    assert all(line["updatedAt"] >= "2025-06-20" for line in lines(state))


def test_a_bulk_query_without_a_connection_is_refused(shopify: Shopify) -> None:
    refused = shopify.ask(RUN, query="{ shop { name } }")["data"]["bulkOperationRunQuery"]
    assert refused["bulkOperation"] is None
    assert refused["userErrors"][0]["message"] == "Bulk queries must contain at least one connection."


def test_a_bulk_query_with_a_connection_within_a_list_is_refused(shopify: Shopify) -> None:
    query = "{ orders { edges { node { id refunds { refundLineItems { edges { node { id } } } } } } } }"
    refused = shopify.ask(RUN, query=query)["data"]["bulkOperationRunQuery"]["userErrors"][0]
    assert refused["message"] == (
        "Queries that contain a connection field within a list field are not currently supported."
    )


def test_a_bulk_query_with_an_unknown_field_is_refused(shopify: Shopify) -> None:
    refused = shopify.ask(RUN, query="{ orders { edges { node { nonsense } } } }")["data"]["bulkOperationRunQuery"]
    assert "nonsense" in refused["userErrors"][0]["message"]


def test_one_bulk_operation_runs_at_a_time(history: str) -> None:
    shopify = Shopify(history)
    first = shopify.ask(RUN, query=in_bulk("orders"))["data"]["bulkOperationRunQuery"]
    second = shopify.ask(RUN, query=in_bulk("orders"))["data"]["bulkOperationRunQuery"]
    assert first["bulkOperation"]["id"] in second["userErrors"][0]["message"]
    cancel = "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } } }"
    assert shopify.ask(cancel, id=first["bulkOperation"]["id"])["data"]["bulkOperationCancel"]["bulkOperation"]
    while (state := shopify.ask("{ currentBulkOperation { status } }")["data"]["currentBulkOperation"]["status"]) in (
        "RUNNING",
        "CANCELING",
    ):
        pass
    assert state == "CANCELED"
    shopify.http.close()

"""Documents land whole in every lane, whatever is nested in them and however small a page is."""

import json
from itertools import chain
from threading import Event
from typing import Any

import pytest

from infra.sandbox.selling.sales import Fate
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.shopify import pages
from pipelines.shopify.api import Shopify
from pipelines.shopify.nested import all_there, drained
from pipelines.shopify.pages import read_changes
from pipelines.shopify.repair import read_again, versions
from pipelines.shopify.resources import RESOURCES, TABLES, Resource
from tests.pipelines.conftest import Lake
from tests.pipelines.shopify.conftest import Sandbox
from tests.pipelines.vendor import TIME, Asked, Reply, Vendor, body, order

ORDERS = next(resource for resource in RESOURCES if resource.name == "orders")
NESTED = ("lineItems", "shippingLines", "discountApplications")
FATES = (Fate.KEPT, Fate.CANCELLED, Fate.REFUNDED, Fate.PARTLY_REFUNDED)


def without_pages(value: Any) -> Any:
    """Leave out what only tells how a document was paged."""
    if isinstance(value, dict):
        return {name: without_pages(item) for name, item in value.items() if name not in ("pageInfo", "__parentId")}
    return [without_pages(item) for item in value] if isinstance(value, list) else value


def nodes(connection: Any) -> list[Any]:
    return [edge["node"] for edge in connection["edges"]]


@pytest.fixture
def one_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page of every nested connection hold one object."""
    for resource in RESOURCES:
        monkeypatch.setitem(resource.nested, "nested", 1)
        monkeypatch.setitem(resource.nested, "few", 1)


def landed(lake: Lake, table: str) -> dict[str, Any]:
    """Give a table's documents by id, without what tells of pages."""
    return {row["id"]: without_pages(json.loads(row["payload"])) for row in lake.rows(table)}


def held(client: Shopify, resource: Resource) -> dict[str, Any]:
    """Give what the shop holds of an object, read in pages that are large enough."""
    documents = chain.from_iterable(read_changes(client, resource, ""))
    found = [without_pages(json.loads(document.payload)) for document in documents]
    return {document["id"]: document for document in found}


def test_an_order_with_more_children_than_a_page_lands_with_all_of_them(
    store: Lake, sandbox: Sandbox, client: Shopify, one_a_page: None
) -> None:
    store.pull("shopify")
    sold = sandbox.sell(*FATES)
    assert store.pull("shopify").rows["shopify_orders"] == 4
    found = landed(store, "shopify_orders")
    assert [len(nodes(found[identity]["lineItems"])) for identity in sold] == [2, 2, 2, 2]
    assert [len(nodes(found[identity]["refunds"][0]["refundLineItems"])) for identity in sold[1:]] == [2, 2, 1]
    for resource in RESOURCES:
        resource.nested.clear()
    whole = held(client, ORDERS)
    assert {identity: found[identity] for identity in sold} == {identity: whole[identity] for identity in sold}


def test_bulk_and_pages_give_the_same_documents_of_every_object(store: Lake, sandbox: Sandbox, client: Shopify) -> None:
    sandbox.sell(*FATES)
    store.pull("shopify")
    for resource in RESOURCES:
        paged, bulk = held(client, resource), landed(store, resource.table)
        assert bulk.keys() == paged.keys()
        for identity, document in bulk.items():
            for fulfilled in document.get("fulfillments", []):
                # A bulk operation leaves these out where they are the order's own lines.
                fulfilled.setdefault("fulfillmentLineItems", paged[identity]["fulfillments"][0]["fulfillmentLineItems"])
            assert document == paged[identity]
    assert store.disagreements() == []


def test_orders_that_bulk_cannot_give_whole_are_read_again(store: Lake, sandbox: Sandbox) -> None:
    sold = sandbox.sell(*FATES)
    store.pull("shopify")
    found = landed(store, "shopify_orders")
    assert {row["_lane"] for row in store.rows("shopify_orders")} == {"bulk"}
    assert [[len(nodes(refund["refundLineItems"])) for refund in found[one]["refunds"]] for one in sold] == [
        [], [2], [2], [1],
    ]  # fmt: skip
    applied = nodes(found[sold[0]]["discountApplications"])
    assert [(one["title"], one["value"]["percentage"]) for one in applied] == [("Free shipping", 100.0)]
    assert nodes(found[sold[0]]["shippingLines"])[0]["title"] == "Standard"
    assert found[sold[0]]["taxLines"][0]["title"] == "Sales tax"


def test_what_changes_of_any_object_lands_once(store: Lake, sandbox: Sandbox) -> None:
    store.pull("shopify")
    kinds = ("Product", "InventoryItem", "InventoryLevel", "Location", "AbandonedCheckout", "DiscountNode")
    for kind in kinds:
        sandbox.save(kind, 1)
    changed = {table: 1 for table in TABLES if table not in ("shopify_shop", "shopify_customers", "shopify_orders")}
    assert store.pull("shopify").rows == dict.fromkeys(TABLES, 0) | changed
    assert store.pull("shopify").total == 0
    assert store.disagreements() == []


def test_a_load_that_finds_nothing_new_asks_as_seldom_as_the_documentation_says(store: Lake, sandbox: Sandbox) -> None:
    store.pull("shopify")
    sandbox.asked.clear()
    assert store.pull("shopify").total == 0
    # All of the sandbox's products and stock changed in the same second: of so many products the keys alone are asked.
    assert len(sandbox.asked) == 20 + 3


def test_a_deleted_product_and_a_deleted_order_are_deletions_once(store: Lake, sandbox: Sandbox) -> None:
    sold = sandbox.sell(Fate.KEPT)
    store.pull("shopify")
    gone = {sandbox.delete("Product", 3), sandbox.delete("Order", sandbox.shop.sales.first_order)}
    assert store.pull("shopify").rows == dict.fromkeys(TABLES, 0) | {"shopify_products": 1, "shopify_orders": 1}
    assert store.pull("shopify").total == 0
    rows = [row for table in ("shopify_products", "shopify_orders") for row in store.rows(table)]
    assert {row["id"] for row in rows if row["_op"] == "delete"} == gone
    assert sold[0] in gone
    assert store.disagreements() == []


def test_a_page_of_every_object_costs_less_than_one_query_may(sandbox: Sandbox) -> None:
    sandbox.sell(*FATES)
    for resource in RESOURCES:
        if not resource.below:
            said = sandbox.application.admin.executor.execute(resource.query, {"first": resource.page}, None, "shop")
            assert said["extensions"]["cost"]["requestedQueryCost"] < 1_000, resource.name


def test_a_change_that_the_search_shows_late_is_read_all_the_same(lake: Lake, vendor: Vendor) -> None:
    vendor.objects["orders"] = [order(1, 10), order(2, 20)]
    lake.pull("shopify")
    vendor.objects["orders"] += [order(3, 15)]
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert lake.cursor("shopify_orders", "shopify") == TIME.format(20)


def test_more_than_one_search_may_hold_is_read_by_several(client: Shopify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LEG", 7)
    found = [one.keys.id for documents in read_changes(client, ORDERS, "") for one in documents if one.keys]
    assert len(set(found)) == 30


def test_the_next_pages_are_on_their_way_while_one_is_given(app: Settings, vendor: Vendor) -> None:
    vendor.objects["orders"] = [order(number, 10) for number in range(1 + 2 * ORDERS.page)]
    last = Event()

    def asked(request: Asked) -> None:
        if b"query Orders" in request.body and request.graphql["variables"]["after"] == str(2 * ORDERS.page):
            last.set()

    vendor.before = [asked]
    found = read_changes(Shopify(app.model_copy(update={"shopify_url": vendor.url})), ORDERS, "")
    assert len(next(found)) == ORDERS.page
    assert last.wait(60)


@pytest.mark.parametrize("spaced", [False, True])
def test_a_page_on_which_one_list_goes_on_is_told_from_one_that_is_all_there(spaced: bool) -> None:
    def page(nested: bool, goes_on: bool) -> bytes:
        node = {"id": "gid://shopify/Order/1", "lineItems": {"edges": [], "pageInfo": {"hasNextPage": nested}}}
        answer = {"data": {"orders": {"edges": [{"node": node}], "pageInfo": {"hasNextPage": goes_on}}}}
        return json.dumps(answer, separators=(", ", ": ") if spaced else (",", ":")).encode()

    assert [all_there(page(True, goes_on), goes_on) for goes_on in (False, True)] == [False, False]
    # With spaces in it, each document is looked at.
    assert [all_there(page(False, goes_on), goes_on) for goes_on in (False, True)] == [not spaced, not spaced]


@pytest.mark.parametrize("space", ["", " ", "\n  "])
def test_a_whole_document_stays_as_it_was_received(client: Shopify, space: str) -> None:
    payload = (
        f'{{"id":{space}"gid://shopify/Order/1","lineItems":{{"edges":[],"pageInfo":{{"hasNextPage":{space}false}}}}}}'
    )
    assert drained(client, ORDERS, payload.encode()) == payload.encode()


def test_a_repair_is_told_every_id_and_version_and_reads_each_document_as_it_landed(
    store: Lake, sandbox: Sandbox
) -> None:
    sandbox.sell(*FATES)
    store.pull("shopify")
    for table in TABLES:
        rows = {row["id"]: row for row in store.rows(table)}
        there = {(identity, row["version"]) for identity, row in rows.items()}
        assert set(versions(store.settings, table, "")) == there
        newest = max(version for _, version in there)
        assert set(versions(store.settings, table, newest)) == {pair for pair in there if pair[1] == newest}
        *found, last = read_again(store.settings, table, [*rows, "gid://shopify/Order/1"])
        assert last == ("gid://shopify/Order/1", "", None)
        assert {(identity, version) for identity, version, _ in found} == there
        for identity, _, payload in found:
            document, bulk = json.loads(payload or b""), json.loads(rows[identity]["payload"])
            assert document.keys() | {"__parentId"} == bulk.keys() | {"__parentId"}


@pytest.mark.parametrize("cursor", [None, "same"])
def test_a_page_that_is_given_over_and_over_is_a_sentence(lake: Lake, vendor: Vendor, cursor: str | None) -> None:
    vendor.objects["orders"] = [order(1, 10)]
    lake.pull("shopify")
    page = {"edges": [{"node": order(2, 20)}], "pageInfo": {"hasNextPage": True, "endCursor": cursor}}
    repeated = body({"data": {"orders": page}})
    before = list(vendor.before)
    vendor.before = [lambda asked: repeated if b"query Orders" in asked.body else None] * 4
    with pytest.raises(SourceError, match=r"^Shopify gave the same page of orders again and again; run again\.$"):
        lake.pull("shopify")
    vendor.before = before
    vendor.objects["orders"].append(order(2, 20))
    assert lake.pull("shopify").rows["shopify_orders"] == 1


def test_a_page_that_is_given_twice_is_read_once(lake: Lake, vendor: Vendor) -> None:
    vendor.objects["orders"] = [order(number, 10) for number in range(120)]
    lake.pull("shopify")
    vendor.objects["orders"] = [order(number, 30) for number in range(120)]
    first = vendor._data(ORDERS.query, {"query": "updated_at:>='2'", "after": None, "first": ORDERS.page})
    repeated = body({"data": first})
    vendor.before = [lambda asked: repeated if f'"after":"{ORDERS.page}"'.encode() in asked.body else None]
    assert lake.pull("shopify").rows["shopify_orders"] == 120
    assert vendor.before == []
    assert lake.disagreements() == []


def test_what_is_deleted_is_read_again_as_nothing(client: Shopify, sandbox: Sandbox) -> None:
    gone = [sandbox.delete(kind, 0) for kind in ("Product", "Customer", "Location", "DiscountNode")]
    gone[3] = gone[3].replace("DiscountNode", "DiscountAutomaticNode")
    tables = ("shopify_products", "shopify_customers", "shopify_locations", "shopify_discounts")
    for table, identity in zip(tables, gone, strict=True):
        assert list(read_again(client, table, [identity])) == [(identity, "", None)]


def test_documents_that_cost_too_much_together_are_read_in_smaller_batches(app: Settings, vendor: Vendor) -> None:
    def too_costly(asked: Asked) -> Reply | None:
        error = {"message": "Query cost is 1001", "extensions": {"code": "MAX_COST_EXCEEDED"}}
        return body({"errors": [error]}) if b"$i3" in asked.body else None

    vendor.before = [too_costly] * 9
    asked = list(read_again(app.model_copy(update={"shopify_url": vendor.url}), "shopify_customers", list("abcdef")))
    assert [(identity, payload) for identity, _, payload in asked] == [(identity, None) for identity in "abcdef"]
    sizes = [request.body.count(b": ID!") for request in vendor.asked if b"query Again" in request.body]
    assert sizes == [6, 3, 3]

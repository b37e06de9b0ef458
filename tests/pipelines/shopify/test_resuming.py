"""A bulk operation outlives the run that started it, and its result every broken connection."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.sandbox.answer import Answer, Request
from infra.sandbox.selling.sales import Fate
from lake.errors import SourceError
from pipelines.shopify.api import Shopify
from pipelines.shopify.bulk import Bulk
from pipelines.shopify.resources import RESOURCES
from tests.pipelines.conftest import Lake
from tests.pipelines.shopify.conftest import Sandbox
from tests.pipelines.vendor import Asked, Reply, Vendor, body, order

ORDERS = next(resource for resource in RESOURCES if resource.name == "orders")


def started(sandbox: Sandbox) -> int:
    return sum(b"bulkOperationRunQuery" in request.body for request in sandbox.asked)


def test_an_operation_is_found_again_after_a_crash(client: Shopify, sandbox: Sandbox, tmp_path: Path) -> None:
    before = Bulk(client, ORDERS, tmp_path).run()
    again = Bulk(client, ORDERS, tmp_path)
    assert again.run()["id"] == before["id"]
    assert started(sandbox) == 1
    assert len(list(again.read(before))) == 30
    again.forget()
    assert Bulk(client, ORDERS, tmp_path).run()["id"] != before["id"]
    assert started(sandbox) == 2


def test_an_operation_is_found_again_while_its_result_is_half_read(
    client: Shopify, sandbox: Sandbox, tmp_path: Path
) -> None:
    bulk = Bulk(client, ORDERS, tmp_path)
    half = bulk.read(bulk.run())
    next(half)
    again = Bulk(client, ORDERS, tmp_path)
    assert len(list(again.read(again.run()))) == 30
    assert started(sandbox) == 1


def test_a_noted_operation_of_another_query_is_not_taken(client: Shopify, sandbox: Sandbox, tmp_path: Path) -> None:
    Bulk(client, ORDERS, tmp_path).run()
    note = Bulk(client, ORDERS, tmp_path).note
    note.write_text(note.read_text().replace("sku", "title"))
    Bulk(client, ORDERS, tmp_path).run()
    assert started(sandbox) == 2


def test_a_noted_operation_that_is_gone_is_started_anew(client: Shopify, sandbox: Sandbox, tmp_path: Path) -> None:
    Bulk(client, ORDERS, tmp_path).run()
    note = Bulk(client, ORDERS, tmp_path).note
    note.write_text(note.read_text().rpartition("/")[0] + "/1")
    assert Bulk(client, ORDERS, tmp_path).run()["status"] == "COMPLETED"
    assert started(sandbox) == 2


def test_an_operation_for_what_changed_is_of_use_until_its_result_has_landed(
    client: Shopify, sandbox: Sandbox, tmp_path: Path
) -> None:
    def run(held: int) -> str:
        bulk = Bulk(client, ORDERS, tmp_path)
        bulk.narrow("updated_at:>='2030-01-01T00:00:00Z'", held)
        operation = bulk.run()
        assert len(list(bulk.read(operation))) == 2
        return str(operation["id"])

    sandbox.sell(Fate.KEPT, Fate.REFUNDED)
    first = run(held=3)
    assert run(held=3) == first
    assert run(held=5) != first
    assert started(sandbox) == 2


def test_a_load_that_failed_at_another_object_takes_the_result_that_is_there(lake: Lake, vendor: Vendor) -> None:
    vendor.objects = {"orders": [order(1, 10, "a")]}
    vendor.before = [lambda asked: (403, {}, b"{}") if asked.path == "/bulk/orders" else None]
    with pytest.raises(SourceError, match="answered 403"):
        lake.pull("shopify")
    vendor.asked.clear()
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    # Those after the orders weren't started by then; of those before, none is started again.
    begun = [asked.graphql["variables"]["query"] for asked in vendor.asked if b"bulkOperationRunQuery" in asked.body]
    assert not any("products {" in query or "customers {" in query for query in begun)
    assert any("orders {" in query for query in begun)
    lake.pull("shopify")
    assert list((lake.settings.state_dir / "shopify").glob("*")) == []


def test_an_operation_of_the_same_query_that_runs_is_joined(lake: Lake, vendor: Vendor) -> None:
    vendor.objects = {"orders": [order(1, 10, "a")]}
    vendor.busy = 1
    running = {"id": "orders", "status": "RUNNING", "query": ORDERS.bulk_query}
    vendor.before = [
        lambda asked: body({"data": {"currentBulkOperation": running}}) if b"query Current" in asked.body else None
    ]
    chosen = Lake(lake.settings.model_copy(update={"shopify_objects": ["orders"]}), lake.catalogue)
    assert chosen.pull("shopify").rows["shopify_orders"] == 1
    assert sum(b"bulkOperationRunQuery" in asked.body for asked in vendor.asked) == 1


def test_partial_data_of_an_operation_that_failed_is_never_taken(lake: Lake, vendor: Vendor) -> None:
    vendor.objects = {"orders": [order(1, 10, "a")]}

    def failed(asked: Asked) -> Reply | None:
        node = {"id": "orders", "status": "FAILED", "errorCode": "INTERNAL_SERVER_ERROR", "url": None}
        said = node | {"partialDataUrl": f"{vendor.url}/bulk/orders", "rootObjectCount": "1"}
        return body({"data": {"node": said}}) if b"query Poll" in asked.body and b"orders" in asked.body else None

    vendor.before = [failed]
    with pytest.raises(SourceError, match=r"for orders ended as FAILED \(INTERNAL_SERVER_ERROR\); run again"):
        lake.pull("shopify")
    assert lake.rows("shopify_orders") == []
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert lake.disagreements() == []


@pytest.fixture
def cut(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Cut the next results of bulk operations down, so often, without saying so."""
    left = [0]
    whole = sandbox.application.answer

    def answer(request: Request) -> Answer:
        given = whole(request)
        if given.file and left[0]:
            left[0] -= 1
            return Answer(given.status, given.file.read_bytes()[:999], given.headers)
        return given

    monkeypatch.setattr(sandbox.application, "answer", answer)
    return lambda times: left.__setitem__(0, times)


def test_a_result_that_breaks_off_is_read_to_its_end(
    client: Shopify, tmp_path: Path, cut: Callable[[int], None]
) -> None:
    cut(2)
    bulk = Bulk(client, ORDERS, tmp_path)
    documents = list(bulk.read(bulk.run()))
    assert [document.fault for document in documents] == [""] * 30
    assert all(json.loads(document.payload)["lineItems"]["edges"] for document in documents)


def test_a_result_that_always_breaks_off_is_a_sentence(
    client: Shopify, tmp_path: Path, cut: Callable[[int], None]
) -> None:
    cut(99)
    bulk = Bulk(client, ORDERS, tmp_path)
    with pytest.raises(SourceError, match=r"^Shopify's bulk result broke off again and again; run again"):
        list(bulk.read(bulk.run()))

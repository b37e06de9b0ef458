"""Documents that change are told once, with an example that tells nothing of a person, and nothing is held back."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog

from lake import failpoints
from lake.catalogue import ensure_table
from lake.commits import Mark, commit_once
from lake.documents import SCHEMA
from lake.drift import Change, Kind, known_drift, watch
from lake.drift.expectations import CASTS, expectations
from lake.drift.masks import masked, word_or_mask
from lake.drift.shapes import Shape, flat
from lake.errors import BoathouseError
from lake.settings import Settings

ORDER = {
    "name": "#1",
    "displayFinancialStatus": "PAID",
    "createdAt": "2026-01-01T00:00:00Z",
    "totalPriceSet": {"shopMoney": {"amount": "1.00"}},
    "customer": {"id": "gid://shopify/Customer/1", "note": "kind"},
    "lines": [{"quantity": 1}],
    "metadata": {"a": "1"},
}


class Lake:
    """Bronze and its ledger in namespaces of their own."""

    def __init__(self, settings: Settings, catalogue: Catalog, unique: str) -> None:
        self.settings, self.catalogue, self.name = settings, catalogue, unique
        self.loads = 0

    def load(self, *documents: dict[str, Any], table: str = "shopify_orders", lane: str = "poll") -> None:
        """Commit one load of documents."""
        self.loads += 1
        rows = [
            {
                "id": f"{self.loads}-{number}",
                "version": "2026-01-01T00:00:00Z",
                "payload": orjson.dumps(document).decode(),
                "_op": "upsert",
                "_lane": lane,
                "_api_version": "",
                "_received_at": datetime(2026, 1, 1, tzinfo=UTC),
                "_load_id": f"load-{self.loads}",
            }
            for number, document in enumerate(documents)
        ]
        target = ensure_table(self.catalogue, f"{self.name}.{table}", SCHEMA, partition_day="_received_at")
        commit_once(target, [pa.Table.from_pylist(rows, schema=SCHEMA)], Mark("test", f"load-{self.loads}"))

    def watch(self) -> list[Change]:
        return watch(self.settings, self.catalogue, self.name, f"{self.name}_ops")

    def drift(self) -> list[dict[str, Any]]:
        return known_drift(self.catalogue, f"{self.name}_ops")

    def quarantine(self) -> list[dict[str, Any]]:
        rows = self.catalogue.load_table(f"{self.name}.quarantine").scan().to_arrow().to_pylist()
        return sorted(rows, key=lambda row: str(row["reason"]))


@pytest.fixture
def lake(settings: Settings, catalogue: Catalog, unique: str) -> Lake:
    return Lake(settings, catalogue, unique)


def seen(changes: list[Change]) -> list[tuple[Kind, str, int]]:
    return [(change.kind, change.path, change.count) for change in changes]


def test_the_first_load_and_more_of_the_same_are_no_drift(lake: Lake) -> None:
    lake.load(ORDER, ORDER)
    assert lake.watch() == []
    lake.load(ORDER | {"metadata": {"b": "2"}, "customer": None, "lines": []})
    assert lake.watch() == []
    assert lake.drift() == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"carrier": {"code": "x"}}, [(Kind.NEW_FIELD, "carrier", '{"xxxx":"x"}')]),
        ({"customer": ORDER["customer"] | {"vat": "1"}}, [(Kind.NEW_FIELD, "customer.vat", "9")]),  # type: ignore[operator]
        ({"lines": [{"quantity": 1, "gift": True}]}, [(Kind.NEW_FIELD, "lines[].gift", "xxxx")]),
        ({"lines": [{"quantity": "one"}]}, [(Kind.CHANGED_TYPE, "lines[].quantity", "xxx")]),
        ({"name": 1}, [(Kind.CHANGED_TYPE, "name", "9")]),
        ({"displayFinancialStatus": "FORGIVEN"}, [(Kind.UNKNOWN_VALUE, "displayFinancialStatus", "FORGIVEN")]),
    ],
)
def test_what_is_new_in_a_document_is_drift(
    lake: Lake, changed: dict[str, Any], found: list[tuple[Kind, str, str]]
) -> None:
    lake.load(ORDER)
    lake.watch()
    lake.load(ORDER | changed)
    changes = lake.watch()
    assert [(change.kind, change.path, change.example) for change in changes] == found
    assert [row["path"] for row in lake.drift()] == [path for _, path, _ in found]
    assert lake.watch() == []


def test_a_field_that_goes_and_nulls_that_jump_are_drift(lake: Lake) -> None:
    lake.load(*[ORDER] * 50)
    lake.watch()
    without = {name: value for name, value in ORDER.items() if name != "name"}
    emptied = without | {"customer": {"id": None, "note": "kind"}}
    lake.load(*[without] * 30, *[emptied] * 20)
    assert sorted(seen(lake.watch())) == [(Kind.MISSING_FIELD, "name", 50), (Kind.NULLS_JUMPED, "customer.id", 20)]


def test_a_few_documents_say_nothing_of_nulls(lake: Lake) -> None:
    lake.load(*[ORDER] * 50)
    lake.watch()
    lake.load(ORDER | {"name": None})
    assert lake.watch() == []


def test_every_lane_has_a_shape_of_its_own(lake: Lake) -> None:
    lake.load(ORDER)
    lake.load({"total_price": "1.00", "financial_status": "paid"}, lane="webhook")
    assert lake.watch() == []
    lake.load({"total_price": "1.00", "financial_status": "paid", "tip": "1"}, lane="webhook")
    assert seen(lake.watch()) == [(Kind.NEW_FIELD, "tip", 1)]


def test_drift_keeps_when_it_was_first_seen(lake: Lake) -> None:
    for _ in range(2):
        lake.load(ORDER | {"displayFinancialStatus": "FORGIVEN"})
        lake.watch()
    first, again = lake.drift()
    assert first["first_seen"] == again["first_seen"] == first["seen"] < again["seen"]


def test_a_value_that_does_not_cast_is_quarantined_with_its_reason_and_no_person_in_it(lake: Lake) -> None:
    lake.load(ORDER, ORDER | {"totalPriceSet": {"shopMoney": {"amount": "ann@b.org"}}, "closedAt": "soon"})
    amount, closed = sorted(lake.watch(), key=lambda change: change.path, reverse=True)
    assert (amount.kind, amount.example, amount.count) == (Kind.UNCAST_VALUE, "xxx@x.xxx", 1)
    rows = lake.quarantine()
    assert [(row["id"], row["object"]) for row in rows] == [("1-1", "shopify_orders")] * 2
    assert rows[0]["reason"] == "closedAt can't be read as an instant (xxxx), so it is NULL in silver"
    assert rows[1]["reason"].endswith("as an amount of money (xxx@x.xxx), so its document is left out of silver")
    assert "ann@b.org" in rows[1]["payload"]
    assert closed.path == "closedAt"


def test_a_value_in_a_list_that_does_not_cast_is_told_too(lake: Lake) -> None:
    lines = {"edges": [{"node": {"quantity": 1}}, {"node": {"quantity": "many"}}]}
    lake.load(ORDER | {"lineItems": lines})
    (change,) = lake.watch()
    assert (change.path, change.example, change.count) == ("lineItems.edges[].node.quantity", "xxxx", 1)
    assert lake.quarantine()[0]["reason"].endswith("(xxxx), so its item is left out of silver")


def test_a_watch_that_was_killed_half_way_tells_everything_once(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, armed: Callable[[str], None]
) -> None:
    lake.load(ORDER | {"displayFinancialStatus": "FORGIVEN", "closedAt": "soon"})
    armed("drift.recorded:1:error")
    with pytest.raises(BoathouseError):
        lake.watch()
    armed("")
    assert len(lake.watch()) == len(lake.drift()) == 2
    assert len(lake.quarantine()) == 1


@pytest.fixture
def armed() -> Any:
    yield failpoints.arm
    failpoints.arm("")


def test_documents_that_are_no_json_are_left_alone(lake: Lake) -> None:
    lake.load(ORDER)
    target = lake.catalogue.load_table(f"{lake.name}.shopify_orders")
    rows = target.scan().to_arrow().set_column(2, "payload", pa.array(["{"]))
    commit_once(target, [rows.set_column(7, "_load_id", pa.array(["load-x"])).cast(SCHEMA)], Mark("test", "load-x"))
    assert lake.watch() == []


def test_masks_tell_the_form_alone() -> None:
    assert masked("Ann Ó'Neil, 12 High St") == "xxx x'xxxx, 99 xxxx xx"
    assert masked("a" * 50) == "x" * 40 + "…"
    assert (word_or_mask("PAID_LATE"), word_or_mask("ann@b.org")) == ("PAID_LATE", "xxx@x.xxx")


def test_shapes_add_up_and_what_one_never_saw_counts_as_null() -> None:
    one = Shape({"a": "integer", "b": "text"}, 2, 2, {"a": 1, "b": 0})
    other = Shape({"a": "number", "c": "null"}, 3, 3, {"a": 0})
    both = one.merged(other)
    assert both == Shape({"a": "number", "b": "text", "c": "null"}, 5, 5, {"a": 1, "b": 3})
    assert flat({"a": [{"b": "VARCHAR"}], "metadata": {"x": "VARCHAR"}}) == {
        "a": "list",
        "a[]": "object",
        "a[].b": "text",
        "metadata": "object",
        "metadata.*": "free",
    }


def test_expectations_name_kinds_that_there_are() -> None:
    for said in expectations().values():
        for lane in (said, said.get("webhook", {})):
            assert set(lane) <= {"required", "casts", "values", "webhook"}
            assert {*lane.get("required", {}).values(), *lane.get("casts", {}).values()} <= set(CASTS)

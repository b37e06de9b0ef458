"""A repair finds what bronze lacks and what it shows too much, names it, and mends it once."""

from collections.abc import Callable

import pytest

from boathouse.repair import parse_since
from lake import failpoints
from lake.errors import BoathouseError, SettingError, UnknownNameError
from pipelines.repair import WRITER, Difference, difference, named, repair
from tests.pipelines.chaos.conftest import Scene

ORDERS = {"shopify": ("shopify_shop", "shopify_orders"), "stripe": ("stripe_events", "stripe_charges")}


def found(there: Scene, table: str, since: str = "") -> Difference:
    return difference(there.lake.settings, there.lake.catalogue, table, since)


def mend(there: Scene, table: str) -> int:
    return repair(there.lake.settings, there.lake.catalogue, found(there, table))


@pytest.mark.parametrize("vendor", ["shopify", "stripe"])
def test_what_no_lane_brought_is_named_and_fetched_once(scene: Callable[..., Scene], vendor: str) -> None:
    there = scene(vendor, ORDERS[vendor])
    table = ORDERS[vendor][1]
    there.pull()
    assert found(there, table).agrees
    there.sandbox.write(orders=3, changes=2)
    lacking = found(there, table)
    assert lacking.missing
    assert lacking.gone == ()
    assert lacking.said == len(there.sandbox.truth(table))
    assert mend(there, table) == len(lacking.missing)
    assert found(there, table).agrees
    assert mend(there, table) == 0
    assert [fault for fault in there.wrong() if fault.startswith(table)] == []
    repaired = [row for row in there.lake.rows(table) if row["_lane"] == WRITER]
    assert sorted(row["id"] for row in repaired) == sorted(lacking.missing)
    assert there.lake.disagreements() == []


def test_the_next_pull_after_a_repair_doubles_nothing(scene: Callable[..., Scene]) -> None:
    there = scene("shopify", ORDERS["shopify"])
    there.pull()
    there.sandbox.write(orders=3, changes=2)
    mend(there, "shopify_orders")
    there.pull()
    assert there.wrong() == []


def test_a_deletion_that_nobody_told_of_is_found_and_noted(scene: Callable[..., Scene]) -> None:
    there = scene("shopify", ("shopify_customers",))
    there.pull()
    customer = there.sandbox.truth("shopify_customers")[3]["id"]
    answer = there.sandbox.http.post("/sandbox/delete", json={"id": customer})
    assert answer.status_code == 200, answer.text
    assert found(there, "shopify_customers").gone == (customer,)
    assert mend(there, "shopify_customers") == 1
    (row,) = [row for row in there.lake.rows("shopify_customers") if row["_op"] == "delete"]
    assert (row["id"], row["_lane"]) == (customer, "repair")
    assert found(there, "shopify_customers").agrees


def test_only_what_changed_since_is_asked_for(scene: Callable[..., Scene]) -> None:
    there = scene("shopify", ORDERS["shopify"])
    there.sandbox.write(orders=3)
    since = min(
        entry["version"] for entry in sorted(there.sandbox.truth("shopify_orders"), key=lambda e: e["version"])[-3:]
    )
    assert len(found(there, "shopify_orders", since).missing) == 3


def test_a_repair_that_is_cut_short_goes_on_and_doubles_nothing(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = scene("shopify", ORDERS["shopify"])
    monkeypatch.setattr("pipelines.repair.ROUND", 20)
    failpoints.arm("repair.landed:2:error")
    with pytest.raises(BoathouseError):
        mend(there, "shopify_orders")
    failpoints.arm("")
    assert mend(there, "shopify_orders") == 20
    assert [fault for fault in there.wrong() if "orders" in fault] == []


def test_an_object_is_meant_by_its_name_when_only_one_has_it() -> None:
    assert named("orders") == "shopify_orders"
    assert named("charges") == named("stripe_charges") == "stripe_charges"
    with pytest.raises(UnknownNameError, match="there is shopify_customers, stripe_customers"):
        named("customers")
    with pytest.raises(UnknownNameError, match="There is no object 'order'"):
        named("order")


def test_a_time_is_read_as_people_write_it() -> None:
    assert parse_since("all") == ""
    assert parse_since("2026-01-31") == "2026-01-31T00:00:00Z"
    assert parse_since("2026-01-31T12:00:00+02:00") == "2026-01-31T10:00:00Z"
    assert parse_since("0d").endswith("Z")
    with pytest.raises(SettingError, match="--since 'soon' is no time"):
        parse_since("soon")

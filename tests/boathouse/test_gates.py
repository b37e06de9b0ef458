"""Write, audit, publish: what readers see while a run fails, is held back, is approved, and is undone."""

import re
from decimal import Decimal
from typing import Any, NamedTuple

import duckdb
import pytest

from boathouse import approvals, releases
from boathouse.gates import Gates, settled
from boathouse.quality import show_checks, show_quality
from boathouse.refresh import bronze_pins, release_gold
from lake.audits import known_audits
from lake.errors import AuditError, HeldError, QueryError, ReleaseError, UnknownNameError
from lake.questions import query
from lake.releases import Entry, history, standing
from lake.warehouse import WAREHOUSE, fingerprint
from tests.boathouse.conftest import House
from tests.chaos.killing import order
from tests.sqlmesh.test_transforms import SHOP

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported
CHARGE = {"amount": 1000, "currency": "usd", "status": "succeeded", "created": 1767225600, "balance_transaction": "t"}
MOVED = {"amount": 1000, "fee": 50, "net": 900, "currency": "usd", "created": 1767225600}
TWO_ORDERS = [("1", Decimal("10.00")), ("2", Decimal("20.00"))]
Out = pytest.CaptureFixture[str]


class Moment(NamedTuple):
    """A moment of the story: what a reader sees, what stands and waits, what was said."""

    orders: list[tuple[Any, ...]]
    current: Entry
    waiting: Entry | None
    said: str


def now(house: House, said: str = "") -> Moment:
    orders = query(house.settings, "SELECT order_id, net_amount FROM gold.fact_orders ORDER BY 1").rows
    current, waiting = standing(house.catalogue)
    assert current is not None
    return Moment(orders, current, waiting, said)


@pytest.fixture(scope="module")
def first(house: House) -> Moment:
    """Two orders of January are released."""
    house.land("a", "shopify_shop", [SHOP])
    house.land("a", "shopify_orders", [order(1, "2026-01-01", "10.00"), order(2, "2026-01-02", "20.00")])
    house.run()
    return now(house)


@pytest.fixture(scope="module")
def failed(house: House, first: Moment) -> Moment:
    """A run over a late order and a wrong charge failed, and left the warehouse with a hole."""
    house.land("b", "shopify_orders", [order(3, "2025-12-01", "5.00")])
    house.land("b", "stripe_charges", [("ch", "2026-01-01T00:00:00Z", CHARGE)])
    house.land("b", "stripe_balance_transactions", [("t", "2026-01-01T00:00:00Z", MOVED)])
    with pytest.raises(AuditError) as caught:
        house.run()
    with duckdb.connect(str(house.settings.state_dir / WAREHOUSE)) as warehouse:
        view = warehouse.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'fact_orders'").fetchone()
        assert view is not None
        table = str(view[0]).rsplit("FROM ", 1)[1].rstrip(";\n ")
        warehouse.execute(f"DELETE FROM {table} WHERE order_id = '2'")
    return now(house, str(caught.value))


@pytest.fixture(scope="module")
def held(house: House, failed: Moment) -> Moment:
    """The charge is mended and an order of January changed by more than two percent."""
    house.land("c", "stripe_balance_transactions", [("t", "2026-01-02T00:00:00Z", MOVED | {"net": 950})])
    house.land("c", "shopify_orders", [order(1, "2026-01-01", "15.00", version="2026-01-05T00:00:00Z")])
    with pytest.raises(HeldError) as caught:
        house.run()
    with pytest.raises(HeldError) as again:
        settled(house.catalogue)
    assert str(again.value) == str(caught.value)
    return now(house, str(caught.value))


@pytest.fixture(scope="module")
def approved(house: House, held: Moment) -> Moment:
    """Somebody says why."""
    approvals.approve(house.settings, None, "the customer ordered more")
    with pytest.raises(ReleaseError) as caught:
        approvals.approve(house.settings, None, "again")
    return now(house, str(caught.value))


@pytest.fixture(scope="module")
def undone(house: House, first: Moment, approved: Moment) -> Moment:
    """The first release is named as current again, and a run builds once more."""
    approvals.roll_back(house.settings, first.current.release.release_id, "wrong prices")
    with pytest.raises(HeldError) as caught:
        release_gold(house.settings, Gates(house.catalogue), bronze_pins(house.catalogue), fingerprint())
    return now(house, str(caught.value))


def test_every_gate_leaves_a_row_for_every_check_also_for_one_that_saw_nothing(house: House, first: Moment) -> None:
    rows = known_audits(house.catalogue).to_pylist()
    rows = [row for row in rows if row["run_id"] == rows[0]["run_id"]]
    kinds = {(row["kind"], row["model"].split(".")[0]) for row in rows}
    assert kinds == {("contract", "bronze"), ("audit", "silver"), ("audit", "gold"), ("contract", "gold")}
    assert {row["severity"] for row in rows} == {"block", "warn"}
    assert {row["vacuous"] for row in rows if row["model"] == "gold.fact_payments"} == {True}
    assert {row["vacuous"] for row in rows if row["model"] == "gold.fact_orders"} == {False}
    suite = {row["audit"] for row in rows if row["model"] == "gold.fact_orders" and row["kind"] == "audit"}
    assert {word.split("(")[0] for word in suite} >= {"not_null", "unique_values", "value_between", "row_count_between"}


def test_a_failed_audit_and_the_hole_it_left_are_seen_by_nobody(house: House, first: Moment, failed: Moment) -> None:
    assert failed.said.startswith("The audit forall(")
    assert failed.orders == first.orders == TWO_ORDERS
    assert failed.current == first.current


def test_offenders_are_shown_by_their_form(house: House, failed: Moment) -> None:
    rows = known_audits(house.catalogue, "gold.fact_payments").to_pylist()
    (wrong,) = [row for row in rows if not row["passed"]]
    assert (wrong["offenders"], wrong["rows"], wrong["severity"]) == (1, 1, "block")
    assert '"charge_id":"xx"' in wrong["sample"]


def test_what_each_check_of_a_table_found_can_be_read(house: House, failed: Moment, capsys: Out) -> None:
    show_checks(house.settings, "gold.fact_orders")
    said = capsys.readouterr().out
    assert re.search(r"^passed   block  audit +\d rows  unique_values\(", said, re.MULTILINE)
    assert re.search(r"^failed   warn   audit +1 of \d rows  row_count_between\(.*\n +such as \[", said, re.MULTILINE)
    assert re.search(r"^gold.fact_orders: \d+ checks, 1 failed$", said, re.MULTILINE)
    with pytest.raises(UnknownNameError, match=r"'fact_orders'; there is .*gold\.fact_orders"):
        show_checks(house.settings, "fact_orders")


def test_a_release_over_its_budget_waits_and_readers_stay_where_they_were(first: Moment, held: Moment) -> None:
    assert (held.orders, held.current) == (first.orders, first.current)
    assert held.waiting is not None
    name = held.waiting.release.release_id
    assert held.said.startswith(f"The release {name} is held back: net_revenue of closed days moves at most 2")
    assert "2026-01-01: 10.00 -> 15.00 USD" in held.said
    assert "`boathouse release approve --reason …` lets it out" in held.said


def test_somebody_with_a_reason_lets_it_out(held: Moment, approved: Moment) -> None:
    assert approved.orders == [("1", Decimal("15.00")), ("2", Decimal("20.00")), ("3", Decimal("5.00"))]
    assert held.waiting is not None
    assert approved.current.release == held.waiting.release
    assert (approved.current.reason, approved.waiting) == ("the customer ordered more", None)
    assert approved.said.startswith("Nothing waits")


def test_after_a_rollback_runs_hold_back_what_they_build_and_say_so(
    house: House, first: Moment, undone: Moment, capsys: Out
) -> None:
    name = first.current.release.release_id
    assert undone.orders == TWO_ORDERS
    assert undone.current.release == first.current.release
    assert f"the rollback to {name} stands (wrong prices)" in undone.said
    assert undone.said.endswith(f"{name} stays current.")
    assert [one.event for one in history(house.catalogue)] == ["cut", "held", "approved", "rolled back", "held"]
    releases.show_list(house.settings)
    said = capsys.readouterr().out
    assert "wrong prices" in said
    assert re.search(rf"current {name} · \S+ waits for approval$", said.strip())


def test_what_changed_a_number_is_found_with_the_row_and_its_load(
    house: House, first: Moment, approved: Moment, capsys: Out
) -> None:
    releases.show_bisection(house.settings, "net_revenue 2026-01-01")
    said = capsys.readouterr().out
    before, after = first.current.release.release_id, approved.current.release.release_id
    assert f"{before}  10.00 USD" in said
    assert f"{after}  15.00 USD" in said
    assert "load of bronze.shopify_orders: c" in said
    assert re.search(r"row ~ order_key=\w+ order_id=1, by load bronze\.shopify_orders c\n", said)
    assert "model" not in said
    assert said.splitlines()[-1] == f"bisect: net_revenue 2026-01-01 · changed last in {after} by loads"
    releases.show_bisection(house.settings, "net_revenue 2026-01-02")
    assert capsys.readouterr().out.splitlines()[-1].endswith("the same in every release (2)")
    releases.show_bisection(house.settings, "net_revenue_to_date 2026-01-02")
    assert re.search(r"row ~ order_key=\w+ order_id=1, by load", capsys.readouterr().out)
    with pytest.raises(QueryError, match=r"^'9999' is out of range; ask for one from 1900-01-01 to 2199-12-31\.$"):
        releases.show_bisection(house.settings, "net_revenue 9999")


def test_two_releases_are_compared_by_the_keys_that_differ(
    house: House, first: Moment, approved: Moment, capsys: Out
) -> None:
    releases.show_diff(house.settings, first.current.release.release_id, approved.current.release.release_id)
    said = capsys.readouterr().out
    assert "gold.fact_orders: 2 rows, now 3 (+1 -0 ~1)" in said
    assert re.search(r"~ order_key=\w+ order_id=1\n", said)
    assert re.search(r"\+ order_key=\w+ order_id=3\n", said)
    assert "net_amount in 1" in said


def test_the_past_can_be_asked(house: House, first: Moment, approved: Moment, capsys: Out) -> None:
    question = "SELECT sum(net_amount) AS net FROM fact_orders"
    releases.ask_at(house.settings, first.current.release.release_id, question, "csv")
    assert capsys.readouterr().out.split() == ["net", "30.00"]


def test_loads_that_break_their_contract_stop_every_run_until_somebody_lets_them_in(
    house: House, undone: Moment, capsys: Out
) -> None:
    house.land("d", "shopify_orders", [("", "2026-01-05T00:00:00Z", {"name": "Ann"})])
    for _ in range(2):
        with pytest.raises(
            AuditError, match=r"^The contract of bronze.shopify_orders is broken: str_length\(id\) by 1 "
        ):
            Gates(house.catalogue).enter(house.settings)
    _, waiting = standing(house.catalogue)
    approvals.approve(house.settings, None, "a test of ours")
    assert waiting is not None
    assert Gates(house.catalogue).enter(house.settings) == []
    show_quality(house.settings, 3)
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"quality: \d+\.\d{4} % · \d+ checks, \d+ failed, \d+ saw no rows", last)

"""Where a load stands: a long list is read in slices without a hole, and no change between two loads is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from lake.commits import Mark, commit_once, last_mark
from lake.errors import SettingError, SourceError
from pipelines.stripe import TABLES, WRITER
from pipelines.stripe.cursor import decode
from tests.pipelines.conftest import Lake
from tests.pipelines.stripe.account import NOON, charge, event, now, seconds
from tests.pipelines.vendor import Asked, Reply, Vendor, body

CHARGES = 25


@pytest.fixture
def account(vendor: Vendor) -> Vendor:
    """An account with 25 charges, one a minute."""
    vendor.objects = {"charges": [charge(number, number) for number in range(CHARGES)]}
    return vendor


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of two pages of five."""
    monkeypatch.setattr("pipelines.stripe.windows.SLICE", 2)
    monkeypatch.setattr("pipelines.stripe.api.PAGE", 5)


def ids(lake: Lake, table: str = "stripe_charges") -> list[str]:
    return [row["id"] for row in lake.rows(table)]


def rewind(lake: Lake, days: int) -> None:
    """Let the last load of every table have been some days ago."""
    at = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name in TABLES:
        table = lake.catalogue.load_table(f"bronze.{name}")
        mark = last_mark(table, WRITER)
        assert mark is not None
        cursor = msgspec.structs.replace(decode(mark.cursor), event=at)
        commit_once(table, [], Mark(WRITER, f"rewound-{days}", msgspec.json.encode(cursor).decode()))


def broken(path: str, after: int) -> Any:
    """Refuse a list for good after some of its pages."""
    pages = iter(range(after))

    def answer(asked: Asked) -> Reply | None:
        if asked.path != path or asked.query["limit"] == "1" or next(pages, None) is not None:
            return None
        return body({"error": {"message": "broken"}}, 400)

    return answer


@pytest.mark.usefixtures("small_slices")
def test_a_long_list_is_committed_in_slices(lake: Lake, account: Vendor) -> None:
    assert lake.pull("stripe").rows["stripe_charges"] == CHARGES
    assert len(lake.catalogue.load_table("bronze.stripe_charges").snapshots()) > 2
    assert ids(lake) == sorted(f"ch_{number}" for number in range(CHARGES))
    cursor = decode(lake.cursor("stripe_charges", "stripe"))
    assert (cursor.created, cursor.high, cursor.low) == (seconds(NOON + 60 * (CHARGES - 1)), "", "")
    assert lake.disagreements() == []


@pytest.mark.usefixtures("small_slices")
@pytest.mark.parametrize("after", [3, 4, 5])
def test_an_interrupted_backfill_goes_on_where_it_stood(lake: Lake, account: Vendor, after: int) -> None:
    account.before = [broken("/v1/charges", after)]
    with pytest.raises(SourceError, match="broken"):
        lake.pull("stripe")
    stood = decode(lake.cursor("stripe_charges", "stripe"))
    assert stood.created == ""
    assert stood.low < stood.high == seconds(NOON + 60 * (CHARGES - 1))
    account.objects["charges"].append(charge(99, 99))
    account.asked.clear()
    lake.pull("stripe")
    assert max(int(asked.query.get("created[lte]", 0)) for asked in asked_pages(account)) < NOON + 60 * CHARGES
    lake.pull("stripe")
    assert ids(lake) == sorted([*(f"ch_{number}" for number in range(CHARGES)), "ch_99"])
    assert lake.disagreements() == []


def asked_pages(account: Vendor) -> list[Asked]:
    return [asked for asked in account.asked if asked.path == "/v1/charges" and asked.query["limit"] != "1"]


@pytest.mark.usefixtures("small_slices")
def test_a_slice_never_cuts_a_second_in_two(lake: Lake, account: Vendor) -> None:
    account.objects["charges"] = [charge(number, number // 17) for number in range(40)]
    assert lake.pull("stripe").rows["stripe_charges"] == 40
    assert len(set(ids(lake))) == 40
    assert lake.disagreements() == []


@pytest.mark.usefixtures("small_slices")
def test_a_change_while_the_backfill_runs_is_read_again(lake: Lake, account: Vendor) -> None:
    account.before = [broken("/v1/charges", 4)]
    with pytest.raises(SourceError):
        lake.pull("stripe")
    account.objects["charges"][-1]["refunded"] = True
    account.objects["events"] = [event(1, {"id": "ch_24", "object": "charge"})]
    lake.pull("stripe")
    last = [row for row in lake.rows("stripe_charges") if row["id"] == "ch_24"][-1]
    assert '"refunded": true' in last["payload"]


def test_two_changes_in_one_second_are_both_seen(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    for number, state in enumerate(("first", "second"), 1):
        account.objects["charges"][7]["description"] = state
        account.objects.setdefault("events", []).append(event(number, {"id": "ch_7", "object": "charge"}))
        assert lake.pull("stripe").rows["stripe_charges"] == 1
    assert lake.pull("stripe").total == 0
    found = [(row["version"], state_of(row)) for row in lake.rows("stripe_charges") if row["id"] == "ch_7"]
    assert found[1:] == [(seconds(now()), "first"), (f"{seconds(now())}~0002", "second")]


def state_of(row: dict[str, Any]) -> Any:
    return msgspec.json.decode(row["payload"]).get("description")


def test_a_session_that_changes_in_the_second_it_was_made_is_read_again(lake: Lake, account: Vendor) -> None:
    """No event tells of a checkout session's beginning."""
    session = {"id": "cs_1", "object": "checkout.session", "created": now(), "status": "open"}
    lake.pull("stripe")
    account.objects["sessions"] = [session]
    assert lake.pull("stripe").rows["stripe_checkout_sessions"] == 1
    account.objects["sessions"] = [session | {"status": "expired"}]
    account.objects["events"] = [event(1, session)]
    assert lake.pull("stripe").rows["stripe_checkout_sessions"] == 1
    assert '"expired"' in lake.rows("stripe_checkout_sessions")[-1]["payload"]


def test_an_event_that_comes_twice_counts_once(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    account.objects["events"] = [event(1, {"id": "ch_7", "object": "charge"})] * 2
    assert lake.pull("stripe").rows["stripe_charges"] == 1
    assert [row["version"] for row in lake.rows("stripe_charges") if row["id"] == "ch_7"][-1] == seconds(now())


def test_every_event_is_heeded_however_many_there_are(
    lake: Lake, account: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No table may look at the events before all of them have been read."""
    monkeypatch.setattr("pipelines.documents.BATCH_ROWS", 100)
    lake.pull("stripe")
    others = [event(number, {"id": f"tr_{number}", "object": "transfer"}) for number in range(450)]
    account.objects["events"] = [*others, event(450, {"id": "ch_3", "object": "charge"})]
    assert lake.pull("stripe").rows["stripe_charges"] == 1


def test_what_cannot_be_read_late_in_a_long_list_is_kept_too(
    lake: Lake, account: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.documents.BATCH_ROWS", 100)
    account.objects["charges"] = [{"object": "charge", "created": NOON}, *(charge(n, n) for n in range(1, 500))]
    lake.pull("stripe")
    assert len(lake.rows("quarantine")) == 1


def test_a_clock_that_is_ahead_loses_no_event(lake: Lake, account: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is an hour ahead of Stripe."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(hours=1)

    monkeypatch.setattr("pipelines.documents.datetime", Ahead)
    lake.pull("stripe")
    account.objects["events"] = [event(1, {"id": "ch_7", "object": "charge"})]
    assert lake.pull("stripe").rows["stripe_charges"] == 1


def test_a_deleted_object_at_the_end_of_a_page_does_not_end_the_list(lake: Lake, account: Vendor) -> None:
    account.objects["customers"] = [{"id": f"cus_{n}", "object": "customer", "created": NOON + n} for n in range(250)]

    def delete(asked: Asked) -> None:
        if asked.query.get("starting_after") == "cus_150":
            account.objects["customers"] = [one for one in account.objects["customers"] if one["id"] != "cus_150"]

    account.before = [lambda asked: delete(asked)]
    assert lake.pull("stripe").rows["stripe_customers"] == 250
    assert lake.disagreements() == []


def test_the_mark_of_a_quiet_table_moves_too(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    rewind(lake, days=2)
    account.objects["events"] = [event(1, {"id": "ch_7", "object": "charge"})]
    lake.pull("stripe")
    assert decode(lake.cursor("stripe_payouts", "stripe")).event > seconds(now() - 3600)
    snapshots = len(lake.catalogue.load_table("bronze.stripe_payouts").metadata.metadata_log)
    lake.pull("stripe")
    assert len(lake.catalogue.load_table("bronze.stripe_payouts").metadata.metadata_log) == snapshots


def test_a_gap_longer_than_events_are_kept_is_said_and_swept(lake: Lake, account: Vendor) -> None:
    account.objects["customers"] = [{"id": f"cus_{n}", "object": "customer", "created": NOON + n} for n in range(3)]
    lake.pull("stripe")
    rewind(lake, days=45)
    account.objects["charges"][7]["refunded"] = True
    account.objects["customers"].pop(1)
    loaded = lake.pull("stripe")
    assert len(loaded.notes) == 1
    assert loaded.notes[0].startswith("Stripe keeps events for 30 days and the last load is from before ")
    assert {name: rows for name, rows in loaded.rows.items() if rows} == {"stripe_charges": 1, "stripe_customers": 1}
    changed = [row for row in lake.rows("stripe_charges") if row["id"] == "ch_7"]
    assert ['"refunded": true' in row["payload"] for row in changed] == [False, True]
    assert [(row["id"], row["_op"]) for row in lake.rows("stripe_customers")][1:3] == [
        ("cus_1", "upsert"),
        ("cus_1", "delete"),
    ]
    again = lake.pull("stripe")
    assert (again.total, again.notes) == (0, ())
    assert lake.disagreements() == []


@pytest.mark.usefixtures("small_slices")
def test_a_sweep_in_slices_finds_each_difference_once(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    rewind(lake, days=45)
    for place in (0, 9, 10, 24):
        account.objects["charges"][place]["refunded"] = True
    gone = [account.objects["charges"].pop(place)["id"] for place in (20, 11, 5)]
    assert lake.pull("stripe").rows["stripe_charges"] == 7
    assert [row["id"] for row in lake.rows("stripe_charges") if row["_op"] == "delete"] == sorted(gone)
    assert decode(lake.cursor("stripe_charges", "stripe")).sweep == ""


def test_a_key_of_the_other_mode_is_refused(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    lake.settings = lake.settings.model_copy(update={"stripe_api_key": SecretStr("sk_live_secret")})
    with pytest.raises(SettingError, match=r"is a live-mode key, but bronze\.stripe_events holds test-mode documents"):
        lake.pull("stripe")


def test_documents_of_the_other_mode_are_refused(lake: Lake, account: Vendor) -> None:
    account.objects["charges"][3]["livemode"] = True
    with pytest.raises(SourceError, match="sent a live-mode document of /v1/charges where bronze holds test-mode ones"):
        lake.pull("stripe")
    assert lake.rows("stripe_charges") == []


def test_a_connected_account_is_asked_and_never_mixed_with_another(lake: Lake, account: Vendor) -> None:
    own = lake.settings
    lake.settings = own.model_copy(update={"stripe_account": "acct_1"})
    lake.pull("stripe")
    assert {asked.headers["Stripe-Account"] for asked in account.asked} == {"acct_1"}
    lake.settings = own
    with pytest.raises(SettingError, match=r"BOATHOUSE_STRIPE_ACCOUNT is '', but bronze\.stripe_events holds"):
        lake.pull("stripe")

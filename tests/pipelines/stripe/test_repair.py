"""What bronze lacks is found by asking the account again, and can be fetched whole."""

import json

import pytest

from lake.errors import UnknownNameError
from pipelines.documents import Landing, Load
from pipelines.stripe.repair import read_again, versions
from tests.pipelines.conftest import Lake
from tests.pipelines.stripe.account import NOON, charge, event, now, seconds
from tests.pipelines.vendor import Vendor

LINES = [{"id": f"il_{number}", "object": "line_item", "amount": number} for number in range(25)]


@pytest.fixture
def account(vendor: Vendor) -> Vendor:
    """An account with two charges, a customer and an invoice of 25 lines."""
    vendor.objects = {
        "charges": [charge(1, 0, receipt_url="https://one"), charge(2, 1)],
        "customers": [{"id": "cus_1", "object": "customer", "created": NOON}],
        "invoices": [{"id": "in_1", "object": "invoice", "created": NOON, "lines": LINES}],
        "events": [event(1, {"id": "ch_1", "object": "charge"})],
    }
    return vendor


def held(lake: Lake, table: str) -> set[tuple[str, str]]:
    return {(row["id"], row["version"]) for row in lake.rows(table)}


def lacking(lake: Lake, table: str, since: str = "") -> list[str]:
    """The ids that differ."""
    here = held(lake, table)
    return sorted(
        {identity for identity, version in versions(lake.settings, table, since) if (identity, version) not in here}
    )


def repair(lake: Lake, table: str, *ids: str) -> None:
    """Land what is read again, as a lane of its own."""
    load = Load.begin("repair")
    landing = Landing("stripe", table, load, lake.settings.stripe_api_version, lane="repair")
    for identity, version, payload in read_again(lake.settings, table, ids):
        landing.add(identity, version, payload or b"{}", op="delete" if payload is None else "upsert")
    lake.catalogue.load_table(f"bronze.{table}").append(landing.take())


def last(lake: Lake, table: str, identity: str) -> tuple[str, dict[str, object]]:
    row = max((row for row in lake.rows(table) if row["id"] == identity), key=lambda row: str(row["version"]))
    return row["_op"], json.loads(row["payload"])


def test_what_was_loaded_lacks_nothing(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    account.objects["charges"][0]["receipt_url"] = "https://another"
    tables = ("stripe_charges", "stripe_customers", "stripe_invoices", "stripe_events", "stripe_payouts")
    assert [lacking(lake, table) for table in tables] == [[]] * 5
    assert dict(versions(lake.settings, "stripe_charges", "2024-01-01T12:01:00Z")) == {"ch_2": "2024-01-01T12:01:00Z"}


def test_a_change_without_an_event_is_found_and_fetched(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    account.objects["charges"][0]["refunded"] = True
    account.objects["charges"].append(charge(3, 2))
    account.objects["invoices"][0]["lines"] = [*LINES, {"id": "il_25", "object": "line_item"}]
    account.objects["customers"].clear()
    assert lacking(lake, "stripe_charges") == ["ch_1", "ch_3"]
    assert lacking(lake, "stripe_invoices") == ["in_1"]
    assert list(versions(lake.settings, "stripe_customers", "")) == []
    repair(lake, "stripe_charges", "ch_1", "ch_3")
    repair(lake, "stripe_invoices", "in_1")
    repair(lake, "stripe_customers", "cus_1")
    assert [lacking(lake, table) for table in ("stripe_charges", "stripe_invoices")] == [[], []]
    assert last(lake, "stripe_charges", "ch_1")[1]["refunded"] is True
    assert last(lake, "stripe_customers", "cus_1")[0] == "delete"
    before = held(lake, "stripe_charges")
    assert {
        (one, version) for one, version, _ in read_again(lake.settings, "stripe_charges", ["ch_1", "ch_2"])
    } < before


def test_what_is_fetched_beats_a_webhook_of_the_same_second_and_yields_to_the_next_event(
    lake: Lake, account: Vendor
) -> None:
    lake.pull("stripe")
    lake.deliver("stripe_charges", "ch_2", seconds(now()))
    assert lacking(lake, "stripe_charges") == ["ch_2"]
    (_, version, _), *_ = read_again(lake.settings, "stripe_charges", ["ch_2"])
    assert version > seconds(now())
    repair(lake, "stripe_charges", "ch_2")
    assert lacking(lake, "stripe_charges") == []
    lake.deliver("stripe_charges", "ch_1", "2099-01-01T00:00:00Z")
    (_, version, _), *_ = read_again(lake.settings, "stripe_charges", ["ch_1"])
    assert "2099-01-01T00:00:00Z" < version < "2099-01-01T00:00:00Z~0002"


def test_an_invoice_is_whole_however_many_lines_it_has(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    lines = lake.payloads("stripe_invoices")[0]["lines"]
    assert (lines["data"], lines["has_more"], lines["object"]) == (LINES, False, "list")
    (_, _, payload), *_ = read_again(lake.settings, "stripe_invoices", ["in_1"])
    assert payload is not None
    assert json.loads(payload)["lines"]["data"] == LINES


def test_subscriptions_are_asked_for_in_every_state_and_with_all_their_items(lake: Lake, account: Vendor) -> None:
    items = [{"id": f"si_{number}", "object": "subscription_item", "created": NOON} for number in range(12)]
    subscription = {"id": "sub_1", "object": "subscription", "created": NOON, "status": "canceled", "items": items}
    session = {"id": "cs_1", "object": "checkout.session", "created": NOON, "line_items": LINES}
    note = {"id": "cn_1", "object": "credit_note", "created": NOON, "lines": LINES}
    account.objects |= {"subscriptions": [subscription], "sessions": [session], "credit_notes": [note]}
    lake.pull("stripe")
    assert lake.payloads("stripe_subscriptions")[0]["items"]["data"] == items
    assert lake.payloads("stripe_checkout_sessions")[0]["line_items"]["data"] == LINES
    assert lake.payloads("stripe_credit_notes")[0]["lines"]["data"] == LINES
    asked = {asked.path: asked.query for asked in account.asked}
    assert asked["/v1/subscriptions"]["status"] == "all"
    assert asked["/v1/prices"]["expand[0]"] == "data.tiers"


def test_an_event_that_stripe_keeps_no_more_is_neither_asked_for_nor_gone(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    lake.deliver("stripe_events", "evt_old", "2024-01-01T00:00:00Z")
    account.asked.clear()
    assert [one for one, _, _ in read_again(lake.settings, "stripe_events", ["evt_old", "evt_1", "evt_2"])] == ["evt_1"]
    assert [asked.path for asked in account.asked] == ["/v1/events/evt_1", "/v1/events/evt_2"]


def test_a_table_that_is_none_of_stripes_is_a_sentence(lake: Lake) -> None:
    with pytest.raises(
        UnknownNameError, match=r"^There is no table of Stripe's 'stripe_cats'; there is stripe_balance"
    ):
        list(versions(lake.settings, "stripe_cats", ""))

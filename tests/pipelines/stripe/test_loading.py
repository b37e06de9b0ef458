from datetime import UTC, datetime

import pytest

from lake.errors import CredentialsError, SourceError
from pipelines.stripe import TABLES
from pipelines.stripe.api import PAGE
from tests.pipelines.conftest import Lake
from tests.pipelines.stripe.account import NOON, asked_for, charge, event
from tests.pipelines.vendor import Vendor, body


@pytest.fixture
def account(vendor: Vendor) -> Vendor:
    """An account with two charges."""
    vendor.objects = {"charges": [charge(1, 0), charge(2, 1)]}
    return vendor


def test_the_first_load_takes_everything(lake: Lake, account: Vendor) -> None:
    assert lake.pull("stripe").rows == dict.fromkeys(TABLES, 0) | {"stripe_charges": 2}
    assert [(row["id"], row["version"], row["_op"]) for row in lake.rows("stripe_charges")] == [
        ("ch_1", "2024-01-01T12:00:00Z", "upsert"),
        ("ch_2", "2024-01-01T12:01:00Z", "upsert"),
    ]
    assert lake.disagreements() == []


def test_every_request_names_the_version_and_the_key(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    assert {(asked.headers["Stripe-Version"], asked.headers["Authorization"]) for asked in account.asked} == {
        (lake.settings.stripe_api_version, "Bearer sk_test_secret")
    }


def test_pages_whose_edge_parts_equal_times_lose_and_double_nothing(lake: Lake, account: Vendor) -> None:
    account.objects["charges"] = [charge(number, 7) for number in range(2 * PAGE + 1)]
    assert lake.pull("stripe").rows["stripe_charges"] == 2 * PAGE + 1
    pages = [asked.query for asked in asked_for(account, "/v1/charges")]
    assert [page.get("starting_after") for page in pages] == [None, f"ch_{PAGE - 1}", f"ch_{2 * PAGE - 1}"]
    account.objects["charges"].append(charge(9999, 7))
    assert lake.pull("stripe").rows["stripe_charges"] == 1
    assert lake.pull("stripe").total == 0
    assert len(lake.rows("stripe_charges")) == 2 * PAGE + 2
    assert lake.disagreements() == []


def test_later_loads_ask_from_the_newest_on(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    account.asked.clear()
    assert lake.pull("stripe").total == 0
    asked = asked_for(account, "/v1/charges")[0]
    assert asked.query == {"limit": str(PAGE), "created[gte]": str(NOON + 60)}


def test_an_event_makes_its_object_be_read_again_once(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    account.objects["charges"][0]["refunded"] = True
    account.objects["events"] = [event(1, {"id": "ch_1", "object": "charge", "refunded": False})]
    assert {name: rows for name, rows in lake.pull("stripe").rows.items() if rows} == {
        "stripe_events": 1,
        "stripe_charges": 1,
    }
    assert lake.pull("stripe").total == 0
    before, after, other = lake.rows("stripe_charges")
    assert [row["id"] for row in (before, after, other)] == ["ch_1", "ch_1", "ch_2"]
    assert before["version"] < after["version"]
    assert '"refunded": true' in after["payload"]
    assert lake.disagreements() == []


def test_what_a_webhook_brought_is_read_all_the_same(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    told = event(1, {"id": "ch_1", "object": "charge"})
    account.objects["events"] = [told]
    at = datetime.fromtimestamp(told["created"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    lake.deliver("stripe_charges", "ch_1", at)
    assert lake.pull("stripe").rows["stripe_charges"] == 1
    assert lake.pull("stripe").total == 0
    lanes = [row["_lane"] for row in lake.rows("stripe_charges") if row["version"] == at]
    assert sorted(lanes) == ["poll", "webhook"]
    assert lake.disagreements() == []


def test_events_of_the_first_load_are_no_signals(lake: Lake, account: Vendor) -> None:
    account.objects["events"] = [event(1, {"id": "ch_1", "object": "charge"})]
    assert lake.pull("stripe").rows["stripe_charges"] == 2


@pytest.mark.parametrize("gone", [True, False], ids=["unknown", "marked"])
def test_an_object_that_is_gone_lands_as_a_deletion(lake: Lake, account: Vendor, gone: bool) -> None:
    account.objects["customers"] = [{"id": "cus_1", "object": "customer", "created": NOON}]
    lake.pull("stripe")
    found = account.objects["customers"].pop()
    if not gone:
        account.objects["customers"] = [{"id": "cus_1", "object": "customer", "deleted": True, "created": 0}]
    account.objects["events"] = [event(1, found)]
    assert lake.pull("stripe").rows["stripe_customers"] == 1
    assert [row["_op"] for row in lake.rows("stripe_customers")] == ["upsert", "delete"]


def test_events_about_what_we_do_not_keep_are_only_kept_themselves(lake: Lake, account: Vendor) -> None:
    lake.pull("stripe")
    account.objects["events"] = [event(1, {"id": "tr_1", "object": "transfer"}), event(2, {"object": "balance"})]
    assert lake.pull("stripe").total == 2
    assert len(lake.rows("stripe_events")) == 2


def test_what_cannot_be_read_is_kept_apart_once_and_the_rest_loads(lake: Lake, account: Vendor) -> None:
    account.objects["charges"] = [
        {"object": "charge", "created": NOON},
        charge(1, 5),
        charge(2, 6, created=10**18),
        {"id": "ch_3", "object": "charge"},
    ]
    assert lake.pull("stripe").rows["stripe_charges"] == 1
    assert {row["reason"] for row in lake.rows("quarantine")} == {"no id or no created time"}
    account.objects["charges"].append(charge(4, 7))
    assert lake.pull("stripe").total == 1
    assert (len(lake.rows("stripe_charges")), len(lake.rows("quarantine"))) == (2, 3)
    assert lake.disagreements() == []


def test_a_wrong_key_is_a_sentence_with_the_vendors_words(lake: Lake, account: Vendor) -> None:
    account.before = [lambda asked: body({"error": {"message": "Invalid API Key provided: sk_test_****cret"}}, 401)]
    with pytest.raises(CredentialsError) as told:
        lake.pull("stripe")
    assert str(told.value) == (
        "Stripe refused the key for /v1/events: Invalid API Key provided: sk_test_****cret; "
        "check BOATHOUSE_STRIPE_API_KEY."
    )
    assert len(account.asked) == 1


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"error": "no"}'])
def test_a_refusal_in_no_known_shape_is_a_sentence_too(lake: Lake, account: Vendor, content: bytes) -> None:
    account.before = [lambda asked: (400, {}, content)]
    with pytest.raises(SourceError, match=r"^Stripe refused /v1/events \(400\): 400 Bad Request$"):
        lake.pull("stripe")


def test_a_list_that_goes_on_after_an_object_without_id_is_a_sentence(lake: Lake, account: Vendor) -> None:
    endless = body({"object": "list", "data": [{"created": 1}], "has_more": True})
    account.before = [lambda asked: endless if asked.query["limit"] == str(PAGE) else None]
    with pytest.raises(SourceError, match=r"^Stripe's /v1/events has more pages, but its last object has no id"):
        lake.pull("stripe")


def test_what_passes_by_itself_is_tried_again(lake: Lake, account: Vendor) -> None:
    account.before = [lambda asked: (429, {"Retry-After": "0"}, b"")] * 2
    assert lake.pull("stripe").total == 2

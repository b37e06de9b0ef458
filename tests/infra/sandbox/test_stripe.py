"""What Stripe's API says to good and bad questions."""

import httpx
import pytest


def test_a_missing_key_is_refused(small: str) -> None:
    answer = httpx.get(f"{small}/v1/charges")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_wrong_key_is_refused_without_showing_it(small: str) -> None:
    answer = httpx.get(f"{small}/v1/charges", headers={"Authorization": "Bearer sk_test_0123456789abcdef"})
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "Invalid API Key provided: sk_test_************cdef"


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ({"limit": "101"}, "limit", "parameter_invalid_integer"),
        ({"limit": "0"}, "limit", "parameter_invalid_integer"),
        ({"created[gte]": "yesterday"}, "created[gte]", "parameter_invalid_integer"),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"starting_after": "ch_none"}, "starting_after", "resource_missing"),
    ],
)
def test_a_wrong_parameter_is_named(stripe_http: httpx.Client, query: dict[str, str], param: str, code: str) -> None:
    answer = stripe_http.get("charges", params=query)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["doc_url"].startswith("https://stripe.com/docs/error-codes/")


def test_an_object_that_is_not_there_is_404(stripe_http: httpx.Client) -> None:
    answer = stripe_http.get("charges/ch_none")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "No such charge: 'ch_none'")


def test_the_version_comes_back_and_each_request_has_an_id(stripe_http: httpx.Client) -> None:
    first, second = (stripe_http.get("events", headers={"Stripe-Version": "2025-03-31.basil"}) for _ in range(2))
    assert first.headers["stripe-version"] == "2025-03-31.basil"
    assert first.headers["request-id"] != second.headers["request-id"]
    assert stripe_http.get("events", headers={"Stripe-Version": "soon"}).status_code == 400


def test_pages_meet_in_both_directions(stripe_http: httpx.Client) -> None:
    whole = stripe_http.get("charges", params={"limit": 30}).json()["data"]
    older = stripe_http.get("charges", params={"starting_after": whole[9]["id"], "limit": 20}).json()
    newer = stripe_http.get("charges", params={"ending_before": whole[20]["id"], "limit": 5}).json()
    assert older["data"] == whole[10:]
    assert newer["data"] == whole[15:20]
    assert older["has_more"]
    assert len(stripe_http.get("charges").json()["data"]) == 10


def test_created_cuts_exactly(stripe_http: httpx.Client) -> None:
    whole = stripe_http.get("charges", params={"limit": 30}).json()["data"]
    at = whole[10]["created"]
    for bound, expected in (("gte", 11), ("gt", 10)):
        cut = stripe_http.get("charges", params={f"created[{bound}]": at, "limit": 100}).json()
        assert (len(cut["data"]), cut["has_more"]) == (expected, False)
    for bound, first in (("lte", 10), ("lt", 11)):
        cut = stripe_http.get("charges", params={f"created[{bound}]": at, "limit": 1}).json()
        assert cut["data"][0] == whole[first]


def test_a_charge_names_its_order_and_its_customer(stripe_http: httpx.Client) -> None:
    charge = stripe_http.get("charges", params={"limit": 1}).json()["data"][0]
    customer = stripe_http.get(f"customers/{charge['customer']}").json()
    move = stripe_http.get(f"balance_transactions/{charge['balance_transaction']}").json()
    assert charge["metadata"]["order_name"] == "#1300"
    assert customer["email"] == charge["billing_details"]["email"]
    assert (move["source"], move["net"]) == (charge["id"], charge["amount"] - move["fee"])

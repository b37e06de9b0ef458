"""Everything in the sandbox's Stripe account, read with Stripe's own package."""

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
import stripe

from infra.sandbox import credentials

LISTS = ("payment_intents", "disputes", "payouts", "products", "prices", "coupons", "invoices", "credit_notes")


@pytest.fixture
def account(small: str) -> Iterator[stripe.StripeClient]:
    http = stripe.RequestsClient()
    yield stripe.StripeClient(credentials.STRIPE_API_KEY, base_addresses={"api": small}, http_client=http)
    http.close()  # type: ignore[no-untyped-call]


def everything(service: Any, **parameters: Any) -> list[dict[str, Any]]:
    """Page through a list with the package's own paging."""
    return [orjson.loads(str(one)) for one in service.list({"limit": 7, **parameters}).auto_paging_iter()]


@pytest.mark.parametrize("name", LISTS)
def test_every_object_is_listed_once_newest_first_and_found_by_its_id(account: stripe.StripeClient, name: str) -> None:
    service = getattr(account.v1, name)
    found = everything(service)
    assert found
    assert len({one["id"] for one in found}) == len(found)
    assert [one["created"] for one in found] == sorted((one["created"] for one in found), reverse=True)
    assert orjson.loads(str(service.retrieve(found[0]["id"]))) == found[0]


def test_canceled_subscriptions_are_listed_when_asked_for(account: stripe.StripeClient) -> None:
    states = [
        {one["status"] for one in everything(account.v1.subscriptions, **asked)}
        for asked in ({}, {"status": "all"}, {"status": "canceled"})
    ]
    assert states == [{"active"}, {"active", "canceled"}, {"canceled"}]


def test_an_embedded_list_is_short_and_goes_on_where_it_says(account: stripe.StripeClient) -> None:
    long = [one for one in everything(account.v1.invoices) if one["lines"]["has_more"]]
    lines = everything(Lines(account, long[0]["id"]))
    assert (len(long[0]["lines"]["data"]), len(lines)) == (10, 12)
    assert sum(line["amount"] for line in lines) == long[0]["total"]
    subscription = long[0]["parent"]["subscription_details"]["subscription"]
    items = everything(account.v1.subscription_items, subscription=subscription)
    assert {line["parent"]["subscription_item_details"]["subscription_item"] for line in lines} == {
        one["id"] for one in items
    }


class Lines:
    """An invoice's lines, as a list of their own."""

    def __init__(self, account: stripe.StripeClient, invoice: str) -> None:
        self.account, self.invoice = account, invoice

    def list(self, parameters: dict[str, Any]) -> Any:
        lines: Any = self.account.v1.invoices.line_items
        return lines.list(self.invoice, parameters)


def test_tiers_and_line_items_are_there_when_expanded(account: stripe.StripeClient, stripe_http: httpx.Client) -> None:
    plain = everything(account.v1.prices)
    tiered = [one for one in everything(account.v1.prices, expand=["data.tiers"]) if one["billing_scheme"] == "tiered"]
    assert all("tiers" not in one for one in plain)
    assert [len(one["tiers"]) for one in tiered] == [2]
    sessions = everything(account.v1.checkout.sessions, expand=["data.line_items"])
    assert all(sum(i["amount_total"] for i in one["line_items"]["data"]) == one["amount_total"] for one in sessions)
    refused = stripe_http.get("prices", params={"expand[0]": "data.cats"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "expand")


def test_amounts_are_in_the_smallest_unit_of_three_kinds_of_currency(account: stripe.StripeClient) -> None:
    assert {one["currency"] for one in everything(account.v1.invoices)} == {"usd", "jpy", "kwd"}


def test_payouts_sum_up_to_what_was_charged_less_fees(account: stripe.StripeClient) -> None:
    moves = [one for one in everything(account.v1.balance_transactions) if one["type"] == "charge"]
    assert sum(one["amount"] for one in everything(account.v1.payouts)) == sum(one["net"] for one in moves)


def test_what_belongs_together_names_each_other(account: stripe.StripeClient) -> None:
    charges = {one["id"]: one for one in everything(account.v1.charges)}
    intents = {one["id"]: one for one in everything(account.v1.payment_intents)}
    assert {one["latest_charge"] for one in intents.values()} == set(charges)
    assert all(intents[one["payment_intent"]]["amount"] == one["amount"] for one in charges.values())
    disputes = everything(account.v1.disputes)
    assert {one["charge"] for one in disputes} == {one["id"] for one in charges.values() if one["disputed"]}
    invoices = {one["id"]: one for one in everything(account.v1.invoices)}
    notes = everything(account.v1.credit_notes)
    assert all(0 < one["amount"] <= invoices[one["invoice"]]["total"] for one in notes)

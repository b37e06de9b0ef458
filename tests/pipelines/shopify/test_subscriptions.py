"""The webhooks that the app needs are registered once, however often it is asked for."""

import pytest
from typer.testing import CliRunner

from boathouse.__main__ import app as boathouse
from infra.sandbox import credentials
from lake.errors import SettingError, SourceError
from pipelines.shopify.api import Shopify
from pipelines.shopify.subscriptions import Subscription, endpoint, subscribe, topics
from streams.documents import HEEDED, SHOPIFY
from tests.pipelines.shopify.conftest import Sandbox

URL = "https://shop.example.com"


def test_what_lacks_is_registered_and_what_is_there_stays(client: Shopify, sandbox: Sandbox) -> None:
    other = sandbox.application.admin.roots.subscriptions
    other.create("ORDERS_CREATE", {"uri": "https://elsewhere.example.com/hook"})
    first = subscribe(client, URL)
    assert first[0] == Subscription("ORDERS_CREATE", "https://elsewhere.example.com/hook")
    assert [(one.topic, one.uri, one.new) for one in first[1:]] == [
        (topic, f"{URL}/webhooks/shopify", True) for topic in topics([])
    ]
    again = subscribe(client, URL + "/")
    assert not any(one.new for one in again)
    assert len(again) == len(other.all) == len(topics([])) + 1


def test_every_topic_is_one_that_the_fast_lane_heeds() -> None:
    for topic in topics([]):
        kind, _, happening = topic.lower().rpartition("_")
        assert kind in SHOPIFY
        assert happening in HEEDED


def test_only_the_objects_that_are_read_are_subscribed_to() -> None:
    assert topics(["customers"]) == ["CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE", "SHOP_UPDATE"]


@pytest.mark.parametrize("address", ["http://shop.example.com", "shop.example.com", "https://", ""])
def test_an_address_without_https_is_a_sentence(address: str) -> None:
    with pytest.raises(SettingError, match=r"^Shopify sends webhooks to an https:// address alone, and "):
        endpoint(address)


def test_a_topic_that_is_refused_is_a_sentence(client: Shopify) -> None:
    with pytest.raises(SourceError, match=r"didn't subscribe .* to ORDERS_CREATE: Address is invalid$"):
        subscribe(client, "https://shop example.com/a b")


def test_the_command_line_subscribes_and_checks(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOATHOUSE_SHOPIFY_SHOP", f"https://admin.shopify.com/store/{credentials.SHOP}")
    monkeypatch.setenv("BOATHOUSE_SHOPIFY_URL", sandbox.url)
    monkeypatch.setenv("BOATHOUSE_SHOPIFY_CLIENT_ID", credentials.SHOPIFY_CLIENT_ID)
    monkeypatch.setenv("BOATHOUSE_SHOPIFY_CLIENT_SECRET", credentials.SHOPIFY_CLIENT_SECRET)
    told = CliRunner().invoke(boathouse, ["shopify", "subscribe", URL])
    assert told.exit_code == 0
    assert len(sandbox.application.admin.roots.subscriptions.all) == len(topics([]))
    checked = CliRunner().invoke(boathouse, ["shopify", "check"])
    assert checked.exit_code == 0

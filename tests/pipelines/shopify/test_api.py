import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from lake.errors import CredentialsError, SettingError, SourceError
from lake.settings import Settings
from pipelines import vendor as patience
from pipelines.shopify.answer import STEERING
from pipelines.shopify.api import Shopify, shop_domain
from tests.pipelines.vendor import Asked, Reply, Vendor, body

SECRETS = ("shpss_secret", "shpat_secret", "shpat_granted")
QUERY = "query Shop { shop { id } }"


@pytest.fixture
def app(vendor: Vendor) -> Settings:
    """Settings of an app with client credentials."""
    return Settings(
        _env_file=None,
        shopify_shop="my-shop",
        shopify_url=vendor.url,
        shopify_client_id="app",
        shopify_client_secret=SecretStr("shpss_secret"),
    )


@pytest.fixture
def client(app: Settings) -> Iterator[Shopify]:
    client = Shopify(app)
    yield client
    client.close()


def refusal(client: Shopify, kind: type[Exception] = CredentialsError) -> str:
    """Give the sentence that a query ends with, which holds no secret."""
    with pytest.raises(kind) as told:
        client.graphql(QUERY)
    sentence = str(told.value)
    assert "\n" not in sentence
    assert not any(secret in sentence for secret in SECRETS)
    return sentence


@pytest.mark.parametrize(
    "typed",
    [
        "my-shop",
        "My-Shop ",
        "my-shop.myshopify.com",
        "https://my-shop.myshopify.com/",
        "https://my-shop.myshopify.com/admin",
        "https://admin.shopify.com/store/my-shop",
        "admin.shopify.com/store/my-shop/orders",
        "https://www.my-shop.myshopify.com:443/?preview=1",
        "admin.shopify.com/store/my-shop?x=1",
        "'my-shop'",
    ],
)
def test_a_shop_may_be_named_in_any_form(typed: str) -> None:
    assert shop_domain(typed) == "my-shop.myshopify.com"


@pytest.mark.parametrize("typed", ["", "my shop", "www.example.com", "my-shop.myshopify.com.evil.com", "-shop", "a/b"])
def test_what_names_no_shop_is_a_sentence(typed: str) -> None:
    with pytest.raises(SettingError, match=rf"^BOATHOUSE_SHOPIFY_SHOP is '{typed}'; it takes the name before"):
        shop_domain(typed)


def test_one_token_is_fetched_and_used_for_every_query(client: Shopify, vendor: Vendor) -> None:
    client.graphql(QUERY)
    client.graphql(QUERY)
    token, *queries = vendor.asked
    assert token.path == "/admin/oauth/access_token"
    assert token.body == b"grant_type=client_credentials&client_id=app&client_secret=shpss_secret"
    assert [(asked.path, asked.headers["X-Shopify-Access-Token"]) for asked in queries] == [
        ("/admin/api/2025-10/graphql.json", "shpat_granted")
    ] * 2


def test_a_token_that_ran_out_is_fetched_again(client: Shopify, vendor: Vendor) -> None:
    client.graphql(QUERY)
    vendor.before = [lambda asked: body({"errors": "expired"}, 401) if b"Shop" in asked.body else None]
    assert json.loads(client.graphql(QUERY))["data"]["shop"]
    assert [asked.path for asked in vendor.asked].count("/admin/oauth/access_token") == 2


def test_a_token_that_is_about_to_run_out_is_not_used_again(client: Shopify, vendor: Vendor) -> None:
    vendor.before = [lambda asked: body({"access_token": "shpat_granted", "expires_in": 299})]
    client.graphql(QUERY)
    client.graphql(QUERY)
    assert [asked.path for asked in vendor.asked].count("/admin/oauth/access_token") == 2


def test_throttled_queries_wait_for_the_bucket(client: Shopify, vendor: Vendor) -> None:
    status = {"maximumAvailable": 2000, "currentlyAvailable": 28, "restoreRate": 1000}
    cost = {"requestedQueryCost": 30, "actualQueryCost": None, "throttleStatus": status}
    errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
    throttled: Reply = body({"errors": errors, "extensions": {"cost": cost}})
    vendor.before = [lambda asked: throttled if b"Shop" in asked.body else None] * 3
    assert json.loads(client.graphql(QUERY))["data"]["shop"]
    assert vendor.before == []


def test_the_wait_is_the_time_in_which_what_lacks_flows_back(client: Shopify, vendor: Vendor) -> None:
    status = {"maximumAvailable": 2000, "currentlyAvailable": 100, "restoreRate": 50}
    cost = {"requestedQueryCost": 600, "throttleStatus": status}
    errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
    vendor.before = [
        lambda asked: body({"errors": errors, "extensions": {"cost": cost}}) if b"Shop" in asked.body else None
    ]
    with pytest.raises(patience.RetryableError) as told:
        client._post("{Shop}", b"{Shop}", STEERING)
    assert told.value.after == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param((503, {"Retry-After": "0"}, b""), id="unavailable"),
        pytest.param((429, {"Retry-After": "0.0"}, b""), id="too many"),
    ],
)
def test_what_passes_by_itself_is_tried_again(client: Shopify, vendor: Vendor, reply: Reply) -> None:
    vendor.before = [lambda asked: reply] * 3
    assert json.loads(client.graphql(QUERY))["data"]["shop"]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ((502, {}, b"<html>"), r"^Shopify answered 502 Bad Gateway again and again; try later\.$"),
        ((200, {}, b"<html>"), r"^Shopify's answers were not JSON, again and again; try later\.$"),
        (
            body({"errors": [{"message": "Oops", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}),
            r"^Shopify kept failing: Oops; try later\.$",
        ),
    ],
)
def test_what_does_not_pass_is_a_sentence(
    client: Shopify, vendor: Vendor, reply: Reply, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "ATTEMPTS", 2)
    vendor.before = [lambda asked: reply if b"Shop" in asked.body else None] * 2
    with pytest.raises(SourceError, match=told):
        client.graphql(QUERY)


def test_a_wrong_client_secret_is_a_sentence_with_the_vendors_words(client: Shopify, vendor: Vendor) -> None:
    refused = body({"error": "invalid_client", "error_description": "the client secret is not valid"}, 400)
    vendor.before = [lambda asked: refused]
    assert refusal(client) == (
        "Shopify gave no token for my-shop.myshopify.com: the client secret is not valid; check "
        "BOATHOUSE_SHOPIFY_CLIENT_ID and BOATHOUSE_SHOPIFY_CLIENT_SECRET."
    )


def test_a_wrong_token_is_a_sentence_with_the_vendors_words(app: Settings, vendor: Vendor) -> None:
    client = Shopify(app.model_copy(update={"shopify_access_token": SecretStr("shpat_secret")}))
    vendor.before = [lambda asked: body({"errors": "[API] Invalid API key or access token"}, 401)]
    told = refusal(client)
    client.close()
    assert told.startswith(
        "Shopify refused the token for my-shop.myshopify.com: [API] Invalid API key or access token;"
    )
    assert "BOATHOUSE_SHOPIFY_CLIENT_ID" in told
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("content", [b'{"errors": "Not Found"}', b"Not Found", b'"Not Found"', b"[]"])
@pytest.mark.parametrize("at", ["/admin/oauth/access_token", "/admin/api/2025-10/graphql.json"])
def test_a_shop_that_does_not_exist_is_a_sentence(client: Shopify, vendor: Vendor, at: str, content: bytes) -> None:
    def missing(asked: Asked) -> Reply | None:
        return (404, {}, content) if asked.path == at else None

    vendor.before = [missing]
    told = refusal(client)
    assert told.startswith("Shopify knows no open shop my-shop.myshopify.com: ")
    assert told.endswith("; check BOATHOUSE_SHOPIFY_SHOP.")


def test_a_query_that_is_refused_is_a_sentence_with_the_vendors_words(client: Shopify, vendor: Vendor) -> None:
    errors = [{"message": "Access denied for orders field."}, {"message": "And more."}]
    vendor.before = [lambda asked: body({"errors": errors}) if b"Shop" in asked.body else None]
    assert refusal(client, SourceError) == "Shopify refused a query: Access denied for orders field.; And more."


def test_an_address_where_nothing_answers_is_a_sentence(app: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "ATTEMPTS", 1)
    client = Shopify(app.model_copy(update={"shopify_url": "http://127.0.0.1:9"}))
    told = refusal(client, SourceError)
    client.close()
    assert told.startswith("Shopify can't be reached at http://127.0.0.1:9/admin/oauth/access_token (ConnectError);")


def test_an_address_without_http_is_a_sentence_at_once(app: Settings) -> None:
    client = Shopify(app.model_copy(update={"shopify_url": "127.0.0.1:9"}))
    told = refusal(client, SourceError)
    client.close()
    assert told.startswith("Shopify can't be reached at ")


@pytest.mark.parametrize("missing", ["shopify_client_id", "shopify_client_secret"])
def test_missing_credentials_are_a_sentence(app: Settings, missing: str) -> None:
    client = Shopify(app.model_copy(update={missing: None}))
    assert refusal(client, SettingError).startswith(
        "Shopify's credentials are not set; give BOATHOUSE_SHOPIFY_CLIENT_ID"
    )
    client.close()


def test_a_missing_shop_is_a_sentence(app: Settings) -> None:
    with pytest.raises(SettingError, match=r"^BOATHOUSE_SHOPIFY_SHOP is not set"):
        Shopify(app.model_copy(update={"shopify_shop": None}))

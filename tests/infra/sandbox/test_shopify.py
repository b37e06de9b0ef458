"""What the Admin API says to good and bad questions."""

import httpx
import pytest

from infra.sandbox import credentials
from tests.infra.sandbox.conftest import Shopify, Start

TOKEN = "/admin/oauth/access_token"
CLIENT = {
    "grant_type": "client_credentials",
    "client_id": credentials.SHOPIFY_CLIENT_ID,
    "client_secret": credentials.SHOPIFY_CLIENT_SECRET,
}


def test_client_credentials_give_a_token_that_works(small: str) -> None:
    given = httpx.post(small + TOKEN, data=CLIENT).json()
    assert given["expires_in"] == 86_399
    answer = httpx.post(
        f"{small}/admin/api/2025-10/graphql.json",
        json={"query": "{ shop { myshopifyDomain ianaTimezone currencyCode } }"},
        headers={"X-Shopify-Access-Token": given["access_token"]},
    )
    assert answer.headers["x-shopify-api-version"] == "2025-10"
    assert answer.json()["data"]["shop"] == {
        "myshopifyDomain": credentials.SHOP_DOMAIN,
        "ianaTimezone": "America/New_York",
        "currencyCode": "USD",
    }


@pytest.mark.parametrize("wrong", ["client_id", "client_secret", "grant_type"])
def test_wrong_client_credentials_give_no_token(small: str, wrong: str) -> None:
    answer = httpx.post(small + TOKEN, data={**CLIENT, wrong: "other"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "error_description"}
    assert credentials.SHOPIFY_CLIENT_SECRET not in answer.text


@pytest.mark.parametrize("token", ["", "shpat_wrong", "shpat_ffffffff0123456789abcdef01234567"])
def test_a_wrong_token_is_refused_in_shopifys_words(small: str, token: str) -> None:
    answer = httpx.post(
        f"{small}/admin/api/2025-10/graphql.json",
        json={"query": "{ shop { name } }"},
        headers={"X-Shopify-Access-Token": token},
    )
    assert answer.status_code == 401
    assert answer.json() == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


def test_an_unknown_version_falls_forward(small: str) -> None:
    answer = httpx.post(
        f"{small}/admin/api/2019-04/graphql.json",
        json={"query": "{ shop { name } }"},
        headers={"X-Shopify-Access-Token": credentials.SHOPIFY_ACCESS_TOKEN},
    )
    assert answer.headers["x-shopify-api-version"] == "2025-10"


def test_an_unknown_field_is_named(shopify: Shopify) -> None:
    answer = shopify.ask("{ orders(first: 1) { nodes { nonsense } } }")
    assert "data" not in answer
    assert answer["errors"][0]["message"] == "Field 'nonsense' doesn't exist on type 'Order'"


def test_an_empty_bucket_throttles_and_fills_again(start: Start) -> None:
    shopify = Shopify(start("--orders", "10"))
    last = shopify.ask("{ shop { name } }")
    while "errors" not in last:
        last = shopify.ask("{ products(first: 250) { nodes { id variants(first: 250) { nodes { id } } } } }")
    cost = last["extensions"]["cost"]
    assert last["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in last
    assert cost["actualQueryCost"] is None
    assert cost["throttleStatus"]["maximumAvailable"] == 2000
    assert cost["throttleStatus"]["restoreRate"] == 100
    assert cost["throttleStatus"]["currentlyAvailable"] < cost["requestedQueryCost"]
    while "errors" in last:
        last = shopify.ask("{ products(first: 250) { nodes { id variants(first: 250) { nodes { id } } } } }")
    assert len(last["data"]["products"]["nodes"]) == 250
    shopify.http.close()


def test_a_query_over_a_thousand_points_is_refused(shopify: Shopify) -> None:
    amounts = " ".join(f"a{n}: totalPriceSet {{ shopMoney {{ amount }} }}" for n in range(50))
    answer = shopify.ask(f"{{ orders(first: 250) {{ nodes {{ {amounts} }} }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert "data" not in answer


def test_more_than_250_at_once_is_refused(shopify: Shopify) -> None:
    assert shopify.ask("{ orders(first: 251) { nodes { id } } }")["errors"]
    assert shopify.ask("{ orders { nodes { id } } }")["errors"]


def test_aliases_fragments_and_variables_work(shopify: Shopify) -> None:
    query = """query($n: Int!, $plain: Boolean!) {
      newest: orders(first: $n, reverse: true, sortKey: CREATED_AT) { edges { cursor node { ...Named } } }
      oldest: orders(first: $n) { nodes { ...Named email @skip(if: $plain) __typename } }
    }
    fragment Named on Order { number: name customer { displayName } }"""
    data = shopify.ask(query, n=2, plain=True)["data"]
    assert [edge["node"]["number"] for edge in data["newest"]["edges"]] == ["#1300", "#1299"]
    assert [node["number"] for node in data["oldest"]["nodes"]] == ["#1001", "#1002"]
    assert set(data["oldest"]["nodes"][0]) == {"number", "customer", "__typename"}


def test_pages_meet_in_both_directions(shopify: Shopify) -> None:
    query = """query($first: Int, $after: String, $last: Int, $before: String, $reverse: Boolean) {
      customers(first: $first, after: $after, last: $last, before: $before, reverse: $reverse, sortKey: UPDATED_AT) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }"""
    for reverse in (False, True):
        whole = shopify.ask(query, first=20, reverse=reverse)["data"]["customers"]
        start = shopify.ask(query, first=12, reverse=reverse)["data"]["customers"]
        rest = shopify.ask(query, first=8, after=start["pageInfo"]["endCursor"], reverse=reverse)["data"]["customers"]
        back = shopify.ask(query, last=12, before=rest["pageInfo"]["startCursor"], reverse=reverse)["data"]["customers"]
        assert start["nodes"] + rest["nodes"] == whole["nodes"]
        assert back["nodes"] == start["nodes"]
        assert rest["pageInfo"]["hasPreviousPage"]


def test_one_document_is_the_same_wherever_it_is_found(shopify: Shopify) -> None:
    named = shopify.ask("""{ orders(first: 1, query: "name:#1234") { nodes { id name email } } }""")
    order = named["data"]["orders"]["nodes"][0]
    query = "query($id: ID!) { order(id: $id) { id name email } node(id: $id) { id ... on Order { name email } } }"
    assert shopify.ask(query, id=order["id"])["data"] == {"order": order, "node": order}
    assert shopify.ask(query, id="gid://shopify/Order/1")["data"] == {"order": None, "node": None}


def test_counts_stop_at_their_limit(shopify: Shopify) -> None:
    answer = shopify.ask("{ some: ordersCount(limit: 7) { count precision } all: ordersCount { count precision } }")
    assert answer["data"] == {
        "some": {"count": 7, "precision": "AT_LEAST"},
        "all": {"count": 300, "precision": "EXACT"},
    }

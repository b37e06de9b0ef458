"""The sandbox misbehaves where, when and as often as its script says, and at no other time."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.sandbox import credentials
from infra.sandbox.chaos import client
from lake.errors import ServiceError, SettingError
from pipelines.repair import TABLES
from tests.infra.sandbox.conftest import ROOT, Shopify, Start

PAGES = "query P($first: Int!, $after: String) { orders(first: $first, after: $after, sortKey: UPDATED_AT) { \
edges { node { id updatedAt } } pageInfo { hasNextPage endCursor } } }"
BULK = 'mutation { bulkOperationRunQuery(query: "{ orders { edges { node { id } } } }") { \
bulkOperation { id } userErrors { code } } }'
POLL = "{ currentBulkOperation { status errorCode url partialDataUrl objectCount } }"


@pytest.fixture(scope="module")
def own(start: Start) -> str:
    """The address of a shop of these tests' own, with 60 orders."""
    return start("--orders", "60", "--plan", "plus")


@pytest.fixture
def sandbox(own: str) -> Iterator[httpx.Client]:
    """A client of it, without chaos before and after."""
    with httpx.Client(base_url=own, timeout=10, auth=(credentials.STRIPE_API_KEY, "")) as http:
        yield http
        http.delete("/chaos").raise_for_status()


@pytest.fixture
def shopify(own: str) -> Iterator[Shopify]:
    opened = Shopify(own)
    yield opened
    opened.http.close()


def begin(sandbox: httpx.Client, *faults: dict[str, Any]) -> None:
    sandbox.post("/chaos", json={"faults": list(faults)}).raise_for_status()


def charges(sandbox: httpx.Client, after: str = "") -> httpx.Response:
    return sandbox.get("/v1/charges", params={"limit": 20} | ({"starting_after": after} if after else {}))


def ids(answer: httpx.Response) -> list[str]:
    return [one["id"] for one in answer.json()["data"]]


def page(shopify: Shopify, after: str | None = None, first: int = 20) -> Any:
    return shopify.ask(PAGES, first=first, after=after)


def edges(answer: Any) -> list[str]:
    return [edge["node"]["id"] for edge in answer["data"]["orders"]["edges"]]


def test_a_fault_lets_some_requests_through_and_strikes_as_often_as_told(sandbox: httpx.Client) -> None:
    begin(sandbox, {"fault": "rate_limited", "vendor": "stripe", "skip": 1, "times": 2, "retry_after": 0.5})
    answers = [charges(sandbox) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200, 200]
    assert answers[1].headers["retry-after"] == "0.5"
    told = sandbox.get("/chaos").json()
    assert (told["faults"][0]["met"], told["faults"][0]["struck"]) == (5, 2)
    assert told["struck"] == [{"fault": "rate_limited", "vendor": "stripe", "object": "charges", "step": "page"}] * 2


def test_a_fault_strikes_only_what_it_is_aimed_at(sandbox: httpx.Client, shopify: Shopify) -> None:
    begin(sandbox, {"fault": "status", "vendor": "stripe", "object": "charges", "page": "mid", "code": 503, "times": 0})
    first = charges(sandbox)
    assert [first.status_code, sandbox.get("/v1/customers").status_code] == [200, 200]
    assert edges(page(shopify)) != []
    assert charges(sandbox, ids(first)[-1]).status_code == 503
    last = ids(sandbox.get("/v1/charges", params={"limit": 100}))[39]
    assert charges(sandbox, last).status_code == 200


def test_no_chaos_is_left_after_its_end(sandbox: httpx.Client) -> None:
    begin(sandbox, {"fault": "status", "times": 0})
    assert charges(sandbox).status_code == 500
    assert sandbox.delete("/chaos").json()["faults"][0]["struck"] == 1
    assert charges(sandbox).status_code == 200
    assert sandbox.get("/chaos").json() == {"faults": [], "struck": []}


@pytest.mark.parametrize(
    ("fault", "error"),
    [("reset", httpx.ReadError), ("cut", httpx.RemoteProtocolError)],
)
def test_a_connection_ends_in_the_middle_of_a_body(
    sandbox: httpx.Client, fault: str, error: type[httpx.TransportError]
) -> None:
    begin(sandbox, {"fault": fault, "vendor": "stripe"})
    with pytest.raises(error):
        charges(sandbox)
    assert len(ids(charges(sandbox))) == 20


def test_a_truncated_body_is_complete_on_the_wire(sandbox: httpx.Client) -> None:
    whole = len(charges(sandbox).content)
    begin(sandbox, {"fault": "truncated", "vendor": "stripe", "keep": 0.25})
    answer = charges(sandbox)
    assert (answer.status_code, len(answer.content)) == (200, whole // 4)


def test_a_slow_body_comes_whole(sandbox: httpx.Client) -> None:
    whole = charges(sandbox).content
    begin(sandbox, {"fault": "slow", "vendor": "stripe", "seconds": 0.05})
    assert charges(sandbox).content == whole


def test_shopify_says_throttled_and_too_costly_in_its_body(sandbox: httpx.Client, shopify: Shopify) -> None:
    begin(
        sandbox,
        {"fault": "throttled", "object": "orders"},
        {"fault": "too_costly", "count": 15, "times": 0},
    )
    codes = [page(shopify)["errors"][0]["extensions"]["code"] for _ in range(2)]
    assert codes == ["THROTTLED", "MAX_COST_EXCEEDED"]
    assert len(edges(page(shopify, first=15))) == 15


def test_a_revoked_key_stays_revoked(sandbox: httpx.Client) -> None:
    begin(sandbox, {"fault": "revoked", "vendor": "stripe", "skip": 1})
    assert [charges(sandbox).status_code for _ in range(4)] == [200, 401, 401, 401]


def test_a_revoked_token_is_refused_until_another_is_granted(sandbox: httpx.Client, shopify: Shopify) -> None:
    begin(sandbox, {"fault": "revoked", "vendor": "shopify"})
    assert [shopify.http.post("graphql.json", json={"query": POLL}).status_code for _ in range(2)] == [401, 401]
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials.SHOPIFY_CLIENT_ID,
        "client_secret": credentials.SHOPIFY_CLIENT_SECRET,
    }
    token = sandbox.post("/admin/oauth/access_token", data=form).json()["access_token"]
    shopify.http.headers["X-Shopify-Access-Token"] = token
    assert shopify.http.post("graphql.json", json={"query": POLL}).status_code == 200


def test_an_expired_cursor_is_refused_in_each_vendors_words(sandbox: httpx.Client, shopify: Shopify) -> None:
    begin(sandbox, {"fault": "expired_cursor", "times": 0})
    told = charges(sandbox, ids(charges(sandbox))[-1])
    assert (told.status_code, told.json()["error"]["code"]) == (400, "resource_missing")
    cursor = page(shopify)["data"]["orders"]["pageInfo"]["endCursor"]
    assert page(shopify, cursor)["errors"][0]["message"].startswith("Invalid cursor")


def test_a_page_comes_again_or_begins_with_the_end_of_the_one_before(sandbox: httpx.Client, shopify: Shopify) -> None:
    faults: list[dict[str, Any]] = [{"fault": "repeated"}, {"fault": "shifted", "skip": 1, "count": 3}]
    begin(sandbox, *({**fault, "vendor": vendor} for fault in faults for vendor in ("stripe", "shopify")))
    first = charges(sandbox)
    assert charges(sandbox, ids(first)[-1]).json() == first.json()
    shifted = ids(charges(sandbox, ids(first)[-1]))
    assert shifted[:3] == ids(first)[-3:]
    assert len(shifted) == 20
    assert ids(charges(sandbox, shifted[-1]))[0] not in shifted
    one = page(shopify)
    cursor = one["data"]["orders"]["pageInfo"]["endCursor"]
    assert edges(page(shopify, cursor)) == edges(one)
    two = page(shopify, cursor)
    assert edges(two)[:3] == edges(one)[-3:]
    last = page(shopify, two["data"]["orders"]["pageInfo"]["endCursor"], first=50)
    assert len({*edges(one), *edges(two), *edges(last)}) == 60


def test_a_hidden_document_is_neither_listed_nor_counted(sandbox: httpx.Client, shopify: Shopify) -> None:
    newest = ids(charges(sandbox))
    orders = edges(page(shopify, first=60))
    begin(
        sandbox,
        {"fault": "hidden", "vendor": "stripe", "times": 0},
        {"fault": "hidden", "vendor": "shopify", "times": 0},
    )
    assert ids(charges(sandbox)) == [newest[0], *newest[2:]]
    assert edges(page(shopify, first=60)) == [*orders[:-2], orders[-1]]
    assert shopify.ask("{ ordersCount { count } }")["data"]["ordersCount"]["count"] == 59


def test_a_bulk_operation_fails_and_offers_a_part(sandbox: httpx.Client, shopify: Shopify) -> None:
    begin(sandbox, {"fault": "bulk_failed", "object": "orders", "times": 0})
    shopify.ask(BULK)
    told = ended(shopify)
    assert (told["status"], told["errorCode"], told["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    assert len(sandbox.get(told["partialDataUrl"]).content.splitlines()) == 30


def test_a_bulk_result_lacks_its_last_lines_and_can_be_read_from_a_byte_on(
    sandbox: httpx.Client, shopify: Shopify
) -> None:
    shopify.ask(BULK)
    url = ended(shopify)["url"]
    whole = sandbox.get(url).content
    rest = sandbox.get(url, headers={"Range": "bytes=100-"})
    assert (rest.status_code, rest.content) == (206, whole[100:])
    begin(sandbox, {"fault": "bulk_truncated", "object": "orders", "count": 2})
    assert sandbox.get(url).content == b"".join(whole.splitlines(keepends=True)[:-2])


def ended(shopify: Shopify) -> Any:
    while (told := shopify.ask(POLL)["data"]["currentBulkOperation"])["status"] in ("CREATED", "RUNNING"):
        pass
    return told


@pytest.fixture(scope="module")
def growing(start: Start) -> str:
    """The address of a shop that is written to."""
    return start("--orders", "60")


@pytest.fixture
def written(growing: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=growing, timeout=10, auth=(credentials.STRIPE_API_KEY, "")) as http:
        yield http
        http.delete("/chaos").raise_for_status()


def test_writes_come_between_two_pages_and_stand_in_the_ledger(written: httpx.Client) -> None:
    sandbox = written
    before = sandbox.get("/truth/stripe_charges").json()
    begin(sandbox, {"fault": "write", "vendor": "stripe", "orders": 4, "skip": 1})
    assert [len(ids(charges(sandbox))) for _ in range(2)] == [20, 20]
    after = sandbox.get("/truth/stripe_charges").json()
    assert after["count"] >= before["count"] + 4
    told = sandbox.post("/chaos/writes", json={"changes": 1}).json()["webhooks"]
    assert {one["path"] for one in told} == {"/webhooks/shopify", "/webhooks/stripe"}


def test_the_ledger_lists_what_the_vendors_list(sandbox: httpx.Client, shopify: Shopify) -> None:
    assert [entry["id"] for entry in lines(sandbox, "stripe_charges")][::-1][:100] == ids(
        sandbox.get("/v1/charges", params={"limit": 100})
    )
    told = page(shopify, first=100)["data"]["orders"]["edges"]
    found = {(entry["id"], entry["version"]) for entry in lines(sandbox, "shopify_orders")}
    assert found == {(edge["node"]["id"], edge["node"]["updatedAt"]) for edge in told}
    summed = sandbox.get("/truth").json()
    assert summed["shopify_orders"] == sandbox.get("/truth/shopify_orders").json()
    assert summed["shopify_orders"]["count"] == len(found)


def lines(sandbox: httpx.Client, name: str) -> list[Any]:
    return [json.loads(line) for line in sandbox.get(f"/truth/{name}.jsonl").content.splitlines()]


def test_a_skewed_clock_dates_what_is_written(written: httpx.Client) -> None:
    sandbox = written
    sandbox.post("/chaos/writes", json={"orders": 1}).raise_for_status()
    now = charges(sandbox).json()["data"][0]["created"]
    begin(sandbox, {"fault": "skew", "seconds": 3600})
    sandbox.post("/chaos/writes", json={"orders": 1}).raise_for_status()
    assert charges(sandbox).json()["data"][0]["created"] >= now + 3590


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ({"faults": [{"fault": "earthquake"}]}, "earthquake"),
        ({"faults": [{"fault": "cut", "keep": 2}]}, "fault 0 (cut) needs"),
        ({"fault": "cut"}, "unknown field"),
        ([], "Expected `object`"),
    ],
)
def test_a_wrong_script_is_refused_in_a_sentence(sandbox: httpx.Client, script: object, told: str) -> None:
    answer = sandbox.post("/chaos", json=script)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The chaos script is wrong: ")
    assert told in answer.json()["error"]


def test_the_command_line_begins_looks_and_ends(sandbox: httpx.Client, own: str, tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"faults": [{"fault": "status", "vendor": "stripe"}]}')
    assert client.begin(own, script) == [("status", 0, 0)]
    charges(sandbox)
    assert client.look(own) == [("status", 1, 1)]
    assert client.finish(own) == [("status", 1, 1)]
    assert client.look(own) == []
    script.write_text("{")
    with pytest.raises(SettingError, match=r"^The chaos script is wrong: "):
        client.begin(own, script)
    with pytest.raises(SettingError, match=r"can't be read: No such file"):
        client.begin(own, tmp_path / "none.json")
    with pytest.raises(ServiceError, match=r"^The sandbox shop at http://127\.0\.0\.1:1 doesn't take a chaos script"):
        client.look("http://127.0.0.1:1")


def test_the_ledger_knows_every_object_that_is_loaded(sandbox: httpx.Client) -> None:
    assert set(sandbox.get("/truth").json()) == {name for names in TABLES.values() for name in names}


def test_the_documented_script_is_taken(sandbox: httpx.Client) -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    script = re.search(r"/chaos -d '(.*?)'", text, re.DOTALL)
    assert script is not None
    told = sandbox.post("/chaos", content=script[1]).json()
    assert [fault["fault"] for fault in told["faults"]] == ["rate_limited", "reset"]


def test_a_shop_can_begin_with_a_script(start: Start, tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"faults": [{"fault": "status", "code": 502, "vendor": "stripe"}]}')
    address = start("--orders", "5", "--chaos", str(script))
    with httpx.Client(base_url=address, auth=(credentials.STRIPE_API_KEY, "")) as http:
        assert [http.get("/v1/charges").status_code for _ in range(2)] == [502, 200]

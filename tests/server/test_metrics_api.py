"""The metrics API: shapes, releases and problems."""

from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from pydantic import SecretStr

from lake.catalogue import open_catalogue
from lake.metrics import load_metrics
from lake.releases import cut_release
from lake.settings import Settings
from server.app import create_app
from tests.server import toy

Client = TestClient[Litestar]


def problem(client: Client, address: str, status: int) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert set(document) - {"known"} == {"type", "title", "status", "detail", "instance"}
    assert document["status"] == status
    return document


def test_an_answer_has_the_release_the_grain_and_money_as_text(client: Client) -> None:
    answer = client.get("/v1/metrics/net_revenue?grain=quarter")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "metric": "net_revenue",
        "unit": "USD",
        "grain": "quarter",
        "release": "first",
        "data": [{"time": "2024-01-01", "value": "30.00"}, {"time": "2024-04-01", "value": "70.05"}],
    }


def test_without_a_grain_there_is_one_row_without_a_time(client: Client) -> None:
    answer = client.get("/v1/metrics/orders").json()
    assert (answer["unit"], answer["grain"]) == ("orders", None)
    assert answer["data"] == [{"time": None, "value": 5}]


def test_rows_carry_the_dimension(client: Client) -> None:
    answer = client.get("/v1/metrics/orders?dimension=order_status&from=2024-04-01&to=2024-04-30").json()
    assert answer["data"] == [
        {"time": None, "order_status": "closed", "value": 2},
        {"time": None, "order_status": "open", "value": 1},
    ]


def test_every_metric_is_listed_and_answers(client: Client) -> None:
    listed = client.get("/v1/metrics").json()["metrics"]
    assert [metric["name"] for metric in listed] == list(load_metrics())
    for metric in listed:
        for dimension in metric["dimensions"]:
            assert client.get(f"/v1/metrics/{metric['name']}?dimension={dimension}").status_code == 200


@pytest.mark.parametrize("address", ["/v1/metrics/units?grain=day", "/v1/metrics", "/v1/releases/current"])
def test_what_a_reader_has_is_not_sent_again(client: Client, address: str) -> None:
    first = client.get(address)
    etag = first.headers["etag"]
    for condition in (etag, f'"other", W/{etag}', "*"):
        again = client.get(address, headers={"if-none-match": condition})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert client.get(address, headers={"if-none-match": '"other"'}).content == first.content


def test_the_etag_of_an_answer_is_the_release(client: Client) -> None:
    assert client.get("/v1/metrics/orders").headers["etag"] == '"first"'


def test_an_answer_from_memory_is_the_answer_that_was_computed(client: Client) -> None:
    address = "/v1/metrics/gross_revenue?grain=month&to=2024-02-29"
    computed, kept = client.get(address), client.get(address)
    assert kept.content == computed.content
    assert dict(kept.headers) == dict(computed.headers)


def test_a_metric_that_does_not_exist_lists_those_that_do(client: Client) -> None:
    document = problem(client, "/v1/metrics/revenue", 404)
    assert document["known"] == sorted(load_metrics())
    assert document["instance"] == "/v1/metrics/revenue"


def test_a_grain_or_dimension_that_does_not_exist_lists_those_that_do(client: Client) -> None:
    assert problem(client, "/v1/metrics/orders?grain=hour", 400)["known"] == ["day", "month", "quarter", "week", "year"]
    assert "order_status" in problem(client, "/v1/metrics/orders?dimension=city", 400)["known"]
    assert problem(client, "/v1/metrics/orders?grian=day", 400)["known"] == ["dimension", "from", "grain", "to"]


@pytest.mark.parametrize("name", ["grain", "from", "to", "dimension"])
@pytest.mark.parametrize(
    "value",
    [
        "\0",
        "1e3",
        "9" * 400,
        "-1",
        "2024-13-01",
        "2024-02-30",
        "20240101",
        "2024-1-1",
        "0001-01-01",
        "9999-12-31",
        "NaN",
        "2024-01-01T00:00:00",
        " ",
        "' OR 1=1 --",
        "day\n",
        "grain",
        "\N{FULLWIDTH DIGIT TWO}024-01-01",
        "\u202e",
    ],
)
def test_a_bad_value_is_a_problem_that_is_the_askers(client: Client, name: str, value: str) -> None:
    document = problem(client, f"/v1/metrics/orders?{name}={quote(value)}", 400)
    assert "\0" not in document["detail"]


@pytest.mark.parametrize(
    "address",
    [
        "/v1/metrics/%00",
        "/v1/metrics/orders?grain=%ff",
        "/v1/metrics/orders?grain=day&grain=month",
        "/v1/metrics/orders?from=2024-02-01&to=2024-01-01",
        "/v1/metrics/orders?grain=day&from=1900-01-01&to=2199-12-31",
        "/v1/metrics/orders?" + "&".join(f"a{number}=1" for number in range(1000)),
    ],
)
def test_a_bad_address_is_a_problem_that_is_the_askers(client: Client, address: str) -> None:
    problem(client, address, 400)


def test_what_is_not_there_is_a_problem_too(client: Client) -> None:
    problem(client, "/v2", 404)
    problem(client, "/v1/metrics/orders/day", 404)
    assert client.post("/v1/metrics/orders").json()["status"] == 405


def test_before_the_first_release_the_problem_says_what_to_run(new_lake: Callable[[], Settings]) -> None:
    with TestClient(create_app(new_lake())) as empty:
        assert "just run" in problem(empty, "/v1/metrics/orders", 503)["detail"]
        assert "just run" in problem(empty, "/v1/releases/current", 503)["detail"]
        health = empty.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "down")


def test_a_new_release_is_answered_from_at_once_and_so_is_an_older_one_that_is_gone_back_to(
    new_lake: Callable[[], Settings],
) -> None:
    lake = new_lake()
    first = toy.toy_shop(lake, "one")
    with TestClient(create_app(lake)) as client:
        before = client.get("/v1/metrics/orders?grain=year")
        assert before.json()["data"] == [{"time": "2024-01-01", "value": 5}]
        order = ("o6", "bob", date(2024, 5, 1), 1, "1.00", "1.00")
        toy.append(lake, "fact_orders", toy.ORDERS, [toy.order_row(order)])
        assert client.get("/v1/metrics/orders").json()["data"] == [{"time": None, "value": 5}]
        toy.release(lake, "two")
        assert client.get("/v1/releases/current").json()["release"] == "two"
        after = client.get("/v1/metrics/orders?grain=year", headers={"if-none-match": before.headers["etag"]})
        assert (after.status_code, after.headers["etag"]) == (200, '"two"')
        assert after.json()["data"] == [{"time": "2024-01-01", "value": 6}]
        cut_release(open_catalogue(lake), first, "rolled back", "a test order")
        assert client.get("/v1/releases/current").json()["release"] == "one"
        again = client.get("/v1/metrics/orders?grain=year")
        assert (again.headers["etag"], again.content) == (before.headers["etag"], before.content)


def test_amounts_of_two_currencies_are_never_added(new_lake: Callable[[], Settings]) -> None:
    lake = new_lake()
    rows = [toy.order_row(order, currency) for order, currency in zip(toy.FIVE_ORDERS[:2], ("EUR", "USD"), strict=True)]
    toy.append(lake, "fact_orders", toy.ORDERS, rows)
    toy.release(lake, "two-currencies")
    with TestClient(create_app(lake)) as client:
        assert "dimension=currency" in problem(client, "/v1/metrics/net_revenue", 400)["detail"]
        assert client.get("/v1/metrics/orders").json()["data"] == [{"time": None, "value": 2}]
        split = client.get("/v1/metrics/net_revenue?dimension=currency").json()
        assert (split["unit"], split["dimension"]) == (None, "currency")
        assert [(row["currency"], row["value"]) for row in split["data"]] == [("EUR", "10.00"), ("USD", "20.00")]


def test_a_release_without_a_metrics_table_says_so(new_lake: Callable[[], Settings]) -> None:
    lake = new_lake()
    toy.append(lake, "fact_orders", toy.ORDERS, [toy.order_row(toy.FIVE_ORDERS[0])])
    toy.release(lake, "half")
    with TestClient(create_app(lake), raise_server_exceptions=False) as client:
        document = problem(client, "/v1/metrics/new_customers", 400)
        assert document["detail"].startswith("The release half can't answer new_customers: it lacks gold.dim_customers")
        assert client.get("/v1/metrics/orders").status_code == 200


def test_answers_are_right_without_redis(shop: Settings) -> None:
    away = shop.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    with TestClient(create_app(away)) as client:
        assert client.get("/v1/metrics/units").json()["data"] == [{"time": None, "value": 11}]
        health = client.get("/health").json()
        assert (health["status"], health["services"]["redis"]) == ("degraded", "unreachable")
    without = shop.model_copy(update={"redis_url": None})
    with TestClient(create_app(without)) as client:
        assert client.get("/v1/metrics/units").json()["data"] == [{"time": None, "value": 11}]
        assert client.get("/health").json()["status"] == "ok"


def test_health_names_the_release_and_the_services(client: Client) -> None:
    health = client.get("/health").json()
    assert (health["status"], health["release"]) == ("ok", "first")
    assert health["services"] == {"catalogue": "ok", "redis": "ok"}


def test_the_description_names_every_address_and_fetches_nothing(client: Client) -> None:
    described = client.get("/schema").json()
    assert {"/v1/metrics", "/v1/metrics/{name}", "/v1/releases/current", "/health"} <= set(described["paths"])
    names = {parameter["name"] for parameter in described["paths"]["/v1/metrics/{name}"]["get"]["parameters"]}
    assert names == {"name", "grain", "from", "to", "dimension"}
    assert client.get("/schema/openapi.yaml").text.startswith("components:")


def test_the_report_is_served_and_nothing_beside_it(new_lake: Callable[[], Settings]) -> None:
    lake = new_lake()
    with TestClient(create_app(lake)) as client:
        assert "just run" in problem(client, "/reports", 404)["detail"]
        site = lake.state_dir / "site"
        (site / "customers").mkdir(parents=True)
        (site / "index.html").write_text("<h1>Shop</h1>")
        (site / "customers" / "index.html").write_text("<h1>Customers</h1>")
        (lake.state_dir / "secret.txt").write_text("secret")
        assert client.get("/reports").text == "<h1>Shop</h1>"
        assert client.get("/reports/customers/").text == "<h1>Customers</h1>"
        for away in ("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "%00", "nothing.html"):
            assert client.get(f"/reports/{away}").status_code == 404

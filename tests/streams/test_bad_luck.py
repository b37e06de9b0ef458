"""What the live flow survives, and what it says when it can't."""

import random
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.bus import Event, GapError, open_bus
from lake.errors import LockedError
from lake.live.windows import LiveWindows
from lake.settings import Settings
from streams.recovery import opened, reset, store_folder
from streams.running import flowing
from tests.streams.conftest import client_of
from tests.streams.shop import Sums, batch, minutes_ago, order, publish, refund, shopify
from tests.streams.watching import has_read, read_all, sums, until, windows

# In one step, since a flow that finds no stream at all rightly says that it was emptied.
SWAP = "redis.call('RENAME', KEYS[1], KEYS[2]) return redis.call('SET', KEYS[1], 'in the way')"
EVENTS, KILLS = 20_000, 20
SNAPSHOT = timedelta(seconds=0.1)


def many_events(count: int, seed: int) -> list[Event]:
    """Make orders, versions of them and refunds over an hour, shuffled, some late and some repeated."""
    chance = random.Random(seed)
    events: list[Event] = []
    while len(events) < count:
        number = len(events) // 2
        at = minutes_ago(chance.randint(1, 59), chance.randint(0, 59))
        body = order(number, at, f"{chance.randint(0, 20000) / 100:.2f}", currency=chance.choice(["USD", "EUR"]))
        events.append(shopify("orders/create", body))
        changed = at + timedelta(seconds=chance.randint(1, 50))
        if chance.random() < 0.2:
            events.append(refund(f"re_{number}", at, chance.randint(1, 999)))
        else:
            events.append(
                shopify("orders/updated", body | {"updated_at": changed.isoformat(), "subtotal_price": "9.99"})
            )
    events = events[:count]
    for place in range(0, count, 40):
        chunk = events[place : place + 400]
        chance.shuffle(chunk)
        events[place : place + 400] = chunk
    return events


def expected(events: list[Event]) -> Sums:
    """Give the batch's answer without what is nothing."""
    plain = {key: {name: value for name, value in values.items() if value} for key, values in batch(events).items()}
    return {key: values for key, values in plain.items() if values}


def test_twenty_kills_over_twenty_thousand_events_leave_every_window_as_the_batch_has_it(live: Settings) -> None:
    chance = random.Random(11)
    events = many_events(EVENTS, seed=3)
    part = EVENTS // KILLS
    for kill in range(KILLS):
        publish(live, events[kill * part : (kill + 1) * part])
        target = kill * part + chance.randint(1, part)
        with flowing(live) as child:
            until(has_read(live, target), child)
            child.kill()
    assert sums(read_all(live, EVENTS)) == expected(events)


@pytest.fixture
def read_once(live: Settings) -> Settings:
    """Settings of a flow that has read one event, kept its state and stopped."""
    publish(live, [shopify("orders/create", order(1, minutes_ago(5), "1.00"))])
    with flowing(live) as child:
        until(has_read(live, 1), child)
        read_at = datetime.now(UTC)
        until(lambda: (flow := LiveWindows(live).flow()) is not None and flow.at > read_at + 10 * SNAPSHOT, child)
    return live


def scribble(folder: Path) -> None:
    (folder / "part-0.sqlite3").write_bytes(b"not a database" * 500)


def remove_partition(folder: Path) -> None:
    (folder / "part-0.sqlite3").unlink()


def tear(folder: Path) -> None:
    with sqlite3.connect(folder / "part-0.sqlite3") as connection:
        connection.execute("DROP TABLE snaps")


def garble_state(folder: Path) -> None:
    with sqlite3.connect(folder / "part-0.sqlite3") as connection:
        connection.execute("UPDATE snaps SET ser_change = x'00'")


@pytest.mark.parametrize("breaks", [scribble, remove_partition, tear, garble_state])
def test_a_broken_recovery_store_is_one_sentence_and_a_reset_mends_it(
    read_once: Settings, breaks: Callable[[Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    before = sums(windows(read_once))
    breaks(store_folder(read_once))
    with flowing(read_once) as child:
        assert child.wait(60) == 1
    said = capfd.readouterr().err.strip()
    assert said.count("\n") == 0
    assert "recovery store" in said
    assert "python -m streams reset" in said
    reset(read_once)
    with client_of(read_once) as client:
        client.delete("boathouse:live:flow")
    assert sums(read_all(read_once, 1)) == before


def test_events_trimmed_before_they_were_read_are_a_loud_gap(
    read_once: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    publish(read_once, [shopify("orders/create", order(number, minutes_ago(5), "1.00")) for number in (2, 3, 4)])
    with client_of(read_once) as client:
        client.xtrim("boathouse:events", maxlen=2, approximate=False)
    with flowing(read_once) as child:
        assert child.wait(60) == 1
    assert "1 events after" in capfd.readouterr().err


def test_a_reader_that_was_not_behind_what_was_trimmed_goes_on(live: Settings) -> None:
    publish(live, [shopify("orders/create", order(number, minutes_ago(5), "1.00")) for number in (1, 2, 3)])
    bus = open_bus(live)
    [partition] = bus.partitions()
    first = bus.reader(partition).read(2)[-1].position
    with client_of(live) as client:
        client.xtrim("boathouse:events", maxlen=1, approximate=False)
        assert len(bus.reader(partition, first).read(9)) == 1
        client.delete("boathouse:events")
    with pytest.raises(GapError, match="emptied or replaced"):
        bus.reader(partition, first).read(9)


def test_a_second_flow_on_the_same_state_is_refused(live: Settings) -> None:
    with opened(live), pytest.raises(LockedError, match="runs on"), opened(live):
        pass


def test_a_bus_that_goes_away_is_waited_for(live: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    publish(live, [shopify("orders/create", order(1, minutes_ago(5), "1.00"))])
    with flowing(live) as child, client_of(live) as client:
        until(has_read(live, 1), child)
        client.eval(SWAP, 2, "boathouse:events", "kept")
        until(lambda: "the bus is away" in capfd.readouterr().err, child)
        client.rename("kept", "boathouse:events")
        publish(live, [shopify("orders/create", order(2, minutes_ago(5), "2.00"))])
        until(has_read(live, 2), child)


def test_a_stopped_flow_ends_at_once_and_says_nothing(live: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    publish(live, [shopify("orders/create", order(1, minutes_ago(5), "1.00"))])
    with flowing(live) as child:
        until(has_read(live, 1), child)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    assert isinstance(child, subprocess.Popen)
    assert capfd.readouterr().err == ""

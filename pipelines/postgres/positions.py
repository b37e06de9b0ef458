"""How far each table is in the destination of a dlt pipeline: kept in dlt's state, which is loaded with the rows."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination.client import WithStateSync
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.pipeline.state_sync import load_pipeline_state_from_destination

from lake.errors import SettingError
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect
from pipelines.postgres.claims import Cursor
from pipelines.postgres.continuity import published_now
from pipelines.postgres.definitions import key_changed, read_definitions, why_other
from pipelines.postgres.landing import Standing
from pipelines.postgres.servers import Server, check_same, identify
from pipelines.postgres.tables import SourceTable

MARK = "boathouse"
SERVER = "boathouse_server"


class Positions:
    """The positions of the tables ``names`` (``pg_<schema>_<table>``) in the pipeline that runs now.

    What counts is the state that the destination has: a position is there only if the rows before it are, since both
    are in one load package. State that is ahead of it, as after a package that was dropped or that failed, goes back.
    A table with a position that isn't among the names is to be copied anew when it comes back.
    """

    def __init__(self, pipeline: dlt.Pipeline, names: Iterable[str]) -> None:
        name = dlt.current.source_schema().name
        _check(pipeline, name)
        self._state: dict[str, Any] = dlt.current.source_state()
        if self.read_to:
            durable = _durable(pipeline, name)
            if read_to(durable) != self.read_to:
                self._state.clear()
                self._state.update(durable)
        for table in self._marks().keys() - set(names):
            self._ask_anew(table)

    @property
    def read_to(self) -> int:
        """The position (bytes) before which the destination has everything, 0 before the first load."""
        return read_to(self._state)

    def standing(self, table: str) -> Standing | None:
        """Read a table's position and columns."""
        mark = self._marks().get(table)
        if mark is None:
            return None
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(mark["schema"])))
        return Standing(Cursor.from_json(mark["cursor"]), {field.name: field.type for field in schema})

    def keep(self, table: str, cursor: Cursor, types: Mapping[str, pa.DataType]) -> None:
        """Note how far a table is in the package that is being made, and the columns that it has."""
        schema = pa.schema(list(types.items())).serialize().to_pybytes()
        self._resource(table)[MARK] = {"cursor": cursor.to_json(), "schema": base64.b64encode(schema).decode()}

    def goes_on(self, settings: Settings, connection: Connection, wanted: Sequence[SourceTable]) -> None:
        """See that server and publication are the same; a table of which changes may be lost is copied anew."""
        cursors = {name: Cursor.from_json(mark["cursor"]) for name, mark in self._marks().items()}
        followed = {name: cursor for name, cursor in cursors.items() if not cursor.anew}
        with connect(settings, replication=True) as walsender:
            now = identify(walsender)
            if followed and (known := Server(**self._state[SERVER])) != now:
                for name, cursor in followed.items():
                    check_same(walsender, name, known, now, cursor)
        self._state[SERVER] = vars(now)
        if followed:
            published = published_now(connection, settings.postgres_publication)
            definitions = read_definitions(connection, settings.postgres_publication, wanted)
            for table in wanted:
                if (last := followed.get(table.bronze)) is not None and (
                    str(table) not in published
                    or key_changed(last.key, table.key)
                    or why_other(last.definition, definitions.get((table.schema, table.name)))
                ):
                    self._ask_anew(table.bronze)

    def _ask_anew(self, table: str) -> None:
        mark = self._resource(table)[MARK]
        mark["cursor"] = replace(Cursor.from_json(mark["cursor"]), anew=True).to_json()

    def _marks(self) -> dict[str, dict[str, str]]:
        return _marks(self._state)

    def _resource(self, table: str) -> dict[str, Any]:
        return self._state.setdefault("resources", {}).setdefault(table, {})  # type: ignore[no-any-return]


def read_to(state: Mapping[str, Any]) -> int:
    """Give the position (bytes) up to which a source's state says that the slot was read."""
    return max((Cursor.from_json(mark["cursor"]).read_to for mark in _marks(state).values()), default=0)


def _marks(state: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {name: kept[MARK] for name, kept in state.get("resources", {}).items() if MARK in kept}


def _check(pipeline: dlt.Pipeline, name: str) -> None:
    if pipeline.default_schema_name not in (None, name):
        # dlt puts its state into the package of the pipeline's first source.
        raise SettingError(
            f"The pipeline '{pipeline.pipeline_name}' loads '{pipeline.default_schema_name}' too, so rows and position "
            f"would be loaded apart; give '{name}' a pipeline of its own."
        )
    if not pipeline.config.restore_from_destination:
        raise SettingError("Positions live in the destination; set restore_from_destination back to true.")


def _durable(pipeline: dlt.Pipeline, name: str) -> dict[str, Any]:
    with pipeline.destination_client() as client:
        if not isinstance(client, WithStateSync):
            raise SettingError(f"The destination of '{pipeline.pipeline_name}' keeps no state, which positions need.")
        try:
            stored = load_pipeline_state_from_destination(pipeline.pipeline_name, client)
        except DestinationUndefinedEntity:
            return {}
    found: dict[str, Any] = (stored or {}).get("sources", {}).get(name, {})
    return found

"""A Postgres database's changes as a dlt source: what the engine reads, into any destination that a pipeline has."""

import json
from collections import defaultdict, deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import structlog
from pydantic import SecretStr

from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, current_lsn
from pipelines.postgres.changes import ChangeReader
from pipelines.postgres.claims import PLACE, Cursor
from pipelines.postgres.columns import widest
from pipelines.postgres.copying import slot_of_copy
from pipelines.postgres.definitions import read_definition
from pipelines.postgres.flushing import new_load_id
from pipelines.postgres.heaps import cut, find_heaps
from pipelines.postgres.kinds import Kinds
from pipelines.postgres.layout import read_layout
from pipelines.postgres.peeking import backlog
from pipelines.postgres.positions import Positions
from pipelines.postgres.reading import plan_load
from pipelines.postgres.rows import META, OURS, bronze_schema, emptied_row
from pipelines.postgres.shapes import Followed, aligned, copied_again, fitted_table, look_unseen
from pipelines.postgres.slots import advance
from pipelines.postgres.snapshot import RangeReader, Snapshot, open_snapshot
from pipelines.postgres.tables import SourceTable, find_tables

BATCH_BYTES = 32 * 2**20
# A row that is loaded again, as when a process dies before dlt has noted that a job is done, is there already.
ONCE: Any = {"disposition": "merge", "strategy": "insert-only"}
TEXT = pa.field("_unchanged", pa.string())
THEIRS = pa.schema([TEXT if one.name == TEXT.name else one.with_nullable(one.name not in PLACE) for one in OURS])
# After every row of a copy.
MOST = 2**63 - 1
END = object()

log = structlog.get_logger("postgres")


@dlt.source(name="postgres_changes", section="postgres_changes", max_table_nesting=0)
def postgres_changes(
    credentials: str = dlt.secrets.value,
    tables: Sequence[str] = (),
    slot: str = "boathouse_dlt",
    publication: str = "boathouse_dlt",
) -> Any:
    """Read the tables' rows as they are, then with every run the changes since, one resource a table.

    ``credentials`` is ``postgresql://user:password@host/database``; ``tables`` are names and patterns as
    BOATHOUSE_POSTGRES_TABLES takes them, every table with a key when empty; slot and publication are made where they
    aren't there. Yields Arrow tables. Raises CredentialsError, SettingError or SourceError.
    """
    settings = Settings(
        _env_file=None,
        postgres_dsn=SecretStr(credentials),
        postgres_tables=list(tables),
        postgres_slot=slot,
        postgres_publication=publication,
    )
    with connect(settings) as connection:
        found = find_tables(connection, settings.postgres_tables)
    reading = Reading(settings)
    for table in found:
        yield dlt.resource(
            reading.rows(table.bronze), name=table.bronze, write_disposition=ONCE, primary_key=list(PLACE)
        )


class Reading:
    """One run of the source: everything up to the log's end, handed out table by table as dlt asks for it.

    The slot is confirmed at the start of the run, up to what the runs before have brought into the destination.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._steps: Iterator[None] | None = None
        self._waiting: defaultdict[str, deque[pa.Table]] = defaultdict(deque)
        self._types: dict[str, dict[str, pa.DataType]] = {}

    def rows(self, name: str) -> Iterator[pa.Table | None]:
        """Give the rows of a table (``pg_<schema>_<table>``); None when the next ones are another table's."""
        if self._steps is None:
            self._steps = self._read()
        while self._waiting[name] or next(self._steps, END) is not END:
            yield self._waiting[name].popleft() if self._waiting[name] else None

    def _read(self) -> Iterator[None]:
        pipeline, chosen = dlt.current.pipeline(), set(dlt.current.source().selected_resources)
        positions = Positions(pipeline, chosen)
        settings = self._settings.model_copy(update={"state_dir": Path(pipeline.working_dir)})
        with connect(settings) as connection:
            tables = find_tables(connection, settings.postgres_tables)
        names = [str(table) for table in tables if table.bronze in chosen]
        settings = settings.model_copy(update={"postgres_tables": names})
        plan = plan_load(settings, positions)
        self._types = {one.table.bronze: one.types for one in plan.followed}
        upto = None
        if not plan.is_first:
            with connect(settings) as connection:
                upto = current_lsn(connection)
                advance(connection, settings.postgres_slot, positions.read_to)
                upto = yield from self._changes(settings, connection, plan.followed, positions.read_to, upto)
                look_unseen(connection, settings.postgres_publication, plan.followed)
        for one in plan.followed:
            cursor = Cursor(
                settings.postgres_slot,
                *one.mark,
                upto or 0,
                one.stopped,
                columns=dict(one.layout),
                key=one.table.key,
                definition=one.definition,
            )
            positions.keep(one.table.bronze, cursor, one.types)
        again = copied_again(plan.followed)
        if copied := [*plan.copied, *again]:
            yield from self._copies(settings, positions, copied, upto)
        for one in plan.followed:
            if one.stopped:
                _warn(one.table, one.stopped)
        for table, reason in plan.refused.items():
            log.warning("a table is not followed", table=str(table), reason=reason)

    def _changes(
        self, settings: Settings, connection: Connection, followed: Sequence[Followed], since: int, upto: int
    ) -> Generator[None, None, int]:
        """Take in what committed before ``upto`` (bytes), or less where that is too much at once; give how far."""
        with connect(settings) as asking, backlog(settings, connection, upto, upto - since) as rest:
            by_name = {(one.table.schema, one.table.name): one for one in followed}
            reader = ChangeReader(by_name, Kinds(asking), new_load_id())
            while True:
                for run in rest.chunk():
                    reader.feed(run)
                    if reader.pending_bytes >= BATCH_BYTES:
                        self._take(reader)
                        yield
                self._take(reader)
                yield
                if rest.done or not rest.ahead:
                    return upto if rest.done else max(reader.read_to, since)

    def _take(self, reader: ChangeReader) -> None:
        for gathered in reader.take():
            self._put(gathered.followed.table.bronze, gathered.rows)

    def _copies(
        self, settings: Settings, positions: Positions, tables: Sequence[SourceTable], upto: int | None
    ) -> Iterator[None]:
        """Copy tables as one snapshot shows them; a row that empties it goes before each one's rows."""
        fitting = []
        for table in tables:
            standing = positions.standing(table.bronze)
            self._types[table.bronze] = types = dict(standing.types) if standing else {}
            table, unfit = fitted_table(table, types)
            if standing and unfit:
                reason = f"column {unfit[0]} has a type that its column in the destination can't hold"
                positions.keep(table.bronze, replace(standing.cursor, stopped=reason, anew=False), types)
                _warn(table, reason)
            else:
                fitting.append(table)
        if not fitting:
            return
        name = slot_of_copy(settings, is_first=upto is None)
        with open_snapshot(settings, name, fitting, temporary=upto is not None) as snapshot:
            for table in fitting:
                yield from self._copy(snapshot, table)
                layout = read_layout(snapshot.connection, table.schema, table.name)
                last = snapshot.consistent_lsn - 1, MOST
                cursor = Cursor(
                    settings.postgres_slot,
                    *last,
                    upto or snapshot.consistent_lsn,
                    columns=layout,
                    key=table.key,
                    definition=read_definition(snapshot.connection, settings.postgres_publication, table),
                )
                positions.keep(table.bronze, cursor, self._types[table.bronze])

    def _copy(self, snapshot: Snapshot, table: SourceTable) -> Iterator[None]:
        at, load_id = datetime.now(UTC), new_load_id()
        first = emptied_row(snapshot.consistent_lsn - 1, at, load_id)
        self._put(table.bronze, aligned(first, bronze_schema(table.columns)))
        heaps = find_heaps(snapshot.connection, table)
        for place, pages in enumerate(cut(heaps, 1)):
            reader = RangeReader(table, heaps[pages.heap], pages, place)
            for batch in reader.read(snapshot.connection, snapshot.consistent_lsn, at, load_id):
                self._put(table.bronze, batch)
                yield

    def _put(self, table: str, rows: pa.Table) -> None:
        """Have rows handed out, in the widest types of their kinds: few destinations widen a column later."""
        types = self._types[table]
        for field in rows.schema:
            if field.name not in META:
                types[field.name] = _wide(widest(types.get(field.name, field.type), field.type) or pa.string())
        naming = dlt.current.source_schema().naming
        unchanged = [
            json.dumps([naming.normalize_path(name) for name in names]) for names in rows["_unchanged"].to_pylist()
        ]
        place = rows.schema.get_field_index("_unchanged")
        rows = rows.set_column(place, "_unchanged", pa.array(unchanged, pa.string()))
        self._waiting[table].append(aligned(rows, pa.schema([*types.items(), *THEIRS])))


def _wide(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal(kind):
        return pa.decimal128(38, kind.scale)
    return {pa.int32(): pa.int64(), pa.float32(): pa.float64()}.get(kind, kind)


def _warn(table: SourceTable, reason: str) -> None:
    pipeline = dlt.current.pipeline().pipeline_name
    log.warning(
        "a table is not followed any more, and its changes are lost until it is copied anew",
        table=str(table),
        reason=reason,
        way_out=f"dlt pipeline {pipeline} drop {table.bronze}, then run again",
    )

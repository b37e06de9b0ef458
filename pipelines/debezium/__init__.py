"""Debezium's change events in Kafka as a source: the same bronze tables of changes as a followed Postgres fills."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
from pyiceberg.catalog import Catalog

from lake.catalogue import ensure_namespaces, ensure_table, find_table
from lake.commits import Mark, commit_once, last_mark
from lake.errors import SettingError, SourceError
from lake.failpoints import reached
from lake.settings import Settings
from pipelines.debezium.batches import bronze_batch
from pipelines.debezium.envelopes import Event, read_event
from pipelines.postgres.claims import PLACE, batch_hash, hashed_columns
from pipelines.postgres.claims import WRITER as POSTGRES
from pipelines.postgres.flushing import Counted
from pipelines.postgres.landing import DAY
from pipelines.postgres.shapes import Misfit

WRITER = "debezium"
Offsets = dict[tuple[str, int], int]


@dataclass
class _Waiting:
    """Events of one table that haven't landed, and the offsets after them."""

    events: list[Event] = field(default_factory=list)
    offsets: Offsets = field(default_factory=dict)


def pull(settings: Settings, catalogue: Catalog) -> Counted:
    """Land every message that Kafka has now and bronze hasn't; give the new rows, and what stopped, by bronze table.

    Rows and the offsets after them share a commit, so nothing lands twice and nothing is left out. A table whose rows
    don't fit into bronze any more stays where it is and the others go on; its messages wait in Kafka for the next load.
    Raises SettingError, ServiceError, SourceError or CommitError; what landed by then stays.
    """
    try:
        from pipelines.debezium.api import Topics
    except ImportError:
        raise SettingError(
            "BOATHOUSE_DEBEZIUM_URL names Kafka, but its library is missing; install boathouse[kafka]."
        ) from None
    topics = Topics(settings)
    ensure_namespaces(catalogue)
    marks = dict(_marks(catalogue))
    waiting: dict[str, _Waiting] = {}
    counted = Counted()
    count = 0
    try:
        for message in topics.read(_starts(marks), topics.ends()):
            event = read_event(message.key, message.value, message.headers, settings.debezium_placeholder)
            place = message.topic, message.partition
            if event is None or event.bronze in counted.stopped:
                continue
            if message.offset < marks.get(event.bronze, {}).get(place, 0):
                continue
            one = waiting.setdefault(event.bronze, _Waiting())
            one.events.append(event)
            one.offsets[place] = message.offset + 1
            count += 1
            if count >= settings.postgres_flush_rows:
                _land_all(catalogue, waiting, marks, counted)
                count = 0
        _land_all(catalogue, waiting, marks, counted)
    finally:
        topics.close()
    return counted


def _marks(catalogue: Catalog) -> Iterator[tuple[str, Offsets]]:
    """Give the offsets to which each bronze table was read."""
    for identifier in catalogue.list_tables("bronze"):
        table = find_table(catalogue, ".".join(identifier)) if identifier[-1].startswith("pg_") else None
        mark = None if table is None else last_mark(table, WRITER)
        if mark is not None and mark.cursor:
            yield identifier[-1], {(topic, part): at for topic, part, at in json.loads(mark.cursor)["offsets"]}


def _starts(marks: Mapping[str, Offsets]) -> Offsets:
    """Give where each partition is read from: where the table that was read least of it stands."""
    starts: Offsets = {}
    for offsets in marks.values():
        for place, offset in offsets.items():
            starts[place] = min(offset, starts.get(place, offset))
    return starts


def _land_all(catalogue: Catalog, waiting: dict[str, _Waiting], marks: dict[str, Offsets], counted: Counted) -> None:
    load_id = f"debezium-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    for table, one in waiting.items():
        offsets = marks.get(table, {}) | one.offsets
        try:
            rows = _land(catalogue, table, one.events, offsets, load_id)
        except Misfit as error:
            if table not in marks:
                # Without a mark it would be begun where the other tables of its topic stand.
                raise
            counted.stopped[table] = str(error)
            continue
        counted.rows[table] = counted.rows.get(table, 0) + rows
        marks[table] = offsets
        reached("debezium.landed")
    waiting.clear()


def _land(catalogue: Catalog, table: str, events: list[Event], offsets: Offsets, load_id: str) -> int:
    found = find_table(catalogue, f"bronze.{table}")
    if found is not None and last_mark(found, POSTGRES) is not None:
        raise SourceError(
            f"bronze.{table} is filled from the database itself; take it out of BOATHOUSE_POSTGRES_TABLES or of the "
            "topics in BOATHOUSE_DEBEZIUM_URL, and begin in an empty lake."
        )
    known = {} if found is None else {one.name: _plain(one.type) for one in found.schema().as_arrow()}
    rows = bronze_batch(table, events, known, load_id)
    target = ensure_table(catalogue, f"bronze.{table}", rows.schema, partition_day=DAY)
    identity = ",".join((*hashed_columns(rows.schema, max((event.key for event in events), key=len)), *PLACE))
    cursor = json.dumps({"offsets": sorted([*place, offset] for place, offset in offsets.items())})
    said = "messages read from Kafka up to the offsets in the cursor"
    mark = Mark(WRITER, load_id, cursor, rows.num_rows, batch_hash(rows, identity), said, identity=identity)
    commit_once(target, [rows], mark)
    return int(rows.num_rows)


def _plain(kind: pa.DataType) -> pa.DataType:
    """Give the type as rows have it; pyiceberg reads text and bytes as their large twins."""
    return {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}.get(kind, kind)

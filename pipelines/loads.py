"""One load of one source, from extraction to commit, resumable at every point."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import dlt
import duckdb
from dlt.pipeline.exceptions import PipelineStepFailed
from pyiceberg.catalog import Catalog

from lake.catalogue import ensure_namespaces, ensure_table, find_table
from lake.commits import Mark, commit_once, last_mark
from lake.documents import SCHEMA
from lake.errors import BoathouseError, SourceError
from lake.failpoints import reached
from lake.fingerprints import Fingerprints, Prints
from lake.pins import Pin
from lake.readers import connect, scan
from lake.settings import Settings
from pipelines.destination import bronze_destination, claims, stay
from pipelines.documents import Known, Load

FILE_BYTES = 256 * 2**20
VERSIONS = {"quarantine": "reason"}
"""What stands for the version in a table that has none."""


@dataclass(frozen=True)
class Loaded:
    """What a load added: table (without namespace) to new rows; tables that stayed as they were have 0."""

    load_id: str
    rows: dict[str, int]
    notes: tuple[str, ...] = ()

    def and_then(self, later: "Loaded") -> "Loaded":
        """Give this load and a later one as one."""
        rows = {table: self.rows.get(table, 0) + later.rows.get(table, 0) for table in {**self.rows, **later.rows}}
        return Loaded(later.load_id, rows, (*self.notes, *later.notes))

    @property
    def total(self) -> int:
        """Give the number of rows added to all tables."""
        return sum(self.rows.values())


def run_load(settings: Settings, catalogue: Catalog, name: str, source: Callable[[Load], Any]) -> Loaded:
    """Finish what a killed run left of ``name``'s load, then extract, normalize and commit a new one.

    ``source`` makes the dlt source of a load; it is called after the rest was finished, so that it sees the
    cursors that the rest moved. Raises BoathouseError with the reason when a step fails.
    """
    dlt.config["load.delete_completed_jobs"] = True
    # One table after the other, as a source names them: events before what they are about, rejects last.
    dlt.config["extract.next_item_mode"] = "fifo"
    # What is extracted becomes the table's data files, as they are written.
    dlt.config["data_writer.compression"] = "zstd"
    dlt.config["data_writer.file_max_bytes"] = FILE_BYTES
    ensure_namespaces(catalogue)
    try:
        pipeline, emptied = _resumed(settings, catalogue, name)
        load = Load.begin(name)
        load.notes.extend(emptied)
        with load.opened:
            pipeline.extract(source(load), loader_file_format="parquet")
        reached("ingest.extracted")
        loaded = Loaded(load.load_id, _finish(pipeline, catalogue), tuple(load.notes))
        _keep(catalogue, load)
        return loaded
    except PipelineStepFailed as error:
        if any(isinstance(cause, KeyboardInterrupt) for cause in _causes(error)):
            raise KeyboardInterrupt from error
        raise _reason(error) from error


def _resumed(settings: Settings, catalogue: Catalog, name: str) -> tuple[dlt.Pipeline, list[str]]:
    """Open the working folder and finish what a killed run left in it; give the pipeline, and a note for the user.

    A folder that is damaged is emptied: cursors travel in the commits, so that what it held is read again.
    """
    folder = settings.state_dir.absolute() / "dlt"

    def opened() -> dlt.Pipeline:
        return dlt.pipeline(
            pipeline_name=name,
            pipelines_dir=str(folder),
            destination=bronze_destination(catalogue),
            dataset_name="bronze",
        )

    try:
        pipeline = opened()
        if pipeline.has_pending_data:
            _finish(pipeline, catalogue)
        return pipeline, []
    except (PipelineStepFailed, ValueError, OSError, duckdb.Error) as error:
        # dlt's "not found" is an OSError without a number.
        if isinstance(error, OSError) and error.errno:
            told = f"The working folder {folder} can't be used ({error.strerror}); see to it, then run again."
            raise SourceError(told) from error
        if any(isinstance(cause, BoathouseError) or getattr(cause, "errno", None) for cause in _causes(error)):
            raise
    shutil.rmtree(folder / name)
    return opened(), [f"The working folder {folder / name} was damaged and is emptied; what it held is read again"]


def cursors(catalogue: Catalog, tables: Iterable[str], writer: str) -> dict[str, str]:
    """Read where the writer's loads of each table stand, from the commits themselves; absent before the first."""
    found: dict[str, str] = {}
    for name in tables:
        table = find_table(catalogue, f"bronze.{name}")
        mark = None if table is None else last_mark(table, writer)
        if mark is not None and mark.cursor:
            found[name] = mark.cursor
    return found


@contextmanager
def known_documents(settings: Settings, catalogue: Catalog) -> Iterator[Known]:
    """Give the function that reads which (id, version) pairs a bronze table holds from a version on.

    What only a webhook brought isn't known: a load lands its own document beside it, which is complete. The
    function's one connection is opened when it is first needed and closed at the end of the block.
    """
    with ExitStack() as stack:
        opened: list[duckdb.DuckDBPyConnection] = []

        def known(table: str, since: str) -> Fingerprints:
            found = find_table(catalogue, f"bronze.{table}")
            pin = None if found is None else Pin.of(found)
            if pin is None:
                return Fingerprints()
            if not opened:
                opened.append(stack.enter_context(connect(settings)))
            return _fingerprints(opened[0], pin, table, since)

        yield known


def _fingerprints(connection: duckdb.DuckDBPyConnection, pin: Pin, table: str, since: str) -> Fingerprints:
    version = VERSIONS.get(table, "version")
    pulled = "true" if table in VERSIONS else "_lane <> 'webhook'"
    rows = connection.execute(
        f"SELECT md5_number_lower(pair), md5_number_upper(pair) FROM (SELECT concat_ws(chr(31), id, {version}) AS pair "
        f"FROM {scan(pin)} WHERE {version} >= ? AND {pulled})",
        [since],
    )
    batches = rows.to_arrow_reader(1_000_000)
    return Fingerprints(Prints(*(column.to_numpy() for column in batch.columns)) for batch in batches)


def _finish(pipeline: dlt.Pipeline, catalogue: Catalog) -> dict[str, int]:
    """Normalize and commit what is extracted, and give the rows each table gained."""
    pipeline.normalize()
    reached("ingest.normalized")
    counts: dict[str, int] = {}
    for load_id in pipeline.list_normalized_load_packages():
        marks = claims(pipeline.get_load_package_state(load_id))
        pipeline.load()
        for table, mark in marks.items():
            counts[table] = counts.get(table, 0) + mark.claim_count - mark.quarantined
            _mark_rowless(catalogue, table, mark)
    reached("ingest.loaded")
    return counts


def _keep(catalogue: Catalog, load: Load) -> None:
    """Commit the marks that moved although their tables have no new rows; dlt keeps no package without rows."""
    for table, mark in load.rowless.items():
        found = find_table(catalogue, f"bronze.{table}")
        if found is not None:
            commit_once(found, [], mark)


def _mark_rowless(catalogue: Catalog, table: str, mark: Mark) -> None:
    """Leave the mark of a load that brought no rows, where it tells something.

    An object's first load makes its empty table, so that "read, and empty" can be told from "never read"; rows
    that the source spoke of and that never came are left for the proof to find.
    """
    found = find_table(catalogue, f"bronze.{table}")
    if found is None:
        target = ensure_table(catalogue, f"bronze.{table}", SCHEMA, "_received_at")
        commit_once(target, [], mark if mark.claim_count == mark.quarantined else stay(target, mark))
    elif mark.claim_count > mark.quarantined:
        last = last_mark(found, mark.writer)
        if last is None or last.load_id != mark.load_id:
            commit_once(found, [], stay(found, mark))


def _reason(error: BaseException) -> BoathouseError:
    """Find the sentence that is meant for the user in a chain of dlt's exceptions."""
    last = error
    for cause in _causes(error):
        if isinstance(cause, BoathouseError):
            return cause
        if str(cause):
            last = cause
    return SourceError(f"The load failed ({type(last).__name__}: {last}); run again to go on where it stopped.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__

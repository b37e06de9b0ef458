"""The dlt destination that lands a load package in bronze: one exactly-once Iceberg commit a table."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.common.destination.exceptions import DestinationTransientException
from dlt.common.schema.typing import TTableSchema
from pyiceberg.catalog import Catalog
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from lake.adopted_files import adopted, unnumbered
from lake.catalogue import ensure_table
from lake.commits import Mark, commit_once, last_mark
from lake.proofs import Tally, hash_sql
from pipelines.documents import Known, Landing, Load

BATCH_ROWS = 50_000


def claim(table: str, mark: Mark) -> None:
    """Record, while a source is extracted, what the source says a table's load holds.

    The claim travels in dlt's load package state, so a load that is finished by another process still
    knows it. Raises dlt's errors when no extraction is under way.
    """
    state: Any = dlt.current.load_package_state()["state"]
    state.setdefault("claims", {})[table] = mark.to_json()


def claims(state: Any) -> dict[str, Mark]:
    """Read the claims of a load package's state: table name (without namespace) to mark."""
    return {table: Mark.from_json(text) for table, text in state.get("claims", {}).items()}


def bronze_destination(catalogue: Catalog) -> Any:
    """Make the dlt destination that commits each table's Parquet files to ``bronze.<table>``."""

    # One job a table at a time: a table's first job commits all its files, and none may move while it does.
    @dlt.destination(
        name="bronze",
        batch_size=0,
        loader_file_format="parquet",
        naming_convention="direct",
        loader_parallelism_strategy="table-sequential",
    )
    def bronze(file: Any, table: TTableSchema) -> None:
        name = str(table["name"])
        marks = claims(dlt.current.load_package_state()["state"])
        try:
            land(catalogue, name, Path(file), marks[name])
        except Exception as error:
            # A transient error keeps the package, so that the next run finishes it; a terminal one would drop it.
            raise DestinationTransientException(str(error)) from error

    return bronze


def land(catalogue: Catalog, table: str, file: Path, mark: Mark) -> None:
    """Commit all of a table's files in the package of ``file`` at once; a load that is there adds nothing.

    Raises CommitError.
    """
    package = file.parent.parent
    files = sorted(package.glob(f"*_jobs/{table}.*.parquet"), key=lambda path: path.name)
    schema = unnumbered(pa.unify_schemas([pq.read_schema(path) for path in files]))
    day = "_received_at" if "_received_at" in schema.names else "_commit_at"
    target = ensure_table(catalogue, f"bronze.{table}", schema, partition_day=day)
    if not mark.agrees_with(*measure(files, mark.identity)):
        mark = stay(target, mark)
    commit_once(target, _batches(target, files, schema), mark)


def measure(files: list[Path], identity: str) -> tuple[int, str]:
    """Count the rows of the Parquet files and hash their ``identity`` columns, whatever their order."""
    with duckdb.connect() as connection:
        paths = [str(path) for path in files]
        row = connection.execute(f"SELECT count(*), {hash_sql(identity)} FROM read_parquet(?)", [paths]).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


def stay(table: Table, mark: Mark) -> Mark:
    """Give the mark with the cursor where it was: what came isn't what the source said, so it is asked again."""
    last = last_mark(table, mark.writer)
    return replace(mark, cursor=last.cursor if last else "")


def _batches(target: Table, files: list[Path], schema: pa.Schema) -> Iterator[pa.Table | DataFile]:
    """Give the files as they are where the table can take them so, and their rows otherwise."""
    for path in files:
        if (file := adopted(target, path)) is not None:
            yield file
            continue
        with pq.ParquetFile(path) as parquet:
            for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
                yield pa.Table.from_batches([batch]).cast(schema)


def claim_quarantine(writer: str, load: Load, landings: list[Landing], known: Known) -> Iterator[pa.Table]:
    """Give all landings' rejected documents as one table and claim them; nothing when there are no new ones."""
    if not any(landing.quarantined.count for landing in landings):
        return
    there = known("quarantine", "")
    tables = [landing.rejects(there) for landing in landings]
    rejects = pa.concat_tables(tables)
    if rejects.num_rows:
        tally = Tally()
        for identity, reason in zip(rejects["id"].to_pylist(), rejects["reason"].to_pylist(), strict=True):
            tally.add(identity, reason)
        mark = Mark(
            writer,
            load.load_id,
            "",
            tally.count,
            tally.hash,
            "documents rejected on the way",
            identity="id,reason",
        )
        claim("quarantine", mark)
        yield rejects

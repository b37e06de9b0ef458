"""A load proves itself: what the source said it holds, beside what landed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5

import duckdb
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from lake.catalogue import ensure_table, find_table
from lake.commits import MARK, SUMMARY, Mark, commit_once
from lake.fingerprints import Prints
from lake.pins import Pin
from lake.readers import connect, scan
from lake.settings import Settings

TABLE = "ops.proofs"
SEPARATOR = "\x1f"
MODULUS = 2**64
SCHEMA = pa.schema(
    [
        ("load_id", pa.string()),
        ("table", pa.string()),
        ("writer", pa.string()),
        ("said_by", pa.string()),
        ("source_count", pa.int64()),
        ("source_hash", pa.string()),
        ("landed_count", pa.int64()),
        ("landed_hash", pa.string()),
        ("quarantined", pa.int64()),
        ("agrees", pa.bool_()),
        ("cursor", pa.string()),
        ("snapshot_id", pa.int64()),
        ("proven_at", pa.timestamp("us", tz="UTC")),
    ]
)


def fingerprint(identity: str, version: str) -> bytes:
    """Hash one document's id and version: 16 bytes, as DuckDB's ``unhex(md5(concat_ws(chr(31), id, version)))``."""
    return md5(f"{identity}{SEPARATOR}{version}".encode(), usedforsecurity=False).digest()


@dataclass
class Tally:
    """A running count and order-free hash of the (id, version) pairs that a source sent."""

    count: int = 0
    total: int = 0

    def add(self, identity: str, version: str) -> None:
        """Count one document."""
        self.take(fingerprint(identity, version))

    def take(self, print_: bytes) -> None:
        """Count one document by its fingerprint."""
        self.count += 1
        self.total = (self.total + int.from_bytes(print_[8:], "little")) % MODULUS

    def take_all(self, prints: Prints) -> None:
        """Count many documents by their fingerprints."""
        self.count += len(prints.lower)
        self.total = (self.total + int(prints.lower.sum())) % MODULUS

    @property
    def hash(self) -> str:
        """Give the hash as 16 hexadecimal digits; the order of the documents doesn't matter."""
        return f"{self.total:016x}"


def order_free_hash(ids: pa.Array | pa.ChunkedArray, versions: pa.Array | pa.ChunkedArray) -> str:
    """Hash two text arrays of equal length as Tally does: 16 hexadecimal digits, whatever the order."""
    pairs = pa.table({"id": ids, "version": versions})  # noqa: F841  (DuckDB reads it by its name)
    with duckdb.connect() as connection:
        row = connection.execute(f"SELECT {hash_sql('id,version')} FROM pairs").fetchone()
    assert row is not None
    return str(row[0])


def hash_sql(identity: str) -> str:
    """Write the SQL expression that hashes the ``identity`` columns (commas between) of many rows as Tally does."""
    columns = ", ".join(f'"{name}"::VARCHAR' for name in identity.split(","))
    total = f"sum(md5_number_lower(concat_ws(chr(31), {columns})))"
    return f"format('{{:016x}}', (coalesce({total}, 0) % {MODULUS}::HUGEINT)::UBIGINT)"


@dataclass(frozen=True)
class Proof:
    """One line of the ledger: a load of one table, what the source said and what landed."""

    table: str
    mark: Mark
    landed_count: int
    landed_hash: str
    snapshot_id: int | None
    proven_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def agrees(self) -> bool:
        """Whether every document that the source spoke of landed once or is in quarantine."""
        return self.mark.agrees_with(self.landed_count, self.landed_hash)

    def row(self) -> dict[str, object]:
        """Give the proof as a row of ``ops.proofs``."""
        return {
            "load_id": self.mark.load_id,
            "table": self.table,
            "writer": self.mark.writer,
            "said_by": self.mark.said_by,
            "source_count": self.mark.claim_count,
            "source_hash": self.mark.claim_hash,
            "landed_count": self.landed_count,
            "landed_hash": self.landed_hash,
            "quarantined": self.mark.quarantined,
            "agrees": self.agrees,
            "cursor": self.mark.cursor,
            "snapshot_id": self.snapshot_id,
            "proven_at": self.proven_at,
        }


def prove(settings: Settings, catalogue: Catalog) -> list[Proof]:
    """Measure every load of bronze that has no proof yet, and write the proofs in one commit.

    What landed is read back from the table by DuckDB; what the source said travelled with the commit.
    """
    known = {(row["load_id"], row["table"]) for row in ledger(catalogue)}
    proofs: list[Proof] = []
    with connect(settings) as connection:
        for name in sorted(catalogue.list_tables("bronze")):
            table = catalogue.load_table(name)
            loads = [load for load in loads_of(table) if (load[0].load_id, ".".join(name)) not in known]
            proofs += _measure_all(connection, table, loads)
    _write(catalogue, proofs)
    return proofs


def ledger(catalogue: Catalog) -> list[dict[str, object]]:
    """Read all proofs, oldest first, as rows of ``ops.proofs``."""
    table = find_table(catalogue, TABLE)
    if table is None or table.current_snapshot() is None:
        return []
    rows = table.scan().to_arrow().sort_by([("proven_at", "ascending"), ("table", "ascending")])
    return list(rows.to_pylist())


def open_disagreements(catalogue: Catalog) -> list[dict[str, object]]:
    """List the proofs that disagree and that no later load of the same table and writer has made good."""
    last: dict[tuple[object, object], dict[str, object]] = {}
    for row in ledger(catalogue):
        if row["source_count"] or not row["agrees"]:
            last[(row["table"], row["writer"])] = row
    return [row for row in last.values() if not row["agrees"]]


def loads_of(table: Table) -> list[tuple[Mark, int | None]]:
    """List the loads that a table's snapshots and properties tell of, oldest first."""
    fields = tuple(Mark.__dataclass_fields__)
    loads: dict[str, tuple[Mark, int | None]] = {}
    for snapshot in table.snapshots():
        summary = snapshot.summary
        said = {name: (summary.get(f"{SUMMARY}{name.replace('_', '-')}") if summary else None) for name in fields}
        if said["load_id"]:
            mark = Mark(**{name: type(getattr(_BLANK, name))(value) for name, value in said.items() if value})
            loads[mark.load_id] = (mark, snapshot.snapshot_id)
    for key, text in table.properties.items():
        if key.startswith(MARK):
            mark = Mark.from_json(text)
            loads.setdefault(mark.load_id, (mark, None))
    return list(loads.values())


_BLANK = Mark(writer="", load_id="")


def _measure_all(
    connection: duckdb.DuckDBPyConnection, table: Table, loads: Sequence[tuple[Mark, int | None]]
) -> list[Proof]:
    """Measure loads of one table: many in one reading of it as it is now, and what differs there as it was then.

    A row may have gone since its load, rightly: erased, or its column renamed.
    """
    found = _counted(connection, table, [mark for mark, _ in loads]) if len(loads) > 1 else {}
    proofs = []
    for mark, snapshot_id in loads:
        count, hashed = found.get(mark.load_id, (0, "0" * 16))
        if mark.load_id in found and mark.agrees_with(count, hashed):
            proofs.append(Proof(".".join(table.name()), mark, count, hashed, snapshot_id))
        else:
            proofs.append(_measure(connection, table, mark, snapshot_id))
    return proofs


def _counted(connection: duckdb.DuckDBPyConnection, table: Table, marks: Sequence[Mark]) -> dict[str, tuple[int, str]]:
    """Count and hash the rows that a table has now of each load."""
    pin, found = Pin.of(table), dict[str, tuple[int, str]]()
    if pin is None:
        return found
    there = set(table.schema().column_names)
    for identity in {mark.identity for mark in marks if set(mark.identity.split(",")) <= there}:
        ids = sorted(mark.load_id for mark in marks if mark.identity == identity)
        rows = connection.execute(
            f"SELECT _load_id, count(*), {hash_sql(identity)} FROM {scan(pin)} "
            "WHERE _load_id BETWEEN ? AND ? AND _load_id IN (SELECT unnest(?)) GROUP BY _load_id",
            [ids[0], ids[-1], ids],
        ).fetchall()
        found |= {load_id: (int(count), str(hashed)) for load_id, count, hashed in rows}
    return found


def _measure(connection: duckdb.DuckDBPyConnection, table: Table, mark: Mark, snapshot_id: int | None) -> Proof:
    name = ".".join(table.name())
    current = Pin.of(table)
    if current is None:
        return Proof(name, mark, 0, "0" * 16, None)
    pin = current if snapshot_id is None else current._replace(snapshot_id=snapshot_id)
    row = connection.execute(
        f"SELECT count(*), {hash_sql(mark.identity)} FROM {scan(pin)} WHERE _load_id = ?", [mark.load_id]
    ).fetchone()
    assert row is not None
    return Proof(name, mark, int(row[0]), str(row[1]), snapshot_id)


def _write(catalogue: Catalog, proofs: list[Proof]) -> None:
    if not proofs:
        return
    table = ensure_table(catalogue, TABLE, SCHEMA)
    rows = pa.Table.from_pylist([proof.row() for proof in proofs], schema=SCHEMA)
    # A load whose tables are proven at two times has two different sets of proofs.
    proven = Tally()
    for proof in proofs:
        proven.add(proof.mark.load_id, proof.table)
    commit_once(table, [rows], Mark("proofs", f"proofs-{proven.hash}", claim_count=len(proofs)))

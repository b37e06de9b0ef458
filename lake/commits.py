"""One load is one Iceberg snapshot, however often it is tried: the load's mark travels in the commit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import orjson
import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from requests.exceptions import RequestException
from tenacity import (
    Retrying,
    retry,
    retry_if_exception_type,
    retry_if_not_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from lake.clocks import date_in_order
from lake.errors import CommitError
from lake.failpoints import reached

MARK = "boathouse.mark."
SUMMARY = "boathouse."
_LOAD, _WRITER = f"{SUMMARY}load-id", f"{SUMMARY}writer"
CONFLICTS = 50


@dataclass(frozen=True)
class Mark:
    """What a writer leaves in the commit of a load.

    ``writer`` names the lane that writes (a table may have several); ``load_id`` the load; ``cursor`` is
    where the next load of this writer starts (opaque text); ``claim_count`` and ``claim_hash`` are what
    the source said the load holds, in the words of ``said_by``, of which ``quarantined`` documents couldn't
    be read. ``identity`` names the columns whose text the hash is made of, with commas between.
    """

    writer: str
    load_id: str
    cursor: str = ""
    claim_count: int = 0
    claim_hash: str = ""
    said_by: str = ""
    quarantined: int = 0
    identity: str = "id,version"

    def agrees_with(self, count: int, order_free_hash: str) -> bool:
        """Whether ``count`` rows with this hash are what the source said, those in quarantine left out."""
        return count + self.quarantined == self.claim_count and order_free_hash == self.claim_hash

    def to_json(self) -> str:
        """Write the mark as JSON text."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def from_json(cls, text: str) -> "Mark":
        """Read a mark back from its JSON text."""
        return cls(**orjson.loads(text))

    def summary(self) -> dict[str, str]:
        """Give the snapshot summary's properties for this mark."""
        return {f"{SUMMARY}{key.replace('_', '-')}": str(value) for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Committed:
    """A durable load: its snapshot (None when it had no rows), its rows, and whether it was there before."""

    snapshot_id: int | None
    rows: int
    already: bool


def last_mark(table: Table, writer: str) -> Mark | None:
    """Read the mark of the writer's latest load from the table's properties; None before its first."""
    text = table.properties.get(MARK + writer)
    return None if text is None else Mark.from_json(text)


def commit_once(table: Table, batches: Iterable[pa.Table | DataFile], mark: Mark) -> Committed:
    """Append all ``batches`` and the mark in one commit, unless the load ``mark.load_id`` is already there.

    Data files are written batch by batch, so memory holds one batch; a batch may be a data file already. Without rows
    only the mark is committed. Raises CommitError when the commit failed, or when its fate can't be learnt.
    """
    _refresh_for(table, mark)
    if (done := _landed(table, mark)) is not None:
        return done
    try:
        files = list(_write(table, batches))
    except (OSError, RequestException) as error:
        raise _failed(table, mark, error) from error
    return _commit(table, lambda transaction: _append(transaction, files, mark), _rows(files), mark)


def commit_files_once(table: Table, files: Sequence[DataFile], mark: Mark, forget: str = "") -> Committed:
    """Append data files that are written already and the mark in one commit, as commit_once does.

    The table property ``forget`` is removed in the same commit if it is there.
    """
    _refresh_for(table, mark)
    if (done := _landed(table, mark)) is not None:
        return done

    def append(transaction: Transaction) -> None:
        _append(transaction, files, mark)
        if forget in table.properties:
            transaction.remove_properties(forget)

    return _commit(table, append, _rows(files), mark)


def _append(transaction: Transaction, files: Sequence[DataFile], mark: Mark) -> None:
    if files:
        with transaction._append_snapshot_producer(mark.summary()) as producer:
            for file in files:
                producer.append_data_file(file)


def _rows(files: Sequence[DataFile]) -> int:
    return sum(file.record_count for file in files)


def replace_once(
    table: Table, rows: pa.Table, mark: Mark, reshape: Callable[[Transaction], None] | None = None
) -> Committed:
    """Replace all rows of the table by ``rows`` and leave the mark, in one commit, as commit_once does.

    ``reshape`` may change the schema first, in the same commit. The table has a snapshot afterwards, also
    without rows.
    """
    _refresh_for(table, mark)
    if (done := _landed(table, mark)) is not None:
        return done

    def replace(transaction: Transaction) -> None:
        if reshape is not None:
            reshape(transaction)
        if _is_empty(table):
            transaction.append(rows, snapshot_properties=mark.summary())
        else:
            transaction.overwrite(rows, snapshot_properties=mark.summary())

    return _commit(table, replace, rows.num_rows, mark)


def _is_empty(table: Table) -> bool:
    snapshot = table.current_snapshot()
    return snapshot is None or (snapshot.summary is not None and snapshot.summary.get("total-records") == "0")


def _landed(table: Table, mark: Mark) -> Committed | None:
    """Find the load in the table: in its snapshots, or as the writer's last mark when its snapshot has expired."""
    for snapshot in reversed(table.snapshots()):
        summary = snapshot.summary
        if summary is not None and (summary.get(_LOAD), summary.get(_WRITER)) == (mark.load_id, mark.writer):
            return Committed(snapshot.snapshot_id, int(summary.get("added-records") or 0), already=True)
    last = last_mark(table, mark.writer)
    return Committed(None, 0, already=True) if last and last.load_id == mark.load_id else None


def _write(table: Table, batches: Iterable[pa.Table | DataFile]) -> Iterable[DataFile]:
    for batch in batches:
        if isinstance(batch, DataFile):
            yield batch
        elif batch.num_rows:
            yield from _dataframe_to_data_files(table_metadata=table.metadata, df=batch, io=table.io)


def _commit(table: Table, change: Callable[[Transaction], None], rows: int, mark: Mark) -> Committed:
    reached("commit.before")
    before = table.current_snapshot()
    try:
        done = _taken(table, change, mark)
    except Exception as error:
        # A reply can get lost after the catalogue took the commit (500, 503, reset, time-out), and pyiceberg
        # raises many kinds for that: whatever it was, the table itself says whether the load is there.
        if (done := _learn_fate(table, mark)) is not None:
            return Committed(done.snapshot_id, rows, already=False)
        raise _failed(table, mark, error) from error
    if done is not None:
        return done
    reached("commit.after")
    snapshot = table.current_snapshot()
    return Committed(snapshot.snapshot_id if snapshot and snapshot != before else None, rows, already=False)


def _taken(table: Table, change: Callable[[Transaction], None], mark: Mark) -> Committed | None:
    """Commit, again and again while other writers are faster; give what one of them did if it was this very load.

    pyiceberg's own retries (off by the table's properties) would not look whether the load came in meanwhile.
    """
    trying = Retrying(
        stop=stop_after_attempt(CONFLICTS),
        wait=wait_exponential_jitter(multiplier=0.05, max=2, jitter=0.1),
        retry=retry_if_exception_type(CommitFailedException),
        reraise=True,
    )
    for attempt in trying:
        with attempt:
            if attempt.retry_state.attempt_number > 1:
                table.refresh()
                if (done := _landed(table, mark)) is not None:
                    return done
            with table.transaction() as transaction:
                change(transaction)
                date_in_order(transaction, table)
                transaction.set_properties({MARK + mark.writer: mark.to_json()})
    return None


def _failed(table: Table, mark: Mark, error: Exception) -> CommitError:
    name = ".".join(table.name())
    return CommitError(
        f"The commit of load {mark.load_id} to {name} failed ({type(error).__name__}: {error}); "
        "nothing of it is visible, run again."
    )


def _refresh_for(table: Table, mark: Mark) -> None:
    try:
        _refresh(table)
    except Exception as error:
        raise _failed(table, mark, error) from error


@retry(
    stop=stop_after_attempt(5),
    wait=wait_exponential_jitter(multiplier=0.2, max=3),
    retry=retry_if_not_exception_type(NoSuchTableError),
    reraise=True,
)
def _refresh(table: Table) -> None:
    table.refresh()


def _learn_fate(table: Table, mark: Mark) -> Committed | None:
    try:
        _refresh(table)
    except Exception as error:
        name = ".".join(table.name())
        raise CommitError(
            f"The catalogue stopped answering while load {mark.load_id} was committed to {name}; "
            "run again when it is back, the load won't be doubled."
        ) from error
    return _landed(table, mark)

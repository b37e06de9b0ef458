"""What a commit makes of a clock that was set back."""

from pyiceberg.table import Table, Transaction
from pyiceberg.table.update import AddSnapshotUpdate


def date_in_order(transaction: Transaction, table: Table) -> None:
    """Date the transaction's snapshots no earlier than the table: a catalogue takes none older than the last one."""
    metadata = table.metadata
    last = max([metadata.last_updated_ms, *(entry.timestamp_ms for entry in metadata.snapshot_log[-1:])])
    transaction._updates = tuple(
        update.model_copy(update={"snapshot": update.snapshot.model_copy(update={"timestamp_ms": last})})
        if isinstance(update, AddSnapshotUpdate) and update.snapshot.timestamp_ms < last
        else update
        for update in transaction._updates
    )

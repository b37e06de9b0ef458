"""One load of the source: which tables are copied, which are followed, from where and up to where."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from lake.errors import SourceError, UnreachableError
from lake.settings import Settings
from pipelines.postgres.api import connect, current_lsn
from pipelines.postgres.claims import Cursor
from pipelines.postgres.copying import copy_tables, resume_copies
from pipelines.postgres.crew import Tell, silent
from pipelines.postgres.flushing import Counted
from pipelines.postgres.following import engine
from pipelines.postgres.landing import Bronze, Marks, Standing
from pipelines.postgres.preflight import check_server
from pipelines.postgres.shapes import Followed, copied_again, fitted_table, look_unseen
from pipelines.postgres.slots import ANEW, Slot, find_slot, why_missing
from pipelines.postgres.tables import SourceTable, ensure_publication, find_tables, published

PATIENCE_SECONDS = 3.0


@dataclass(frozen=True)
class Plan:
    """What is done: ``copied`` tables get a snapshot, ``followed`` ones their changes since their mark.

    Of the copied ones, those in ``anew`` (by bronze table) have rows in bronze: a row that empties them goes before.
    Those that are ``refused`` for a reason can't be copied.

    ``confirmed`` is where the slot stands (bytes), 0 before there is one. A mark may say that the slot was read
    further, and yet another table lack rows from there: what a load that died had begun counts for nothing.
    """

    copied: tuple[SourceTable, ...]
    followed: tuple[Followed, ...]
    confirmed: int
    anew: frozenset[str] = frozenset()
    refused: Mapping[SourceTable, str] = field(default_factory=dict)

    @property
    def is_first(self) -> bool:
        """Whether no table goes on from where it was, so that the slot is yet to be made."""
        return not self.followed


def plan_load(settings: Settings, bronze: Marks) -> Plan:
    """Check the source, see to the publication and decide what to read; reads no rows, makes no slot.

    Raises CredentialsError or SourceError in one sentence, also when tables have marks and their slot is gone.
    """
    with connect(settings) as connection:
        check_server(connection)
        tables = find_tables(connection, settings.postgres_tables)
        bronze.goes_on(settings, connection, tables)
        ensure_publication(connection, settings.postgres_publication, tables)
        tables, unfit = published(connection, settings.postgres_publication, tables)
        # A reader that was killed holds the slot until its server process notices.
        for attempt in Retrying(
            retry=retry_if_exception_type(UnreachableError),
            stop=stop_after_delay(PATIENCE_SECONDS),
            wait=wait_fixed(0.1),
            reraise=True,
        ):
            with attempt:
                slot = find_slot(connection, settings.postgres_slot)
        missing = "" if slot else why_missing(connection, settings.postgres_slot)
    standing = {table.bronze: bronze.standing(table.bronze) for table in (*tables, *unfit)}
    marks = {name: found.cursor for name, found in standing.items() if found and not found.cursor.anew}
    read_to = max((found.cursor.read_to for found in standing.values() if found), default=0)
    _check_slot(settings.postgres_slot, slot, missing, marks, read_to)
    if not tables and not marks:
        raise SourceError(f"{next(iter(unfit.values()))}.")
    return Plan(
        copied=tuple(table for table in tables if table.bronze not in marks),
        followed=tuple(
            _followed(table, found, unfit.get(table, ""))
            for table in (*tables, *unfit)
            if (found := standing[table.bronze]) and not found.cursor.anew
        ),
        confirmed=slot.confirmed if slot else 0,
        anew=frozenset(name for name, found in standing.items() if found and found.cursor.anew),
        refused={table: reason for table, reason in unfit.items() if table.bronze not in marks},
    )


def plan_on(settings: Settings, bronze: Bronze, tell: Tell = silent) -> tuple[Plan, dict[str, int]]:
    """Finish the copies that a killed process left, then plan; gives the plan, and their rows by bronze table."""
    plan = plan_load(settings, bronze)
    resumed = resume_copies(settings, bronze, [table for table in plan.copied if table.bronze not in plan.anew], tell)
    return plan_load(settings, bronze) if resumed else plan, resumed


def pull(settings: Settings, bronze: Bronze, tell: Tell = silent) -> Counted:
    """Land everything up to the log's end at the start: changes of tables that have marks, then copies of the others.

    ``tell`` hears of the rows of copies as they are written. Raises CredentialsError, SourceError or CommitError; what
    was landed by then stays.
    """
    plan, resumed = plan_on(settings, bronze, tell)
    counted, durable = Counted(), None
    if plan.followed:
        with engine(settings, bronze, plan.followed, plan.confirmed) as running, connect(settings) as connection:
            counted = running.counted
            running.drain(connection, current_lsn(connection))
            durable = running.durable
            look_unseen(connection, settings.postgres_publication, plan.followed)
    counted.stopped |= {str(one.table): one.stopped for one in plan.followed if one.stopped}
    counted.stopped |= {str(table): reason for table, reason in plan.refused.items()}
    for name, rows in resumed.items():
        counted.rows[name] = counted.rows.get(name, 0) + rows
    again = copied_again(plan.followed)
    if copied := (*plan.copied, *again):
        anew = plan.anew | {table.bronze for table in again}
        for name, rows in copy(settings, bronze, copied, durable, anew, tell).items():
            counted.rows[name] = counted.rows.get(name, 0) + rows
        with connect(settings) as connection:
            bronze.goes_on(settings, connection, [*plan.copied, *(one.table for one in plan.followed)])
    return counted


def copy(
    settings: Settings,
    bronze: Bronze,
    tables: Sequence[SourceTable],
    read_to: int | None,
    anew: Collection[str],
    tell: Tell = silent,
) -> dict[str, int]:
    """Copy tables as ``copying.copy_tables`` does, those in ``anew`` beside the rows that bronze has of them.

    A column whose type has become one that its column in bronze can't hold finds that one set aside.
    """
    fitting = []
    for table in tables:
        if table.bronze in anew and (found := bronze.standing(table.bronze)):
            table, unfit = fitted_table(table, found.types)
            if unfit:
                bronze.set_aside(table.bronze, unfit)
        fitting.append(table)
    return copy_tables(settings, bronze, fitting, read_to, anew, tell)


def _followed(table: SourceTable, found: Standing, unfit: str) -> Followed:
    cursor = found.cursor
    mark, stopped = (cursor.commit_lsn, cursor.ordinal), cursor.stopped or unfit
    known = dict(cursor.columns), cursor.definition
    return Followed(table, mark, dict(found.types), stopped, *known, is_told=bool(cursor.stopped))


def _check_slot(wanted: str, slot: Slot | None, missing: str, marks: Mapping[str, Cursor], read_to: int) -> None:
    for name, cursor in marks.items():
        if cursor.slot != wanted:
            raise SourceError(
                f"bronze.{name} was read from the replication slot '{cursor.slot}', but BOATHOUSE_POSTGRES_SLOT is "
                f"'{wanted}'; set it back, or give up the changes since: {ANEW}."
            )
        if slot is None:
            raise SourceError(
                f"The replication slot '{cursor.slot}' that bronze.{name} was read from {missing}; with it went the "
                f"changes since {name} was last read; {ANEW}."
            )
    # We confirm only what a durable mark says was read.
    if slot and marks and slot.confirmed > read_to:
        raise SourceError(
            f"The replication slot '{slot.name}' was created anew or moved on by another reader, "
            f"and changes are lost that bronze doesn't have; {ANEW}."
        )

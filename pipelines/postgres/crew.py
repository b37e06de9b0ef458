"""The workers that copy a table's ranges side by side, each on a connection of its own under the same snapshot."""

from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import NamedTuple

import pyarrow as pa

from lake.failpoints import reached
from lake.settings import Settings
from pipelines.postgres.api import Connection
from pipelines.postgres.claims import Claim
from pipelines.postgres.heaps import Range
from pipelines.postgres.landing import Draft
from pipelines.postgres.progress import Part, Progress
from pipelines.postgres.snapshot import RangeReader, Snapshot, joined
from pipelines.postgres.tables import SourceTable


class Job(NamedTuple):
    """A range to copy, its place among the table's; with ``since`` only what that transaction and later ones wrote."""

    place: int
    pages: Range
    since: int | None = None


Tell = Callable[[str, int], None]
"""Is told, by several threads, of rows that were copied: the table (``schema.table``) and how many more."""


def silent(table: str, rows: int) -> None:
    """Tell nobody."""


class Task(NamedTuple):
    """What all jobs of a table share."""

    table: SourceTable
    progress: Progress
    draft: Draft
    tell: Tell = silent

    def do(self, connection: Connection, job: Job, stop: Event) -> Part:
        """Copy one range into files of the draft."""
        progress = self.progress
        reader = RangeReader(self.table, progress.heaps[job.pages.heap], job.pages, job.place, job.since)
        claim = Claim(self.table.key, "")

        def batches() -> Iterator[pa.Table]:
            for batch in reader.read(connection, progress.consistent_lsn, progress.at, progress.load_id):
                if stop.is_set():
                    raise Stopped
                reached("cdc.during_copy")
                claim.add(batch)
                yield batch
                self.tell(str(self.table), batch.num_rows)

        files = self.draft.write(batches(), progress.at)
        return Part(files, reader.rows, claim.total)


class Stopped(Exception):  # noqa: N818
    """Another worker failed."""


def work(settings: Settings, snapshot: Snapshot, task: Task, jobs: Sequence[Job]) -> Iterator[tuple[Job, Part]]:
    """Do all jobs, and give each with its part as soon as it is done; raises what the first failed one raised.

    A single job is done on the snapshot's own connection.
    """
    if len(jobs) == 1:
        yield jobs[0], task.do(snapshot.connection, jobs[0], Event())
        return
    waiting: SimpleQueue[Job] = SimpleQueue()
    for job in jobs:
        waiting.put(job)
    done: SimpleQueue[tuple[Job, Part] | BaseException] = SimpleQueue()
    stop = Event()

    def run() -> None:
        try:
            with joined(settings, snapshot) as connection:
                while not stop.is_set() and (job := _next(waiting)) is not None:
                    done.put((job, task.do(connection, job, stop)))
        except BaseException as error:
            done.put(error)

    crew = [
        Thread(target=run, name=f"copy-{number}") for number in range(min(settings.postgres_copy_workers, len(jobs)))
    ]
    for worker in crew:
        worker.start()
    try:
        for _ in jobs:
            found = done.get()
            if isinstance(found, BaseException):
                raise found
            yield found
    finally:
        stop.set()
        for worker in crew:
            worker.join()


def _next(waiting: SimpleQueue[Job]) -> Job | None:
    try:
        return waiting.get_nowait()
    except Empty:
        return None

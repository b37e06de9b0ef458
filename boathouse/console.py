"""What a person sees while Boathouse works: the step under way, and at the end what each step did."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from boathouse import STARTED

console = Console(highlight=False)
if not console.is_terminal and console.width < (PIPED := 120):
    console = Console(highlight=False, width=PIPED)


@dataclass
class Step:
    """One finished step: its name, its seconds, the rows it moved (None where there are none) and a remark."""

    name: str
    seconds: float = 0.0
    rows: int | None = None
    remark: str = ""


@dataclass
class Steps:
    """The steps of one command, shown as they happen."""

    done: list[Step] = field(default_factory=list)
    began: float = STARTED

    @contextmanager
    def step(self, name: str) -> Iterator[tuple[Step, Callable[[str], None]]]:
        """Show ``name`` while the block runs; give the step to fill in and a function that says what it does now."""
        step, began = Step(name), time.monotonic()
        with console.status(f"{name} …") as status:
            yield step, lambda text: _say(status, name, text)
        step.seconds = time.monotonic() - began
        self.done.append(step)
        console.print(f"[green]✓[/] {name:<10} {step.seconds:6.1f} s {_rows(step.rows):>14}", soft_wrap=True)

    @property
    def seconds(self) -> float:
        """Give the seconds since the command was started, its imports included."""
        return time.monotonic() - self.began

    def table(self) -> Table:
        """Give all steps as a table."""
        table = Table("step", "what happened", box=None, pad_edge=False)
        table.add_column("rows", justify="right")
        table.add_column("seconds", justify="right")
        for step in self.done:
            table.add_row(
                step.name, step.remark, f"{step.rows:,}" if step.rows is not None else "", f"{step.seconds:.1f}"
            )
        return table


class Copied:
    """Says how far the copy of a table is: the rows by now, and how many a second. Threads may tell it side by side."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._lock = say, Lock()
        self._table, self._rows, self._began = "", 0, 0.0

    def __call__(self, table: str, rows: int) -> None:
        """Count ``rows`` more of ``table``."""
        with self._lock:
            if table != self._table:
                self._table, self._rows, self._began = table, 0, time.monotonic()
            self._rows += rows
            seconds = time.monotonic() - self._began
            rate = f", {self._rows / seconds:,.0f} rows/s" if seconds > 1 else ""
            self._say(f"{escape(table)} {self._rows:,} rows{rate}")


def _rows(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,} rows"


def _say(status: Status, name: str, text: str) -> None:
    status.update(f"{name}: {text}")

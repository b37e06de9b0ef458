"""The two folds of the flow: the versions of a thing into what it counts, and what counts into windows."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from bytewax.operators import StatefulBatchLogic

from lake.live.windows import KEPT, MINUTE, FlowState, Values, Window, member
from streams.statements import Statement

FLOW_KEY = "~flow"
"""Key of the flow's own state; it takes the same way as the events before it, so it can't overtake them."""

THING_KEPT = KEPT + timedelta(hours=1)
"""A thing is remembered for longer than the window it counts in, so that it never counts twice."""


class Said(NamedTuple):
    """A statement and the watermark of the moment it was read."""

    statement: Statement
    watermark: datetime


class Change(NamedTuple):
    """What to add to a window, and whether the window had closed."""

    minute: datetime
    currency: str
    values: Values
    late: bool
    happened_at: datetime


class Progress(NamedTuple):
    """How far one partition of the bus is read."""

    partition: str
    state: FlowState


class ThingFold(StatefulBatchLogic[Any, Any, Any]):
    """Keeps the last version of one order or refund and gives the changes that a newer one makes.

    The last version wins, whatever the order of arrival; of equal versions, as in bronze, the last received.
    """

    def __init__(self, state: Statement | None) -> None:
        self._last = state

    def on_batch(self, values: list[Any]) -> tuple[Iterable[Any], bool]:
        """Take statements of this thing, or the flow's progress, which passes through."""
        if isinstance(values[0], Progress):
            return [(FLOW_KEY, value) for value in values], self.DISCARD
        changes = [change for said in values for change in self._take(said)]
        return [(member(change.minute, change.currency), change) for change in changes], self.RETAIN

    def on_notify(self) -> tuple[Iterable[Any], bool]:
        """Forget the thing; its window is gone."""
        return [], self.DISCARD

    def notify_at(self) -> datetime | None:
        """Give the time to forget it."""
        last = self._last
        return None if last is None else max(last.minute, last.happened_at) + MINUTE + THING_KEPT

    def snapshot(self) -> Statement | None:
        """Give the last version."""
        return self._last

    def _take(self, said: Said) -> list[Change]:
        new, old = said.statement, self._last
        if old is not None and new.version < old.version:
            return []
        self._last = new
        sums: dict[tuple[datetime, str], Values] = {}
        for statement, sign in ((old, -1), (new, 1)):
            if statement is not None and statement.values is not None:
                place = sums.setdefault((statement.minute, statement.currency), {})
                add(place, statement.values, sign)
        return [
            Change(minute, currency, values, minute + MINUTE <= said.watermark, new.happened_at)
            for (minute, currency), values in sums.items()
            if any(values.values())
        ]


class WindowState(NamedTuple):
    """A window as the flow keeps it."""

    minute: datetime
    currency: str
    values: Values
    changes: int
    late: int
    newest_event_at: datetime


class WindowFold(StatefulBatchLogic[Any, Any, Any]):
    """Adds changes up and gives the window whole; after a restart it gives it once more."""

    def __init__(self, state: WindowState | None) -> None:
        self._state, self._again = state, state is not None

    def on_batch(self, values: list[Any]) -> tuple[Iterable[Any], bool]:
        """Take the changes of this window."""
        for change in values:
            self._add(change)
        return [self._window()], self.RETAIN

    def on_notify(self) -> tuple[Iterable[Any], bool]:
        """Give the window again after a restart, or let go of one that is no longer kept."""
        if self._again:
            self._again = False
            return [self._window()], self.RETAIN
        return [], self.DISCARD

    def notify_at(self) -> datetime | None:
        """Give the time to repeat or forget the window."""
        if self._again:
            return datetime.now(UTC)
        return None if self._state is None else self._state.minute + MINUTE + KEPT

    def snapshot(self) -> WindowState | None:
        """Give the window; its values are never changed in place."""
        return self._state

    def _add(self, change: Change) -> None:
        old = self._state or WindowState(change.minute, change.currency, {}, 0, 0, change.happened_at)
        values = dict(old.values)
        add(values, change.values)
        self._state = WindowState(
            old.minute,
            old.currency,
            values,
            old.changes + 1,
            old.late + change.late,
            max(old.newest_event_at, change.happened_at),
        )

    def _window(self) -> Window:
        assert self._state is not None
        return Window(*self._state, updated_at=datetime.now(UTC))


class FlowFold(StatefulBatchLogic[Any, Any, Any]):
    """Puts the progress of all partitions together: the least watermark counts."""

    def __init__(self, state: dict[str, FlowState] | None) -> None:
        self._states = dict(state or {})

    def on_batch(self, values: list[Any]) -> tuple[Iterable[Any], bool]:
        """Take the newest progress of each partition."""
        self._states |= {value.partition: value.state for value in values}
        states = list(self._states.values())
        whole = FlowState(
            watermark=min(state.watermark for state in states),
            at=max(state.at for state in states),
            lag_seconds=max(state.lag_seconds for state in states),
            events=sum(state.events for state in states),
        )
        return [whole], self.RETAIN

    def snapshot(self) -> dict[str, FlowState]:
        """Give the partitions' progress."""
        return dict(self._states)


class SecondFold(StatefulBatchLogic[Any, Any, Any]):
    """A WindowFold or the FlowFold, as the first values or the restored state tell."""

    def __init__(self, state: WindowState | dict[str, FlowState] | None) -> None:
        self._fold: Any = None
        if state is not None:
            self._fold = FlowFold(state) if isinstance(state, dict) else WindowFold(state)

    def on_batch(self, values: list[Any]) -> tuple[Iterable[Any], bool]:
        """Hand on the values of one key, which are all of one kind."""
        if self._fold is None:
            self._fold = FlowFold(None) if isinstance(values[0], Progress) else WindowFold(None)
        done: tuple[Iterable[Any], bool] = self._fold.on_batch(values)
        return done

    def on_notify(self) -> tuple[Iterable[Any], bool]:
        """Hand on the time that came."""
        done: tuple[Iterable[Any], bool] = self._fold.on_notify()
        return done

    def notify_at(self) -> datetime | None:
        """Ask for the time."""
        at: datetime | None = self._fold.notify_at() if self._fold is not None else None
        return at

    def snapshot(self) -> Any:
        """Give the state."""
        return self._fold.snapshot()


def add(into: Values, values: Values, sign: int = 1) -> None:
    """Add ``values``, or take them away, in place."""
    for name, value in values.items():
        into[name] = into.get(name, Decimal(0)) + sign * value

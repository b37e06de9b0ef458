"""The live flow, composed in one call: bus to things to windows to Redis."""

from collections.abc import Iterable
from datetime import timedelta
from pickle import UnpicklingError
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.recovery import InconsistentPartitionsError, MissingPartitionsError, NoPartitionsError
from bytewax.run import cli_main

from lake.bus import Bus, open_bus
from lake.errors import BoathouseError, ServiceError
from lake.settings import Settings
from streams.folds import FLOW_KEY, SecondFold, ThingFold
from streams.recovery import Store, broken
from streams.sink import DeadLetterSink, LiveSink
from streams.source import Batch, BusSource, DeadLetter

BROKEN = (
    InconsistentPartitionsError,
    MissingPartitionsError,
    NoPartitionsError,
    UnpicklingError,
)
"""What Bytewax raises for a store that doesn't fit, or that holds the state of another version of the folds."""


def build(settings: Settings, bus: Bus, generation: str) -> Dataflow:
    """Compose the flow.

    A batch of the bus becomes statements, keyed by the thing they are about; what their versions change goes to
    the windows. The flow's progress takes the same way, behind the events that it is about.
    """
    flow = Dataflow("live")
    batches = op.input("bus", flow, BusSource(bus, settings.stream_lateness))
    op.output("dead_letters", op.flat_map("unreadable", batches, _dead), DeadLetterSink(settings))
    keyed = op.flat_map("statements", batches, _by_thing)
    changes = op.stateful_batch("things", keyed, ThingFold)
    by_window = op.map("by_window", changes, _second)
    windows = op.stateful_batch("windows", by_window, SecondFold)
    op.output("live", op.map("whole", windows, _second), LiveSink(settings, generation))
    return flow


def run(settings: Settings, store: Store) -> None:
    """Run the flow until it is told to stop (SIGINT); its state survives in the recovery store.

    Raises GapError or ServiceError with the reason when it can't start or go on.
    """
    flow = build(settings, open_bus(settings), store.generation)
    interval = timedelta(seconds=settings.stream_snapshot)
    try:
        cli_main(flow, epoch_interval=interval, recovery_config=store.config)  # type: ignore[no-untyped-call]
    except (Exception, KeyboardInterrupt) as error:
        reason = _reason(error)
        if isinstance(reason, KeyboardInterrupt):
            return
        if isinstance(reason, BoathouseError):
            raise reason from error
        why = f"{type(reason).__name__}: {_first_line(reason)}"
        if isinstance(reason, BROKEN) or "recovery" in why or "Can't get attribute" in why:
            raise broken(store.folder, why) from error
        raise ServiceError(f"The live flow failed ({why}); start it again and it goes on where it was.") from error


def _dead(batch: Batch) -> Iterable[DeadLetter]:
    return batch.dead


def _by_thing(batch: Batch) -> Iterable[tuple[str, Any]]:
    keyed: list[tuple[str, Any]] = [(said.statement.key, said) for said in batch.said]
    if batch.progress is not None:
        keyed.append((FLOW_KEY, batch.progress))
    return keyed


def _second(pair: tuple[str, Any]) -> Any:
    return pair[1]


def _reason(error: BaseException) -> BaseException:
    """Find what a chain of Bytewax's errors began with, a sentence of ours before all."""
    while (cause := error.__cause__ or error.__context__) is not None and not isinstance(error, BoathouseError):
        error = cause
    return error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")

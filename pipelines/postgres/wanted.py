"""Which tables of the source are wanted: the names and patterns of BOATHOUSE_POSTGRES_TABLES."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from lake.errors import SourceError


def choose(wanted: Sequence[str], there: Sequence[str], unfit: Mapping[str, str]) -> list[str]:
    """Choose of the tables that are ``there`` (``schema.table``) those that are wanted, in the order they are there in.

    ``wanted`` holds names and patterns (``shop.order_*``; ``*`` stands for any characters, ``?`` for one); with a
    minus before it, one takes tables out again, whatever the order. Without any that puts in, every table is wanted.
    Patterns pass over the tables in ``unfit``, which says why they can't be followed; a name doesn't.
    Raises SourceError for a name that isn't there or is unfit, and for a pattern that fits nothing.
    """
    put_in = [name for name in wanted if not name.startswith("-")] or ["*"]
    taken_out = [name[1:] for name in wanted if name.startswith("-")]
    chosen: set[str] = set()
    for pattern in put_in:
        fitting = [name for name in there if name == pattern or fnmatchcase(name, pattern)]
        if not fitting and wanted:
            raise SourceError(_nothing(pattern, there))
        if pattern in unfit and not _is_out(pattern, taken_out):
            raise SourceError(f"The table {pattern} {unfit[pattern]} or take it out of BOATHOUSE_POSTGRES_TABLES.")
        chosen |= {name for name in fitting if name not in unfit}
    for pattern in taken_out:
        if not any(name == pattern or fnmatchcase(name, pattern) for name in there):
            raise SourceError(_nothing(pattern, there))
    return [name for name in there if name in chosen and not _is_out(name, taken_out)]


def _is_out(name: str, taken_out: Sequence[str]) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in taken_out)


def _nothing(pattern: str, there: Sequence[str]) -> str:
    example = there[0] if there else "public.orders"
    return (
        f"There is no table '{pattern}' in the Postgres database that can be followed; BOATHOUSE_POSTGRES_TABLES takes "
        f"names such as {example}, patterns such as {example.split('.')[0]}.*, and either with a minus to leave out."
    )

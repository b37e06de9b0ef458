"""What a table of the source is called in bronze, and the names that can't stand side by side there.

Catalogues and engines differ about capitals and signs in names, so a bronze table's name has neither.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from lake.errors import SourceError


def bronze_name(schema: str, name: str) -> str:
    """Give ``pg_<schema>_<table>`` in small letters, digits and underscores.

    A letter outside of ASCII is ``u`` and its number in four hexadecimal digits or more, any other sign an underscore.
    """
    return re.sub(r"[^a-z0-9_]", lambda sign: _plain(sign[0]), f"pg_{schema}_{name}".lower())


def _plain(sign: str) -> str:
    # Letters, the marks that go with them, and digits.
    return f"u{ord(sign):04x}" if unicodedata.category(sign)[0] in "LMN" and not sign.isascii() else "_"


def check_names(tables: Iterable[tuple[str, str]]) -> None:
    """Raise SourceError when two tables (how they are told of, name in bronze) would land in one."""
    first: dict[str, str] = {}
    for told, name in tables:
        if name in first:
            raise SourceError(
                f"The tables {first[name]} and {told} would both land as bronze.{name}; "
                f"take one of them out in BOATHOUSE_POSTGRES_TABLES, as with -{told}."
            )
        first[name] = told


def check_columns(told: str, names: Sequence[str]) -> None:
    """Raise SourceError when two columns differ by capitals alone, which most engines can't tell apart."""
    counted = Counter(name.lower() for name in names)
    if twice := sorted(name for name in names if counted[name.lower()] > 1):
        raise SourceError(
            f"The columns {' and '.join(twice)} of {told} differ by capitals alone, which DuckDB and Snowflake can't "
            "tell apart; rename one, or take the table out of BOATHOUSE_POSTGRES_TABLES."
        )

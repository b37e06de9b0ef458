"""Formats in which rows are shown: a table for people, JSON and CSV for programs."""

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lake.errors import UnknownNameError

FORMATS = ("table", "json", "csv")


def render(columns: Sequence[str], rows: Sequence[Sequence[Any]], form: str = "table") -> str:
    """Render rows as ``table``, ``json`` (a list of objects) or ``csv`` (RFC 4180 with a header), ending in a newline.

    Decimals and times are text in JSON, so that nothing is rounded. Raises UnknownNameError for another
    format.
    """
    if form == "json":
        names = _distinct(columns)
        objects = [dict(zip(names, map(_finite, row), strict=True)) for row in rows]
        return json.dumps(objects, default=str, ensure_ascii=False, allow_nan=False) + "\n"
    if form == "csv":
        target = io.StringIO()
        csv.writer(target).writerows([columns, *rows])
        return target.getvalue()
    if form == "table":
        return _table(columns, rows)
    raise UnknownNameError("format", form, FORMATS)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        numeric = any(_is_number(row[number]) for row in rows)
        table.add_column(_plain(column), justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*("" if cell is None else _plain(str(cell)) for cell in row))
    target = io.StringIO()
    Console(file=target, width=10_000, markup=False, highlight=False, emoji=False).print(table)
    body = "\n".join(line.rstrip() for line in target.getvalue().strip("\n").splitlines() if line.strip())
    return f"{body}\n({len(rows)} {'row' if len(rows) == 1 else 'rows'})\n"


def _distinct(columns: Sequence[str]) -> list[str]:
    names: list[str] = []
    for column in columns:
        same = sum(name == column or name.startswith(f"{column}:") for name in names)
        names.append(f"{column}:{same}" if same else column)
    return names


def _finite(cell: Any) -> Any:
    """Write what JSON has no number for (inf, nan) as text."""
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def _is_number(cell: Any) -> bool:
    return not isinstance(cell, bool | str | bytes | None) and hasattr(cell, "__add__") and hasattr(cell, "__abs__")


def _plain(text: str) -> str:
    """Keep control characters in data from acting on a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)

"""The SQL expressions that tags carry: their alias, their title and whether they aggregate."""

import re
from dataclasses import dataclass

ALIASED = re.compile(r"^(.*\S)\s+as\s+(`[^`]+`|\"[^\"]+\"|\w+)$", re.IGNORECASE | re.DOTALL)
COLUMN = re.compile(r"[A-Za-z_]\w*|\"[^\"]+\"")
CALL = re.compile(r"(\w+)\((distinct\s+)?([\w*]*)\)", re.IGNORECASE)
RELATION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}")


@dataclass(frozen=True)
class Expression:
    """One expression of a tag: SQL without its alias, and the title a reader sees."""

    sql: str
    title: str

    @property
    def is_column(self) -> bool:
        """Tell whether it is one plain column, which needs no grouping."""
        return COLUMN.fullmatch(self.sql) is not None


def read_expression(text: str) -> Expression:
    """Split ``sum(total) as Total`` into its SQL and its title."""
    text = text.strip()
    if match := ALIASED.match(text):
        return Expression(match.group(1), match.group(2).strip('`"'))
    return Expression(text, title_of(text))


def title_of(sql: str) -> str:
    """Make a title of a column or a call: ``net_revenue`` is Net Revenue, ``sum(units)`` Sum of Units."""
    if match := CALL.fullmatch(sql):
        function, distinct, column = match.groups()
        if column in ("", "*"):
            return function.capitalize()
        return f"{_words(function)} of {'Distinct ' if distinct else ''}{_words(column)}"
    return _words(sql.strip('"')) if COLUMN.fullmatch(sql) else sql


def truncated(sql: str, grain: str) -> str:
    """Return SQL that cuts a date down to its day, week, month, quarter or year."""
    return f"date_trunc('{grain}', {sql})::date" if grain else sql


def _words(name: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in name.replace("_", " ").split())

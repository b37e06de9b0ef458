"""A recipe is what a model comes down to once SQLMesh has read it: its table, its SQL, what it follows, its audits."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import duckdb
import orjson

from lake.audits import SAMPLED, AuditResult, sample_of
from lake.keys import Rule
from lake.readers import quoted

TABLE = "boathouse.recipes"


@dataclass(frozen=True)
class Check:
    """An audit of a model: its name with its arguments, whether its offenders stop a build, and their query.

    ``compared`` are the other tables that it reads.
    """

    name: str
    blocking: bool
    query: str
    compared: tuple[str, ...]


class Found(NamedTuple):
    """What an audit found as it ran: how many offenders, whether they stop the build, some of them masked."""

    offenders: int
    blocking: bool
    sample: str


@dataclass(frozen=True)
class Recipe:
    """How to build ``table``, which a model's view shows, and to audit it.

    ``version`` changes with all that SQLMesh knows of the model, ``tables`` are those that ``query`` reads, by name
    the model or bronze table that each holds. A seed has no query: it is loaded once.
    """

    name: str
    table: str
    version: str
    tables: Mapping[str, str]
    query: str
    rule: Rule | None
    comments: Mapping[str, str]
    checks: tuple[Check, ...]

    @property
    def inputs(self) -> set[str]:
        """The models and bronze tables that this one is made of."""
        return set(self.tables.values())

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """Read a recipe back from its JSON text."""
        told = orjson.loads(text)
        rule = Rule.from_json(told.pop("rule")) if told["rule"] else told.pop("rule")
        checks = tuple(Check(**one | {"compared": tuple(one["compared"])}) for one in told.pop("checks"))
        return cls(**told, rule=rule, checks=checks)

    def make(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Replace the table by what the query gives, with its comments (the table's own under an empty name)."""
        connection.execute(f"CREATE OR REPLACE TABLE {self.table} AS {self.query}")
        said = (
            f'COMMENT ON COLUMN {self.table}."{column}" IS {quoted(words)}'
            if column
            else f"COMMENT ON TABLE {self.table} IS {quoted(words)}"
            for column, words in self.comments.items()
        )
        connection.execute("; ".join(said))


def named(model: Any) -> str:
    """Name a model as its file does, such as ``silver.currencies`` or ``lake.bronze.shopify_orders``."""
    return str(model.name).replace('"', "").lower()


def run_check(connection: duckdb.DuckDBPyConnection, check: Check) -> Found:
    """Count the offenders of an audit, and show some of them by the form of their values."""
    row = connection.execute(f"SELECT COUNT(*) FROM ({check.query}) AS audit").fetchone()
    offenders = int(row[0]) if row else 0
    sample = ""
    if offenders:
        some = connection.execute(f"SELECT * FROM ({check.query}) AS audit LIMIT {SAMPLED}").to_arrow_table()
        sample = sample_of(some.to_pylist())
    return Found(offenders, check.blocking, sample)


def results_of(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, str], found: Mapping[tuple[str, str], Found]
) -> list[AuditResult]:
    """Give what audits found, by model and audit, with the rows of each model's table."""
    rows = {model: _count(connection, tables[model]) for model in {model for model, _ in found}}
    return [
        AuditResult(model, audit, rows[model], one.offenders, one.blocking, one.offenders == 0, sample=one.sample)
        for (model, audit), one in sorted(found.items())
    ]


def read_recipes(connection: duckdb.DuckDBPyConnection) -> dict[str, Recipe]:
    """Read the recipes of the last finished build in the order of building; none when they can't be read."""
    with suppress(duckdb.CatalogException, TypeError, KeyError, ValueError):
        found = connection.execute(f"SELECT recipe FROM {TABLE} ORDER BY place").fetchall()
        return {recipe.name: recipe for (text,) in found for recipe in [Recipe.from_json(text)]}
    return {}


def write_recipes(connection: duckdb.DuckDBPyConnection, recipes: Iterable[Recipe]) -> None:
    """Keep the recipes of a build, in the order of building."""
    connection.execute(f"CREATE OR REPLACE TABLE {TABLE} (place INT, recipe TEXT)")
    rows: list[Any] = [[place, orjson.dumps(asdict(recipe)).decode()] for place, recipe in enumerate(recipes)]
    if rows:
        connection.executemany(f"INSERT INTO {TABLE} VALUES (?, ?)", rows)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0

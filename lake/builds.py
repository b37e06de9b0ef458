"""The record of what the warehouse was built from, kept in the warehouse beside the tables it tells of."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import duckdb
import orjson

from lake.audits import AuditResult
from lake.pins import Pin
from lake.recipes import Recipe, write_recipes
from lake.settings import Settings
from lake.warehouse import WAREHOUSE

SCHEMA = "boathouse"


@dataclass(frozen=True)
class Build:
    """A finished build: bronze's pins, each model's table, the project's files, the views and the audits' results."""

    pins: dict[str, Pin]
    tables: dict[str, str]
    models: dict[str, str]
    views: str
    audits: list[dict[str, Any]] = field(default_factory=list)

    @property
    def results(self) -> list[AuditResult]:
        """What its audits found."""
        return [AuditResult(**{**audit, "loads": tuple(audit["loads"])}) for audit in self.audits]

    def to_json(self) -> str:
        """Write the build as JSON text."""
        pins = {name: pin._asdict() for name, pin in self.pins.items()}
        return orjson.dumps({**vars(self), "pins": pins}, option=orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def from_json(cls, text: str) -> "Build":
        """Read a build back from its JSON text."""
        told = orjson.loads(text)
        return cls(**told | {"pins": {name: Pin.from_json(pin) for name, pin in told["pins"].items()}})


class Standing(NamedTuple):
    """A build whose models and views still stand, and whether no other was begun since."""

    build: Build
    undisturbed: bool

    def is_of(self, pins: Mapping[str, Pin]) -> bool:
        """Whether the warehouse holds what follows from exactly this bronze."""
        before, now = ({name: pin.snapshot_id for name, pin in these.items()} for these in (self.build.pins, pins))
        return self.undisturbed and before == now


def standing_build(settings: Settings, models: Mapping[str, str]) -> Standing | None:
    """Give the last finished build when it is of these files and nobody has moved the views since."""
    file = settings.state_dir / WAREHOUSE
    if not file.exists():
        return None
    with duckdb.connect(str(file), read_only=True) as connection:
        build = read_build(connection)
        if build is None or build.models != dict(models) or build.views != views_of(connection):
            return None
        return Standing(build, read_attempt(connection) is None)


def read_build(connection: duckdb.DuckDBPyConnection) -> Build | None:
    """Read the last finished build of the warehouse; None when there is none that can be read."""
    with suppress(duckdb.CatalogException, TypeError, KeyError, orjson.JSONDecodeError):
        row = connection.execute(f"SELECT record FROM {SCHEMA}.built").fetchone()
        return None if row is None else Build.from_json(row[0])
    return None


def read_attempt(connection: duckdb.DuckDBPyConnection) -> dict[str, Pin] | None:
    """Read the pins of a build that was begun after the last finished one; None when there is none."""
    with suppress(duckdb.CatalogException):
        row = connection.execute(f"SELECT pins FROM {SCHEMA}.begun").fetchone()
        return None if row is None else {name: Pin.from_json(pin) for name, pin in orjson.loads(row[0]).items()}
    return None


def begin(connection: duckdb.DuckDBPyConnection, pins: Mapping[str, Pin], *, anew: bool) -> None:
    """Note that tables may from now on be as of ``pins``; ``anew`` forgets the last finished build."""
    told = orjson.dumps({name: pin._asdict() for name, pin in pins.items()}).decode()
    connection.execute("BEGIN")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    if anew:
        _drop_changes(connection)
        connection.execute(f"DROP TABLE IF EXISTS {SCHEMA}.built")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.rebuilt (model TEXT)")
    connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.begun (pins TEXT)")
    connection.execute(f"INSERT INTO {SCHEMA}.begun VALUES (?)", [told])
    connection.execute("COMMIT")


def finish(connection: duckdb.DuckDBPyConnection, build: Build, recipes: Mapping[str, Recipe] | None = None) -> None:
    """Make ``build`` the last finished one, from which the next counts; its recipes are as before when not given."""
    connection.execute("BEGIN")
    _drop_changes(connection)
    if recipes is not None:
        write_recipes(connection, recipes.values())
    connection.execute(f"DROP TABLE IF EXISTS {SCHEMA}.begun")
    connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.built (record TEXT)")
    connection.execute(f"INSERT INTO {SCHEMA}.built VALUES (?)", [build.to_json()])
    connection.execute("COMMIT")


def rebuilt(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Name the models that were, or were about to be, replaced whole since the last finished build."""
    return {str(name) for (name,) in connection.execute(f"SELECT model FROM {SCHEMA}.rebuilt").fetchall()}


def changed(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Name the models whose changed rows have been kept since the last finished build."""
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = ? "
        "AND contains(table_name, '.')",
        [SCHEMA],
    ).fetchall()
    return {str(name) for (name,) in found}


def changes_of(model: str) -> str:
    """Name the table of a model's rows that came, or went, since the last finished build."""
    return f'{SCHEMA}."{model}"'


def views_of(connection: duckdb.DuckDBPyConnection) -> str:
    """Hash what the views of silver and gold show."""
    row = connection.execute(
        "SELECT md5(COALESCE(string_agg(sql, '' ORDER BY schema_name, view_name), '')) FROM duckdb_views() "
        "WHERE database_name = current_database() AND schema_name IN ('silver', 'gold')"
    ).fetchone()
    assert row is not None
    return str(row[0])


def _drop_changes(connection: duckdb.DuckDBPyConnection) -> None:
    for model in changed(connection):
        connection.execute(f"DROP TABLE {changes_of(model)}")
    connection.execute(f"DROP TABLE IF EXISTS {SCHEMA}.rebuilt")

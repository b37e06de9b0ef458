"""An increment brings each model up to date by what its inputs have that they hadn't at the last finished build.

A model's change is NONE, some ROWS (kept in a table of both those that went and those that came), or ALL. A model
of the kind ``incremental_by_key`` is built again for the keys of its inputs' changed rows alone; any other one is
replaced whole when an input changed, and its rows compared when others follow from it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from lake import builds
from lake.builds import Build, changes_of
from lake.failpoints import reached
from lake.keys import Rule, Source, cut_down, is_affected, joined_news, latest_news, write_keys
from lake.news import new_files, show_news
from lake.pins import Pin
from lake.warehouse import bronze_columns

if TYPE_CHECKING:
    from sqlmesh import Context

Query = Callable[[], exp.Query]


class Change(Enum):
    """What happened to a table since the last finished build."""

    NONE = "none"
    ROWS = "rows"
    ALL = "all"


@dataclass
class Increment:
    """A build in progress, on ``connection``, from bronze at ``pins``.

    ``base`` is the last finished build, or None to build everything; ``columns`` are those of the bronze tables,
    ``followed`` the models that others are made of.
    """

    connection: duckdb.DuckDBPyConnection
    pins: Mapping[str, Pin]
    columns: Mapping[str, Mapping[str, str]]
    followed: frozenset[str]
    base: Build | None
    changes: dict[str, Change] = field(default_factory=dict)
    built: dict[str, str] = field(default_factory=dict)
    _latest: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, context: "Context", pins: Mapping[str, Pin], project: Path, *, anew: bool = False) -> "Increment":
        """Begin a build in an open project on the warehouse; ``anew`` builds everything."""
        connection = context.engine_adapter.cursor
        models = [model for model in context.models.values() if not model.kind.is_external]
        followed = {parent for model in models for parent in model.depends_on}
        increment = cls(
            connection,
            pins,
            bronze_columns(project),
            frozenset(named(model) for model in models if model.fqn in followed),
            None if anew else builds.read_build(connection),
        )
        increment.begin()
        return increment

    def begin(self) -> None:
        """Note in the warehouse that its tables are about to change."""
        tried = builds.read_attempt(self.connection) or {}
        if any(name not in self.pins or self._files(tried[name], name) is None for name in tried):
            self.base = None  # What was tried from isn't part of what there is now.
        builds.begin(self.connection, self.pins, anew=self.base is None)
        reached("transform.begun")
        self._rebuilt = builds.rebuilt(self.connection)
        self._kept = builds.changed(self.connection)

    def build(self, snapshot: Any, snapshots: Mapping[str, Any], query: Query, replace: Callable[[], Any]) -> None:
        """Bring a model's table up to date; ``replace`` builds it whole, ``query`` renders what it holds."""
        name, table = named(snapshot.model), str(snapshot.table_name())
        self.built[name] = table
        if self._is_new(name, table):
            self._note_rebuild(name)
            replace()
            self.changes[name] = Change.ALL
            return
        inputs = [named(snapshots[parent.name].model) for parent in snapshot.parents]
        moved = {one: change for one in inputs if (change := self._change(one, snapshots)) is not Change.NONE}
        rule = Rule.of(snapshot.model)
        if not moved:
            self.changes[name] = Change.NONE
        elif rule is not None and all(one in rule.inputs and moved[one] is Change.ROWS for one in moved):
            tables = {exp.table_name(_table(one)): named(one.model) for one in snapshots.values()}
            self._build_by_key(name, table, rule, moved, tables, query())
        elif name not in self.followed:
            replace()
            self.changes[name] = Change.ALL
        elif rule is not None:
            self._note_rebuild(name)
            replace()
            self.changes[name] = Change.ALL
        else:
            self._build_compared(name, table, replace)

    def is_unchanged(self, name: str) -> bool:
        """Whether a table, ``silver.x`` or ``lake.bronze.x``, is known to hold what it held before."""
        if name in self.changes:
            return self.changes[name] is Change.NONE
        bronze = name.removeprefix("lake.bronze.")
        return bronze != name and self._bronze_change(bronze) is Change.NONE

    def finish(self, models: Mapping[str, str], audits: list[dict[str, Any]]) -> None:
        """Make this the build that the next one counts from."""
        views = builds.views_of(self.connection)
        builds.finish(self.connection, Build(dict(self.pins), self.built, dict(models), views, audits))
        reached("transform.finished")

    def _is_new(self, name: str, table: str) -> bool:
        return self.base is None or self.base.tables.get(name) != table or name in self._rebuilt

    def _change(self, name: str, snapshots: Mapping[str, Any]) -> Change:
        if name.startswith("lake.bronze."):
            return self._bronze_change(name.removeprefix("lake.bronze."))
        if name not in self.changes:  # A seed is loaded once, and never again.
            table = next(str(one.table_name()) for one in snapshots.values() if named(one.model) == name)
            self.built[name] = table
            self.changes[name] = Change.ALL if self._is_new(name, table) else Change.NONE
        return self.changes[name]

    def _bronze_change(self, table: str) -> Change:
        name = f"lake.bronze.{table}"
        if name not in self.changes:
            before = self.base.pins.get(table) if self.base else None
            if before is None:
                self.changes[name] = Change.ALL if table in self.pins else Change.NONE
            else:
                files = self._files(before, table)
                if files:
                    show_news(self.connection, table, self.columns[table], files)
                self.changes[name] = Change.ALL if files is None else Change.ROWS if files else Change.NONE
        return self.changes[name]

    def _files(self, before: Pin, table: str) -> list[str] | None:
        return new_files(self.connection, before, self.pins[table]) if table in self.pins else None

    def _note_rebuild(self, name: str) -> None:
        if self.base is not None and name not in self._rebuilt:
            self.connection.execute(f"INSERT INTO {builds.SCHEMA}.rebuilt VALUES (?)", [name])
            self._rebuilt.add(name)

    def _build_by_key(
        self, name: str, table: str, rule: Rule, moved: Iterable[str], tables: Mapping[str, str], query: exp.Query
    ) -> None:
        """Write the rows of the affected keys anew, where they differ."""
        run, sources = self.connection.execute, {one: self._source(one, rule, query) for one in moved}
        write_keys(self.connection, (joined_news(rule, one, source.rows, tables) for one, source in sources.items()))
        run(f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT * FROM {table} LIMIT 0")
        run(f"INSERT INTO fresh BY NAME {cut_down(self.connection, query, rule, sources, tables)}")
        affected = is_affected(self.connection, rule.key)
        run(f"CREATE OR REPLACE TEMP TABLE stale AS SELECT * FROM {table} WHERE {affected}")
        self._difference("stale", "fresh")
        write_keys(self.connection, [("difference", rule.key)])
        if differs := self._has_rows("difference"):
            run("BEGIN")
            self._keep(name)
            run(f"DELETE FROM {table} WHERE {affected}")
            reached("transform.deleted")
            run(f"INSERT INTO {table} BY NAME SELECT * FROM fresh WHERE {affected}")
            run("COMMIT")
            reached("transform.written")
        self.changes[name] = Change.ROWS if differs or name in self._kept else Change.NONE

    def _source(self, name: str, rule: Rule, query: exp.Query) -> Source:
        bronze = name.removeprefix("lake.bronze.")
        if bronze == name:
            return Source(changes_of(name))
        return latest_news(self.connection, query, rule, bronze, self.columns[bronze], self._latest)

    def _build_compared(self, name: str, table: str, replace: Callable[[], Any]) -> None:
        """Replace a table whole, and keep the rows that differ."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE stale AS SELECT * FROM {table}")
        self._note_rebuild(name)
        replace()
        self._difference("stale", table)
        differs = self._has_rows("difference")
        self.connection.execute("BEGIN")
        if differs:
            self._keep(name)
        self.connection.execute(f"DELETE FROM {builds.SCHEMA}.rebuilt WHERE model = ?", [name])
        self.connection.execute("COMMIT")
        self.changes[name] = Change.ROWS if differs or name in self._kept else Change.NONE

    def _difference(self, before: str, after: str) -> None:
        went, came = (
            f"(SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other})"
            for one, other in ((before, after), (after, before))
        )
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE difference AS {went} UNION ALL {came}")

    def _keep(self, name: str) -> None:
        self.connection.execute(f"CREATE TABLE IF NOT EXISTS {changes_of(name)} AS SELECT * FROM difference LIMIT 0")
        self.connection.execute(f"INSERT INTO {changes_of(name)} BY NAME SELECT * FROM difference")

    def _has_rows(self, table: str) -> bool:
        return self.connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None


def named(model: Any) -> str:
    """Name a model as its file does, such as ``silver.currencies`` or ``lake.bronze.shopify_orders``."""
    return str(model.name).replace('"', "").lower()


def _table(snapshot: Any) -> str:
    return named(snapshot.model) if snapshot.model.kind.is_external else str(snapshot.table_name())

"""An increment brings each model up to date by what its inputs have that they hadn't at the last finished build.

A model's change is NONE, some ROWS (kept in a table of both those that went and those that came), or ALL. A model
of the kind ``incremental_by_key`` is built again for the keys of its inputs' changed rows alone; any other one is
replaced whole when an input changed, and its rows compared when others follow from it.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import duckdb
from sqlglot import exp, parse_one

from lake import builds
from lake.builds import Build, changes_of
from lake.failpoints import reached
from lake.keys import Rule, Source, cut_down, is_affected, joined_news, latest_news, write_keys
from lake.news import new_files, show_news
from lake.pins import Pin
from lake.recipes import Found, Recipe, read_recipes, run_check

BRONZE = "lake.bronze."


class Change(Enum):
    """What happened to a table since the last finished build."""

    NONE = "none"
    ROWS = "rows"
    ALL = "all"


@dataclass
class Increment:
    """A build in progress, on ``connection``, from bronze at ``pins``.

    ``columns`` are those of the bronze tables, ``followed`` the models that others are made of, ``base`` the last
    finished build, or None to build everything, and ``known`` its recipes; ``recipes`` are those of this build.
    """

    connection: duckdb.DuckDBPyConnection
    pins: Mapping[str, Pin]
    columns: Mapping[str, Mapping[str, str]]
    followed: frozenset[str]
    base: Build | None
    known: Mapping[str, Recipe]
    recipes: dict[str, Recipe] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    found: dict[tuple[str, str], Found] = field(default_factory=dict)
    unaudited: set[str] = field(default_factory=set)
    _latest: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        connection: duckdb.DuckDBPyConnection,
        pins: Mapping[str, Pin],
        columns: Mapping[str, Mapping[str, str]],
        followed: frozenset[str] | None = None,
        *,
        anew: bool = False,
    ) -> "Increment":
        """Begin a build in the warehouse; ``followed`` is as the recipes say when not given, ``anew`` builds all."""
        base, known = (None if anew else builds.read_build(connection)), read_recipes(connection)
        if followed is None:
            followed = frozenset(name for recipe in known.values() for name in recipe.inputs)
        increment = cls(connection, pins, columns, followed, base, known)
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

    def build(self, recipe: Recipe, make: Callable[[], Any] | None = None) -> None:
        """Bring a model's table up to date; ``make`` builds it whole where that isn't for the recipe to do."""
        self.recipes[recipe.name] = recipe
        if self._is_new(recipe):
            self._note_rebuild(recipe.name)
            self._replace(recipe, make)
            return
        moved = {name: change for name in recipe.inputs if (change := self._change(name)) is not Change.NONE}
        rule = recipe.rule
        if not moved:
            self.changes[recipe.name] = Change.NONE
        elif rule is not None and all(one in rule.inputs and moved[one] is Change.ROWS for one in moved):
            self._build_by_key(recipe, rule, moved)
        elif recipe.name in self.followed and rule is None:
            self._build_compared(recipe)
        else:
            if recipe.name in self.followed:
                self._note_rebuild(recipe.name)
            self._replace(recipe, make)

    def audit(self, recipe: Recipe, standing: Container[str]) -> list[Found]:
        """Audit a model, unless it is among those whose last results are ``standing`` and nothing looked at changed."""
        looked_at = {recipe.name, *(name for check in recipe.checks for name in check.compared)}
        if recipe.name in standing and all(self.is_unchanged(name) for name in looked_at):
            self.unaudited.add(recipe.name)
            return []
        found = {(recipe.name, check.name): run_check(self.connection, check) for check in recipe.checks}
        self.found |= found
        return list(found.values())

    def is_unchanged(self, name: str) -> bool:
        """Whether a table, ``silver.x`` or ``lake.bronze.x``, is known to hold what it held before."""
        if name in self.changes:
            return self.changes[name] is Change.NONE
        return name.startswith(BRONZE) and self._change(name) is Change.NONE

    def finish(self, models: Mapping[str, str], audits: list[dict[str, Any]]) -> None:
        """Make this the build that the next one counts from."""
        views, tables = builds.views_of(self.connection), {one.name: one.table for one in self.recipes.values()}
        recipes = None if self.recipes == self.known else self.recipes
        builds.finish(self.connection, Build(dict(self.pins), tables, dict(models), views, audits), recipes)
        reached("transform.finished")

    def _is_new(self, recipe: Recipe) -> bool:
        return self.base is None or self.base.tables.get(recipe.name) != recipe.table or recipe.name in self._rebuilt

    def _replace(self, recipe: Recipe, make: Callable[[], Any] | None = None) -> None:
        if make is None:
            recipe.make(self.connection)
        else:
            make()
        reached("transform.replaced")
        self.changes[recipe.name] = Change.ALL

    def _change(self, name: str) -> Change:
        return self._bronze_change(name.removeprefix(BRONZE)) if name.startswith(BRONZE) else self.changes[name]

    def _bronze_change(self, table: str) -> Change:
        name = f"{BRONZE}{table}"
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

    def _build_by_key(self, recipe: Recipe, rule: Rule, moved: Iterable[str]) -> None:
        """Write the rows of the affected keys anew, where they differ."""
        name, table, tables, run = recipe.name, recipe.table, recipe.tables, self.connection.execute
        query = parse_one(recipe.query, dialect="duckdb")
        assert isinstance(query, exp.Query)
        sources = {one: self._source(one, rule, query) for one in moved}
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
        if not name.startswith(BRONZE):
            return Source(changes_of(name))
        bronze = name.removeprefix(BRONZE)
        return latest_news(self.connection, query, rule, bronze, self.columns[bronze], self._latest)

    def _build_compared(self, recipe: Recipe) -> None:
        """Replace a table whole, and keep the rows that differ."""
        name, table = recipe.name, recipe.table
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE stale AS SELECT * FROM {table}")
        self._note_rebuild(name)
        self._replace(recipe)
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

"""A trial of a model with a defect: does one of its unit tests fail, or one of its audits find more than before?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from sqlglot import exp
from sqlmesh.core.model.common import ParsableSql
from sqlmesh.core.test.definition import SqlModelTest

from bench.transform.rendered import Rendered, rendered
from tests.mutation.defects import Defect, defects
from tests.mutation.shop import fill_bronze


class Outcome(NamedTuple):
    """A defect of a model, and what noticed it: a ``test``, an ``audit``, or nothing."""

    model: str
    defect: Defect
    noticed: str


class UnitTest(NamedTuple):
    """A unit test whose inputs are there: where each is, and the columns that it holds to something, all if None.

    ``ctes`` are the CTEs that it looks at, with their columns.
    """

    inputs: Mapping[str, str]
    columns: tuple[str, ...] | None
    ctes: Mapping[str, tuple[str, ...]]


class Trials:
    """The project's models, their unit tests, and a small shop's silver and gold, all in DuckDB's memory."""

    def __init__(self, context: Any, folder: Path) -> None:
        """Build the shop's silver and gold; ``context`` is a project opened with its unit tests."""
        self.context = context
        connection = context.config.get_test_connection(context.selected_gateway)
        self._adapter = connection.create_engine_adapter(register_comments_override=False)
        self._connection: duckdb.DuckDBPyConnection = self._adapter.cursor
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("ATTACH ':memory:' AS warehouse")
        fill_bronze(self._connection, folder)
        for layer in ("silver", "gold"):
            self._connection.execute(f"CREATE SCHEMA warehouse.{layer}")
        self._known: dict[str, Rendered] = {}
        for model in [one for name in context.dag.sorted if not (one := context.models[name]).kind.is_external]:
            self._known[model.fqn] = rendered(model, context)
            self._connection.execute(f"CREATE TABLE {model.fqn} AS {self._known[model.fqn]['query']}")

    def models(self) -> list[Any]:
        """Give the models that have SQL of their own, by name."""
        found = [model for model in self.context.models.values() if not (model.kind.is_external or model.kind.is_seed)]
        return sorted(found, key=lambda model: str(model.name))

    def of(self, model: Any, every: int = 1, first: int = 0) -> Iterator[Outcome]:
        """Try a model's defects, ``every`` n-th from the ``first`` on."""
        yield from self.tried(model, list(defects(model.query))[first::every], self.tests_of(model))

    def tried(self, model: Any, wrong: Iterable[Defect], tests: Sequence[UnitTest]) -> Iterator[Outcome]:
        """Try defects of a model on unit tests and on its audits; those that make no query are none."""
        right = _render(model, model.query)
        expected = [self._results(test, right) for test in tests]
        found = self._offenders(model, right)
        for defect in wrong:
            with suppress(duckdb.BinderException):
                noticed = self._noticed(model, _render(model, defect.query), tests, expected, found)
                yield Outcome(str(model.name), defect, noticed)

    def tests_of(self, model: Any) -> list[UnitTest]:
        """Give a model's unit tests, with their inputs in place."""
        return [self._prepared(one) for one in self._told_of(model)]

    def _noticed(
        self, model: Any, wrong: exp.Query, tests: Sequence[UnitTest], expected: list[Any], found: list[int]
    ) -> str:
        try:
            if any(self._results(test, wrong) != before for test, before in zip(tests, expected, strict=True)):
                return "test"
            more = any(now > before for now, before in zip(self._offenders(model, wrong), found, strict=True))
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException):
            return "test"  # What can't be counted is noticed.
        return "audit" if more else ""

    def _told_of(self, model: Any) -> Iterator[SqlModelTest]:
        for one in self.context._model_test_metadata:
            if one.body["model"].lower().replace('"', "").endswith(str(model.name).lower()):
                yield SqlModelTest(
                    deepcopy(one.body),
                    one.test_name,
                    model,
                    self.context.models,
                    self._adapter,
                    self.context.default_dialect,
                    one.path,
                    default_catalog=self.context.default_catalog,
                )

    def _prepared(self, test: SqlModelTest) -> UnitTest:
        test.setUp()
        told = test.body["outputs"]
        inputs = {name: test._test_fixture_table(name).sql("duckdb", identify=True) for name in test.body["inputs"]}
        ctes = {name: _columns(rows) for name, rows in told.get("ctes", {}).items()}
        if "query" not in told:
            return UnitTest(inputs, (), ctes)
        return UnitTest(inputs, _columns(told["query"]) if told["query"].get("partial") else None, ctes)

    def _results(self, test: UnitTest, query: exp.Query) -> list[list[str]]:
        queries = []
        if test.columns != ():
            queries.append((query, test.columns))
        if (clause := query.args.get("with_")) is not None:
            for name, columns in test.ctes.items():
                cte = exp.select("*").from_(name)
                cte.set("with_", clause.copy())
                queries.append((cte, columns or None))
        return [self._rows(one.sql("duckdb"), columns, test.inputs) for one, columns in queries]

    def _rows(self, sql: str, columns: Iterable[str] | None, inputs: Mapping[str, str]) -> list[str]:
        for name, table in inputs.items():
            sql = sql.replace(name, table)
        chosen = "*" if columns is None else ", ".join(f'"{column}"' for column in columns)
        return sorted(map(repr, self._connection.execute(f"SELECT {chosen} FROM ({sql}) AS tried").fetchall()))

    def _offenders(self, model: Any, query: exp.Query) -> list[int]:
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE tried AS {query.sql('duckdb')}")
        audits = [audit.replace(model.fqn, "tried") for audit in self._known[model.fqn]["audits"]]
        found = [self._connection.execute(audit).fetchone() for audit in audits]
        return [row[0] for row in found if row]


def _columns(told: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted({name for row in told["rows"] for name in row}))


def _render(model: Any, query: exp.Query) -> exp.Query:
    wrong = model.copy(update={"query_": ParsableSql.from_parsed_expression(query, model.dialect)})
    found = wrong.render_query(needs_optimization=False)
    assert isinstance(found, exp.Query)
    return found

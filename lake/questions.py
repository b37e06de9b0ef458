"""Questions in SQL: one SELECT over the gold of the current release, checked before it runs."""

from typing import Any, NamedTuple

import duckdb
import sqlglot
from sqlglot import expressions as sql
from sqlglot.optimizer.scope import traverse_scope

from lake.catalogue import open_catalogue
from lake.errors import QueryError, ReleaseError, UnknownNameError
from lake.gold import open_gold, unreadable
from lake.releases import Release, current_release
from lake.settings import Settings

TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
FORBIDDEN_FUNCTIONS = frozenset({"current_setting", "getvariable", "getenv", "query", "query_table"})


class Result(NamedTuple):
    """What a question got: the release it was asked of, the columns' names and the rows."""

    release_id: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def query(settings: Settings, question: str) -> Result:
    """Answer one SELECT over ``gold.*`` of the current release; no server is needed.

    Raises ReleaseError before the first release, UnknownNameError for a table that doesn't exist and
    QueryError for anything that isn't one right SELECT.
    """
    release = current_release(open_catalogue(settings))
    if release is None:
        raise ReleaseError("There is no release yet; `just run` cuts the first one.")
    return query_release(settings, question, release)


def query_release(settings: Settings, question: str, release: Release) -> Result:
    """Answer one SELECT over ``gold.*`` of a release, also one of the past. Raises as query does."""
    check(question, release)
    connection = open_gold(settings, release)
    try:
        return ask(connection, question, release)
    finally:
        connection.close()


def ask(connection: duckdb.DuckDBPyConnection, question: str, release: Release) -> Result:
    """Run a checked question on a connection of ``open_gold``.

    Raises QueryError with DuckDB's own words when the SQL is wrong.
    """
    try:
        answer = connection.execute(question)
        columns = tuple(column[0] for column in answer.description or ())
        return Result(release.release_id, columns, answer.fetchall())
    except (duckdb.IOException, duckdb.HTTPException) as error:
        raise unreadable(release) from error
    except duckdb.Error as error:
        raise QueryError(f"DuckDB can't answer that: {_first_words(error)}") from None


def check(question: str, release: Release) -> None:
    """Let one SELECT over the release's gold tables pass.

    Raises QueryError for anything else and UnknownNameError for a table that doesn't exist.
    """
    tree = _one_select(question)
    tables = {f"gold.{name}" for name in release.gold}
    for table in _tables(tree):
        if not isinstance(table.this, sql.Identifier):
            _check_function(table.this)
            continue
        name = f"{table.db or 'gold'}.{table.name}".lower()
        if table.catalog or name not in tables:
            raise UnknownNameError("table", ".".join(part.name for part in table.parts), tables)
    for function in tree.find_all(sql.Func):
        name = _function_name(function)
        if name in FORBIDDEN_FUNCTIONS:
            raise QueryError(f"The function {name} isn't available in questions.")


def _one_select(question: str) -> sql.Query:
    if "\x00" in question:
        raise QueryError("A question can't hold a NUL character.")
    try:
        statements = duckdb.extract_statements(question)
    except duckdb.Error as error:
        raise QueryError(f"DuckDB can't read that: {_first_words(error)}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError("A question is exactly one SELECT statement over gold.* tables; nothing else runs here.")
    try:
        tree = sqlglot.parse_one(question, dialect="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError):
        raise QueryError("That SELECT can't be checked; write it more plainly.") from None
    if not isinstance(tree, sql.Query):
        raise QueryError("A question is exactly one SELECT statement over gold.* tables; nothing else runs here.")
    return tree


def _tables(tree: sql.Query) -> list[sql.Table]:
    """Find the tables that aren't names of CTEs in scope."""
    named: set[int] = set()
    for scope in traverse_scope(tree):
        for source in scope.references:
            node = source[1]
            if isinstance(node, sql.Table) and not node.db and node.name in scope.cte_sources:
                named.add(id(node))
    return [table for table in tree.find_all(sql.Table) if id(table) not in named]


def _check_function(function: sql.Expr) -> None:
    name = _function_name(function)
    if name not in TABLE_FUNCTIONS:
        known = ", ".join(sorted(TABLE_FUNCTIONS))
        raise QueryError(f"The table function {name} isn't available in questions; {known} are.")


def _function_name(function: sql.Expr) -> str:
    if isinstance(function, sql.Anonymous):
        return str(function.name).lower()
    return function.sql_name().lower() if isinstance(function, sql.Func) else function.key


def _first_words(error: duckdb.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    hints = [line for line in lines[1:] if line.startswith(("Candidate", "Did you mean"))]
    return " ".join(lines[:1] + hints[:1])

"""The questions that a page asks: its SQL blocks, its tags' SQL and its metrics."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from lake.errors import QueryError
from lake.measures import measure, unit_of
from lake.metrics import Metric, find_metric
from lake.series import Point
from server.reports.expressions import RELATION
from server.reports.page import Block, Page, page_error
from server.reports.tag_syntax import Tag

Row = tuple[object, ...]
BLOCK_NAME = re.compile(r"\$\{\s*(\w+)\s*\}|\{\{\s*([\w./\"$-]+)\s*\}\}")
ERROR_LINE = re.compile(r"\nLINE (\d+):")
Params = Sequence[object] | Mapping[str, object]


@dataclass(frozen=True)
class Result:
    """Rows with their columns' names, and which of the columns hold numbers or dates."""

    columns: list[str]
    rows: list[Row]

    def is_number(self, column: int) -> bool:
        """Tell whether a column holds numbers."""
        return self._all(column, (int, float, Decimal))

    def is_date(self, column: int) -> bool:
        """Tell whether a column holds dates or moments."""
        return self._all(column, (date,))

    def _all(self, column: int, kinds: tuple[type, ...]) -> bool:
        values = [row[column] for row in self.rows if row[column] is not None]
        return bool(values) and all(isinstance(value, kinds) for value in values)


class Queries:
    """One page's questions to one release; it counts them and keeps a digest of the answers."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, page: Page, metrics: Mapping[str, Metric]) -> None:
        self.cursor = connection.cursor()  # its own connection, so that the blocks' tables are its own
        self.page = page
        self.metrics = dict(metrics)
        self.asked = 0
        self.digest = hashlib.sha256(page.source.encode())
        for block in page.blocks.values():
            self._keep(block)

    def close(self) -> None:
        """Drop the blocks' tables."""
        self.cursor.close()

    def ask(self, line: int, sql: str, params: Params = ()) -> Result:
        """Run one tag's SQL; raise QueryError with file and line when it fails."""
        result = self._run(line, sql, params)
        self.digest.update(repr((result.columns, result.rows)).encode())
        return result

    def ask_metric(self, tag: Tag, name: str, grain: str | None, dimension: str | None) -> list[Point]:
        """Answer a metric as a series without gaps; raise QueryError with file and line."""
        try:
            metric = find_metric(self.metrics, name)
            self.asked += 1
            unit_of(self.cursor, metric, dimension)
            points = measure(self.cursor, metric, grain, dimension=dimension)
        except QueryError as error:
            raise page_error(self.page.path, tag.line, str(error)) from error
        except duckdb.Error as error:
            raise page_error(self.page.path, tag.line, first_sentence(error)) from error
        self.digest.update(repr(points).encode())  # of the points, because the rows come in any order
        return points

    def _run(self, line: int, sql: str, params: Params) -> Result:
        self.asked += 1
        try:
            answer = self.cursor.execute(sql, params)
            return Result([column[0] for column in answer.description or []], answer.fetchall())
        except duckdb.Error as error:
            raise page_error(self.page.path, line, first_sentence(error)) from error

    def metric_label(self, name: str) -> str:
        """Return a metric's title."""
        return name.replace("_", " ").capitalize()

    def relation(self, tag: Tag) -> str:
        """Return SQL that stands for a tag's data, narrowed by its ``where``."""
        data = tag.text("data")
        if not RELATION.fullmatch(data):
            raise page_error(self.page.path, tag.line, f"data '{data}' is neither a SQL block's name nor a table's")
        if "." not in data and data not in self.page.blocks:
            known = ", ".join(self.page.blocks) or "none"
            raise page_error(self.page.path, tag.line, f"there is no SQL block '{data}' on this page; there is {known}")
        where = tag.text("where")
        return f"(SELECT * FROM {data} WHERE {where})" if where else data

    def wrong(self, tag: Tag, clause: str) -> QueryError:
        """Make the error that says what is wrong with a tag."""
        return page_error(self.page.path, tag.line, clause)

    def _keep(self, block: Block) -> None:
        """Run a block into a temporary table, so that tags and later blocks read it by name."""
        sql = self._with_names(block)
        self.asked += 1
        try:
            statements = self.cursor.extract_statements(f"\n{sql}")
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise page_error(self.page.path, block.line, f"SQL block '{block.name}' must be one SELECT")
            self.cursor.execute(f'CREATE TEMPORARY TABLE "{block.name}" AS\n{sql}')
        except duckdb.Error as error:
            line = block.line + max(error_line(error) - 2, 0)
            raise page_error(self.page.path, line, first_sentence(error)) from error

    def _with_names(self, block: Block) -> str:
        sql = block.sql.rstrip().removesuffix(";")
        return BLOCK_NAME.sub(lambda match: self._earlier(block, match), sql)

    def _earlier(self, block: Block, match: re.Match[str]) -> str:
        name = match.group(1) or match.group(2)
        line = block.line + block.sql.count("\n", 0, match.start())
        if name not in self.page.blocks:
            clause = f"'{match.group()}' is no SQL block of this page, and inputs aren't supported yet"
            raise page_error(self.page.path, line, clause)
        return f'"{name}"'


def first_sentence(error: duckdb.Error) -> str:
    """Cut DuckDB's message down to one line without its picture of the statement."""
    text = str(error).split("\nLINE ")[0]
    return " ".join(text.split())


def error_line(error: duckdb.Error) -> int:
    """Return the line of the statement that DuckDB points at; 0 when it points at none."""
    match = ERROR_LINE.search(str(error))
    return int(match.group(1)) if match else 0

"""What the models' files say of their tables, read without SQLMesh: columns, types, grain, and what they read."""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import sqlglot
from sqlglot import expressions as sql
from sqlglot.optimizer.annotate_types import annotate_types

from lake.errors import SettingError
from lake.warehouse import PROJECT

HEADER = re.compile(r"MODEL \(\n(.*?)\n\);?\s", re.DOTALL)
GRAIN = re.compile(r"^  grain \(?([\w, \n]+?)\)?,?$", re.MULTILINE)
REQUIRED = re.compile(r"\bnot_null\(\s*columns := \(?([\w,\s]+?)\)?\s*\)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
READS = re.compile(r"(?<![\w.])((?:silver|gold|lake\.bronze)\.[a-z]\w*)")
OUTERMOST = re.compile(r"^SELECT\b.*?(?=^(?:FROM|UNION)\b|\Z)", re.MULTILINE | re.DOTALL)
SAME = {"TIMESTAMPNTZ": "TIMESTAMP", "VARCHAR": "TEXT", "INTEGER": "INT"}


class Column(NamedTuple):
    """A column of a model: its name, its SQL type as DuckDB writes it, and what it holds."""

    name: str
    kind: str
    comment: str


class Model(NamedTuple):
    """A model's table.

    ``required`` are the columns that an audit keeps from NULL; ``reads`` the tables it is made of, such as
    ``silver.stg_shopify_orders`` and ``lake.bronze.shopify_orders``; ``file`` is below the project's folder.
    """

    name: str
    file: str
    columns: tuple[Column, ...]
    grain: tuple[str, ...]
    required: frozenset[str]
    reads: frozenset[str]

    @property
    def types(self) -> dict[str, str]:
        """Give each column's type."""
        return {column.name: column.kind for column in self.columns}


@lru_cache(maxsize=4)
def read_models(project: Path = PROJECT) -> dict[str, Model]:
    """Read every model with a query: name such as ``gold.fact_orders`` to Model. Raises SettingError."""
    found = {}
    for path in sorted((project / "models").rglob("*.sql")):
        name = f"{path.parent.name}.{path.stem}"
        text = path.read_text(encoding="utf-8")
        header = HEADER.search(text)
        if header is None:
            raise SettingError(f"{path} isn't a model: it has no MODEL block in the form of `sqlmesh format`.")
        if "kind SEED" in header[1]:
            continue
        found[name] = _model(name, path.relative_to(project).as_posix(), header[1], text[header.end() :])
    return found


def upstream(models: dict[str, Model], name: str) -> frozenset[str]:
    """Name every table that a model is made of, over any number of steps, itself included."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += models[one].reads if one in models else ()
    return frozenset(seen)


def _model(name: str, file: str, header: str, query: str) -> Model:
    grain = GRAIN.search(header)
    required = {word for found in REQUIRED.findall(header) for word in _words(found)}
    return Model(
        name=name,
        file=file,
        columns=tuple(_columns(file, query)),
        grain=tuple(_words(grain[1])) if grain else (),
        required=frozenset(required),
        reads=frozenset(READS.findall(COMMENT.sub("", query))) - {name},
    )


def _columns(file: str, query: str) -> list[Column]:
    """Read the projections of the outermost SELECT, which alone begins at the start of a line."""
    outermost = OUTERMOST.search(query)
    try:
        tree = sqlglot.parse_one(outermost[0] if outermost else query, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise SettingError(f"The columns of {file} can't be read: {str(error).splitlines()[0]}") from None
    return [_column(one) for one in tree.selects] if isinstance(tree, sql.Query) else []


def _column(projection: sql.Expr) -> Column:
    said = projection.unalias()
    while isinstance(said, sql.Abs | sql.Paren):  # A macro's @ reads as an absolute value here.
        said = said.this
    kind = said.to if isinstance(said, sql.Cast) else annotate_types(said.copy(), dialect="duckdb").type
    comments = [*(projection.comments or ()), *(said.comments or ())]
    name = projection.alias_or_name
    return Column(name, _written(kind) if isinstance(kind, sql.DataType) else "UNKNOWN", _joined(comments))


def _written(kind: sql.DataType) -> str:
    """Write a type as the models do, such as ``DECIMAL(18, 2)``."""
    sizes = ", ".join(part.name for part in kind.expressions)
    name = SAME.get(kind.this.value, kind.this.value)
    return f"{name}({sizes})" if sizes else str(name)


def _joined(comments: Iterable[str]) -> str:
    return " ".join(text.strip() for text in comments)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)

"""How a model that is built by key is asked for some keys alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb
from sqlglot import exp, parse_one

from lake.news import SCHEMA as NEWS

KIND = "incremental_by_key"
AFFECTED = "affected"


@dataclass(frozen=True)
class Rule:
    """The key of a model, and where each input that it follows holds it: input to expressions over its columns.

    ``through`` are the inputs that hold no key and are joined to one that does: input to that one, and the column of
    both or the condition that joins them, as SQL.
    """

    key: tuple[str, ...]
    follows: Mapping[str, tuple[str, ...]]
    through: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, model: Any) -> "Rule | None":
        """Read a model's rule from its kind; None for another kind."""
        if not model.kind.is_custom or model.kind.materialization != KIND:
            return None
        told = {pair.this.name: pair.expression for pair in model.kind.materialization_properties_.expressions}
        said = {_dotted(pair.this): _listed(pair.expression) for pair in _listed(told["follows"])}
        through = {name: joined for name, (one, *_) in said.items() if (joined := _joined(one)) is not None}
        follows = {name: tuple(one.sql("duckdb") for one in ones) for name, ones in said.items() if name not in through}
        return cls(tuple(one.name for one in _listed(told["key"])), follows, through)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Rule":
        """Read a rule back from what JSON makes of its fields."""
        follows = {name: tuple(said) for name, said in told["follows"].items()}
        return cls(tuple(told["key"]), follows, {name: (one, how) for name, (one, how) in told["through"].items()})

    @property
    def inputs(self) -> set[str]:
        """The inputs of which only changed rows matter."""
        return {*self.follows, *self.through}


class Source(NamedTuple):
    """The changed rows of an input, and whether they are all that the model needs of it for their keys."""

    rows: str
    complete: bool = False


def latest_news(
    connection: duckdb.DuckDBPyConnection,
    query: exp.Query,
    rule: Rule,
    table: str,
    columns: Iterable[str],
    made: dict[str, str],
) -> Source:
    """Give the new rows of a bronze table that a model takes.

    A model of documents takes the last word on each: a new row that something older outdoes changes nothing, and
    one that it takes outdoes everything older, which then needn't be read. The documents themselves are the bulk
    of a table; only those that are new are read here. What is written for one model is in ``made`` for the next.
    """
    news = f'{NEWS}."{table}"'
    taken = _taken(query, rule, table)
    if taken is None:
        return Source(news)
    alias = taken.args["from_"].this.alias_or_name
    small = [column for column in columns if column != "payload"]
    taken.set("expressions", [exp.column(column, table=alias, quoted=True) for column in small])
    taken.where(parse_one(f'"{alias}".id IN (SELECT id FROM {news})', dialect="duckdb"), copy=False)
    same = " AND ".join(f'taken."{column}" IS NOT DISTINCT FROM news."{column}"' for column in small)
    rows = (
        f"SELECT news.* FROM {news} AS news WHERE EXISTS (SELECT 1 FROM ({taken.sql('duckdb')}) AS taken WHERE {same})"
    )
    if rows not in made:
        made[rows] = f"latest_{len(made)}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {made[rows]} AS {rows}")
    return Source(made[rows], complete=True)


def joined_news(rule: Rule, name: str, rows: str, tables: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Give what holds the keys of an input's changed ``rows``, and how: itself, or what it is joined to.

    ``tables`` gives the inputs by the name of their table.
    """
    if name in rule.follows:
        return rows, rule.follows[name]
    other, said = rule.through[name]
    table = next(table for table, one in tables.items() if one == other)
    if said.isidentifier():
        return f"{table} WHERE {said} IN (SELECT {said} FROM {rows})", rule.follows[other]
    return f"{table} WHERE EXISTS (SELECT 1 FROM {rows} AS news WHERE {said})", rule.follows[other]


def write_keys(connection: duckdb.DuckDBPyConnection, parts: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Write the table ``affected`` of keys, from rows and the expressions that give the key of each."""
    selects = (f"SELECT {_keyed(said)} FROM {rows}" for rows, said in parts)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {AFFECTED} AS {' UNION '.join(selects)}")


def is_affected(connection: duckdb.DuckDBPyConnection, said: tuple[str, ...]) -> str:
    """Write the condition that a row's key, ``said`` over its columns, is affected; NULL equals NULL."""
    if len(said) > 1:
        pairs = (f"({one}) IS NOT DISTINCT FROM {AFFECTED}.key_{place}" for place, one in enumerate(said))
        return f"EXISTS (SELECT 1 FROM {AFFECTED} WHERE {' AND '.join(pairs)})"
    among = f"({said[0]}) IN (SELECT key_0 FROM {AFFECTED})"
    null = connection.execute(f"SELECT 1 FROM {AFFECTED} WHERE key_0 IS NULL LIMIT 1").fetchone()
    return among if null is None else f"({among} OR ({said[0]}) IS NULL)"


def cut_down(
    connection: duckdb.DuckDBPyConnection,
    query: exp.Query,
    rule: Rule,
    sources: Mapping[str, Source],
    tables: Mapping[str, str],
) -> str:
    """Write ``query`` over the affected keys' rows of each input that the model follows.

    ``tables`` gives the inputs by the name of their table in the query.
    """

    def cut(node: exp.Expr) -> exp.Expr:
        name = tables.get(exp.table_name(node), "") if isinstance(node, exp.Table) else ""
        if not isinstance(node, exp.Table) or name not in rule.follows:
            return node
        said, source = rule.follows[name], sources.get(name)
        if source is not None and source.complete and _holds_all(connection, source.rows, said):
            rows = f"SELECT * FROM {source.rows}"
        else:
            rows = f"SELECT * FROM {exp.table_name(node)} WHERE {is_affected(connection, said)}"
        return exp.Subquery(this=parse_one(rows, dialect="duckdb"), alias=exp.to_identifier(node.alias_or_name, True))

    return query.transform(cut).sql("duckdb")


def _taken(query: exp.Query, rule: Rule, table: str) -> exp.Select | None:
    """Find the one place where a model takes the last word on what its key names; None when there is no such."""
    reads = [node for node in query.find_all(exp.Table) if exp.table_name(node) == f"lake.bronze.{table}"]
    select = reads[0].parent_select if len(reads) == 1 else None
    if select is None or select.args.get("joins") or select.args.get("qualify") is None:
        return None
    parts = list(select.args["qualify"].this.unnest().flatten())
    last = [part for part in parts if isinstance(part.find(exp.Window), exp.Window)]
    named = {
        column.name
        for said in rule.follows[f"lake.bronze.{table}"]
        for column in parse_one(said, dialect="duckdb").find_all(exp.Column)
    }
    if len(last) != 1 or not isinstance(last[0], exp.EQ) or not isinstance(last[0].this.this, exp.RowNumber):
        return None
    if {column.name for one in last[0].this.args["partition_by"] for column in one.find_all(exp.Column)} != named:
        return None
    taken = select.copy()
    taken.set("with_", None)
    taken.set("qualify", exp.Qualify(this=last[0].copy()))
    return taken


def _holds_all(connection: duckdb.DuckDBPyConnection, rows: str, said: tuple[str, ...]) -> bool:
    """Whether every affected key is among these rows' keys."""
    left = f"SELECT * FROM {AFFECTED} EXCEPT SELECT {_keyed(said)} FROM {rows} LIMIT 1"
    return connection.execute(left).fetchone() is None


def _joined(node: exp.Expr) -> tuple[str, str] | None:
    """Read what an input is joined to, and how: ``silver.x.column``, or ``through(silver.x, condition)``."""
    if isinstance(node, exp.Column) and node.table:
        return f"{node.db}.{node.table}".lower(), node.name
    if isinstance(node, exp.Anonymous) and node.name.lower() == "through":
        return _dotted(node.expressions[0]), node.expressions[1].sql("duckdb")
    return None


def _dotted(node: exp.Expr) -> str:
    return ".".join(part.name for part in node.parts).lower() if isinstance(node, exp.Column | exp.Dot) else ""


def _keyed(said: Iterable[str]) -> str:
    return ", ".join(f"{one} AS key_{place}" for place, one in enumerate(said))


def _listed(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Paren | exp.Tuple):
        return [node.this] if isinstance(node, exp.Paren) else list(node.expressions)
    return [node]

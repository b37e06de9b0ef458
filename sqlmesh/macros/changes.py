"""Changes of database tables: folded to the current rows, or told as each row's history, with no value missing."""

import json
from typing import Any

from sqlglot import exp, parse_one
from sqlmesh import macro

OURS = ["_op", "_commit_lsn", "_ordinal", "_commit_at"]
# No set: a model's fingerprint has the macros' values as they are written, and a set is in another order each time.
NOT_THEIRS = [*OURS, "_xid", "_unchanged", "_load_id"]
# What a date, a time or a decimal can't hold, such as infinity, lands as text in a column beside.
BESIDE = "__text"
# Values of these types are never stored apart from their row, so Postgres always sends them.
SENT = ("BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DATE", "TIME", "UUID")


@macro()
def rows_now(evaluator: Any, table: exp.Expression, *key: exp.Expression) -> exp.Expression:
    """Write the query that gives a change table's rows as they are now, told apart by the columns ``key``.

    Deletions and truncations are heeded, and a value that a change left out, being long and the same as before,
    is taken from the version before, also where that had another key.
    """
    keys, others, filled = _columns(evaluator, table, key)
    sql = f"""
    WITH RECURSIVE {_whole(evaluator, table, keys, others, filled)}, emptied AS (
      SELECT _commit_lsn, _ordinal
      FROM {table.sql("duckdb")}
      WHERE _op = 't'
      QUALIFY ROW_NUMBER() OVER (ORDER BY _commit_lsn DESC, _ordinal DESC) = 1
    )
    SELECT {_list("whole", keys + others + OURS)}
    FROM whole
    LEFT JOIN emptied ON TRUE
    WHERE emptied._commit_lsn IS NULL OR whole._commit_lsn > emptied._commit_lsn
      OR (whole._commit_lsn = emptied._commit_lsn AND whole._ordinal > emptied._ordinal)
    QUALIFY whole._op <> 'd' AND {_last("whole", keys)}
    """
    return parse_one(sql, dialect="duckdb")


@macro()
def row_versions(evaluator: Any, table: exp.Expression, *key: exp.Expression) -> exp.Expression:
    """Write the query that gives every version of a change table's rows, deletions among them (``_is_deleted``).

    ``_valid_from`` is when the database committed the version, and never before the version before it;
    ``_valid_to`` when the next one came. Of several changes of a row at one instant the last counts. Of a deleted
    row only the key is left.
    """
    keys, others, filled = _columns(evaluator, table, key)
    # As text that sorts: a number so large doesn't fit everywhere.
    place = "CONCAT(LPAD(CAST({}_commit_lsn AS TEXT), 20, '0'), LPAD(CAST({}_ordinal + 1 AS TEXT), 12, '0'))"
    ended = ["_ended_at", "_ended_lsn", "_ended_ordinal"]
    version = [*keys, *others, "_is_deleted", "_commit_lsn", "_ordinal"]
    following = f"PARTITION BY {_list('versions', keys)} ORDER BY versions._valid_from"
    kept = [f"CASE WHEN placed._op <> 'd' THEN placed.{name} END AS {name}" for name in others]
    told = [f"placed.{name}" for name in keys] + kept + ["placed._op = 'd' AS _is_deleted"]
    gone = [*keys, *("NULL" for _ in others), "TRUE", *ended]
    sql = f"""
    WITH RECURSIVE {_whole(evaluator, table, keys, others, filled)}, truncations AS (
      SELECT {place.format("", "")} AS _place, _commit_at, _commit_lsn, _ordinal
      FROM {table.sql("duckdb")}
      WHERE _op = 't'
      UNION ALL
      SELECT '', NULL, NULL, NULL
    ), eras AS (
      SELECT _place AS _begun, LEAD(_place) OVER (ORDER BY _place) AS _ended,
        LEAD(_commit_at) OVER (ORDER BY _place) AS _ended_at,
        LEAD(_commit_lsn) OVER (ORDER BY _place) AS _ended_lsn,
        LEAD(_ordinal) OVER (ORDER BY _place) AS _ended_ordinal
      FROM truncations
    ), placed AS (
      SELECT {_list("whole", keys + others + OURS)}, eras._begun, {_list("eras", ended)}
      FROM whole
      JOIN eras ON {place.format("whole.", "whole.")} > eras._begun
        AND {place.format("whole.", "whole.")} < COALESCE(eras._ended, 'x')
    ), truncated AS (
      SELECT {_list("placed", [*keys, *ended])}
      FROM placed
      QUALIFY placed._op <> 'd' AND NOT placed._ended_lsn IS NULL AND {_last("placed", [*keys, "_begun"])}
    ), told AS (
      SELECT {", ".join(told)}, {_list("placed", ["_commit_lsn", "_ordinal", "_commit_at"])}
      FROM placed
      UNION ALL
      SELECT {", ".join(gone[:-3])}, _ended_lsn, _ended_ordinal, _ended_at
      FROM truncated
    ), timed AS (
      SELECT {_list("told", version)},
        MAX(told._commit_at) OVER ({_running("told", keys)}) AS _valid_from
      FROM told
    ), versions AS (
      SELECT {_list("timed", [*version, "_valid_from"])}
      FROM timed
      QUALIFY {_last("timed", [*keys, "_valid_from"])}
    )
    SELECT {_list("versions", [*version, "_valid_from"])},
      LEAD(versions._valid_from) OVER ({following}) AS _valid_to
    FROM versions
    """
    return parse_one(sql, dialect="duckdb")


def _columns(evaluator: Any, table: exp.Expression, key: Any) -> tuple[list[str], list[str], list[str]]:
    """Give the table's key, its other columns, and those of them that a change may leave out.

    The key has the column of texts beside each of its own, where the table has one: two rows may differ in that alone.
    While SQLMesh loads its project, which is before it knows the table, there are no other columns.
    """
    keys = {part.name.lower(): _quoted(part.name) for part in key}
    types = evaluator.columns_to_types(table)
    if "__schema_unavailable_at_load__" in types:
        return list(keys.values()), [], []
    theirs = {name: kind for name, kind in types.items() if name.lower() not in NOT_THEIRS}
    bounded = [name.lower() for name in theirs if theirs[name].is_type(*exp.DataType.TEMPORAL_TYPES, "DECIMAL")]
    beside = [f"{name}{BESIDE}" for name in bounded if name in keys]
    keys |= {name.lower(): _quoted(name) for name in theirs if name.lower() in (*keys, *beside)}
    others = [name for name in theirs if name.lower() not in keys]
    filled = [name for name in others if not theirs[name].is_type(*SENT, *exp.DataType.TEMPORAL_TYPES)]
    return list(keys.values()), [_quoted(name) for name in others], [_quoted(name) for name in filled]


def _whole(evaluator: Any, table: exp.Expression, keys: list[str], others: list[str], filled: list[str]) -> str:
    """Write the CTEs that end in ``whole``: all changes of rows, every value in its place.

    Rows of keys with a value left out, and of the keys that became these, are ``torn``. A ``life`` of a key goes from
    one row that has every value, or is gone, to the next. Where a change of the key left values out, two
    changes were written: the old key's deletion and, right after it, the new key's creation; so the life
    before the one goes on in the other. All such lives are one ``thread``, along which values are carried.
    """
    name = table.sql("duckdb")
    changes = "_op IN ('r', 'c', 'u', 'd')"
    if not filled:
        return f"whole AS (SELECT {', '.join(keys + others + OURS)} FROM {name} WHERE {changes})"
    listed = "CAST({}_unchanged AS VARIANT)" if evaluator.gateway == "snowflake" else "{}_unchanged"
    left_out = f"COALESCE(CAST(TO_JSON({listed}) AS TEXT), '[]')"
    froms = [f"_from_{place}" for place, _ in enumerate(keys)]
    roots = [f"_root_{place}" for place, _ in enumerate(keys)]
    thread = _list("threads", [*roots, "_root_life"])
    told = [
        f"SUM(CASE WHEN CONTAINS(LOWER({left_out.format('torn.')}), LOWER({_listed(column)})) THEN 0 ELSE 1 END)"
        f" OVER (PARTITION BY {thread} {_ORDER.format('torn')} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
        f" AS _told_{place}"
        for place, column in enumerate(filled)
    ]
    carried = {
        column: f"FIRST_VALUE({column}) OVER (PARTITION BY {', '.join([*roots, '_root_life', f'_told_{place}'])} "
        f"ORDER BY _commit_lsn, _ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS {column}"
        for place, column in enumerate(filled)
    }
    return f"""
    touched AS (
      SELECT {", ".join(keys)}, TRUE AS _is_touched FROM {name} WHERE {left_out.format("")} <> '[]'
      UNION
      SELECT {_list("gone", keys)}, TRUE
      FROM {name} AS gone
      JOIN {name} AS came ON came._commit_lsn = gone._commit_lsn AND came._ordinal = gone._ordinal + 1
      WHERE gone._op = 'd' AND came._op = 'c' AND {left_out.format("came.")} <> '[]'
    ), torn AS (
      SELECT {_list("changes", [*keys, *others, *OURS, "_unchanged"])},
        SUM(CASE WHEN changes._op = 'u' THEN 0 ELSE 1 END) OVER ({_running("changes", keys)}) AS _life
      FROM {name} AS changes
      JOIN touched ON {_same("touched", keys, "changes", keys)}
      WHERE changes.{changes}
    ), moved AS (
      SELECT {_list("came", [*keys, "_life"])}, {_renamed("gone", keys, froms)}, gone._life - 1 AS _from_life
      FROM torn AS came
      JOIN torn AS gone ON came._commit_lsn = gone._commit_lsn AND came._ordinal = gone._ordinal + 1
      WHERE gone._op = 'd' AND came._op = 'c' AND {left_out.format("came.")} <> '[]'
    ), threads({", ".join([*keys, "_life", *roots, "_root_life"])}) AS (
      SELECT DISTINCT {_list("torn", [*keys, "_life", *keys, "_life"])}
      FROM torn
      LEFT JOIN moved ON {_same("moved", [*keys, "_life"], "torn", [*keys, "_life"])}
      WHERE moved._life IS NULL
      UNION ALL
      SELECT {_list("moved", [*keys, "_life"])}, {thread}
      FROM threads
      JOIN moved ON {_same("moved", [*froms, "_from_life"], "threads", [*keys, "_life"])}
    ), threaded AS (
      SELECT {_list("torn", keys + others + OURS)}, {thread}, {", ".join(told)}
      FROM torn
      JOIN threads ON {_same("threads", [*keys, "_life"], "torn", [*keys, "_life"])}
    ), whole AS (
      SELECT {", ".join(carried.get(column, column) for column in keys + others + OURS)}
      FROM threaded
      UNION ALL
      SELECT {_list("changes", keys + others + OURS)}
      FROM {name} AS changes
      LEFT JOIN touched ON {_same("touched", keys, "changes", keys)}
      WHERE touched._is_touched IS NULL AND changes.{changes}
    )"""


_ORDER = "ORDER BY {0}._commit_lsn, {0}._ordinal"


def _running(table: str, keys: list[str]) -> str:
    order = _ORDER.format(table)
    return f"PARTITION BY {_list(table, keys)} {order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"


def _last(table: str, keys: list[str]) -> str:
    order = f"ORDER BY {table}._commit_lsn DESC, {table}._ordinal DESC"
    return f"ROW_NUMBER() OVER (PARTITION BY {_list(table, keys)} {order}) = 1"


def _list(table: str, names: list[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


def _renamed(table: str, names: list[str], news: list[str]) -> str:
    return ", ".join(f"{table}.{name} AS {new}" for name, new in zip(names, news, strict=True))


def _same(one: str, names: list[str], other: str, others: list[str]) -> str:
    pairs = zip(names, others, strict=True)
    return " AND ".join(f"{one}.{a} {_equals(b, others)} {other}.{b}" for a, b in pairs)


def _equals(name: str, names: list[str]) -> str:
    """Say how a column is compared: of a key's column and the texts beside, one is NULL."""
    halves = {name, f'{name[:-1]}{BESIDE}"', f'{name[:-1].removesuffix(BESIDE)}"'}
    return "IS NOT DISTINCT FROM" if len(halves.intersection(names)) > 1 else "="


def _quoted(name: str) -> str:
    return str(exp.to_identifier(name, quoted=True).sql("duckdb"))


def _listed(column: str) -> str:
    """Write a column as it stands in the list of those that were left out: a string of JSON, as SQL's text."""
    said = json.dumps(column[1:-1].replace('""', '"'), ensure_ascii=False)
    return str(exp.Literal.string(said).sql("duckdb"))

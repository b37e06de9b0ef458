"""Random changes of a database by a seed: types, keys, long values, columns, truncations, transactions side by side."""

import random
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

MAKE = """
CREATE TYPE mood AS ENUM ('so', 'so so', 'fine');
CREATE TYPE pair AS (x integer, y text);
CREATE DOMAIN code AS varchar(5) CHECK (VALUE <> 'never');
CREATE TABLE items (
    id integer PRIMARY KEY, qty integer, price numeric(12, 2), big numeric, note text, tags text[], doc jsonb,
    mood mood, seen timestamptz, day date, span int4range, raw bytea, weight double precision, ok boolean,
    took interval, token uuid, clock time, two pair, code code, spans tsmultirange, bits bit varying, host inet,
    moods mood[], counts bigint[], small smallint, light real
);
ALTER TABLE items ALTER note SET STORAGE EXTERNAL;
CREATE TABLE pairs (a integer, b text, long text, v integer, PRIMARY KEY (a, b));
ALTER TABLE pairs ALTER long SET STORAGE EXTERNAL;
ALTER TABLE pairs REPLICA IDENTITY FULL;
CREATE TABLE named (id integer PRIMARY KEY, name text NOT NULL UNIQUE, long text, v integer);
ALTER TABLE named ALTER long SET STORAGE EXTERNAL;
ALTER TABLE named REPLICA IDENTITY USING INDEX named_name_key;
CREATE TABLE parts (id integer PRIMARY KEY, v integer) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (50);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (50) TO (MAXVALUE);
"""
KEYS = {"items": ("id",), "pairs": ("a", "b"), "named": ("name",), "parts": ("id",)}
VALUES = {
    "qty": ["NULL", "0", "-7", "2147483647"],
    "price": ["NULL", "0.10", "-9999999999.99", "'NaN'"],
    "big": ["NULL", "1e40", "'Infinity'", "0.00000000000000000000000000000000000000001"],
    "note": ["NULL", "''", "'kurz'", "repeat('lang ü ', 1500)", "repeat('noch länger ', 3000)"],
    "tags": ["NULL", "'{}'", "'{a,NULL,\"b c\"}'", "'[2:3]={x,y}'"],
    "doc": ["NULL", "'{\"a\": [1, null]}'", "'\"\\u00fc\"'"],
    "mood": ["NULL", "'so so'", "'fine'"],
    "seen": ["NULL", "'1969-12-31 23:59:59.999999+00'", "'2024-03-10 02:30:00.5-05'", "'infinity'"],
    "day": ["NULL", "'2024-02-29'", "'-infinity'", "'0044-03-15 BC'"],
    "span": ["NULL", "'[1,5)'", "'empty'"],
    "raw": ["NULL", "'\\x00ff'", "''"],
    "weight": ["NULL", "0.1", "'-Infinity'", "1e300"],
    "ok": ["NULL", "true", "false"],
    "took": ["NULL", "'1 year 2 mons -3 days 04:05:06.5'", "'-1 second'"],
    "token": ["NULL", "'6b1f3a34-9d3c-4f0e-8f5c-0d8a4c3e2b1a'"],
    "clock": ["NULL", "'23:59:59.999999'", "'24:00'", "'00:00'"],
    "two": ["NULL", "'(1,\"a, b\")'", "'(,)'"],
    "code": ["NULL", "'abc'", "''"],
    "spans": ["NULL", "'{}'", "'{[2024-01-01,2024-02-01),[2024-03-01,)}'"],
    "bits": ["NULL", "B'0101'", "B''"],
    "host": ["NULL", "'10.1.2.3/8'", "'::1/64'"],
    "moods": ["NULL", "'{so,NULL,\"so so\"}'"],
    "counts": ["NULL", "'{{1,2},{3,NULL}}'", "'{}'"],
    "small": ["NULL", "-32768", "7"],
    "light": ["NULL", "0.5", "'NaN'"],
    "long": ["NULL", "'short'", "repeat('long ', 2000)", "repeat('other ', 2000)"],
    "v": ["NULL", "1", "2", "3"],
    "extra": ["NULL", "5", "6"],
    "spare": ["NULL", "7", "8"],
}


class Workload:
    """Steps of changes over four tables; ``unseen`` names tables whose rows changed without Postgres telling of it."""

    def __init__(self, seed: int, main: Connection, other: Connection) -> None:
        self.choose = random.Random(seed)
        self.main, self.other = main, other
        self.unseen: set[str] = set()
        self.columns = {
            "items": ["id", *(name for name in VALUES if name not in ("long", "v", "extra", "spare"))],
            "pairs": ["a", "b", "long", "v"],
            "named": ["id", "name", "long", "v"],
            "parts": ["id", "v"],
        }
        run(main, MAKE)

    def step(self) -> None:
        """Do one thing."""
        pick = self.choose.choices(
            [self._one, self._many, self._beside, self._undone, self._emptied, self._reshaped, self._said],
            [8, 4, 3, 2, 1, 2, 1],
        )
        pick[0]()

    def _one(self) -> None:
        run(self.main, self.change())

    def _many(self) -> None:
        with self.main.transaction():
            for _ in range(self.choose.randrange(2, 9)):
                run(self.main, self.change())

    def _beside(self) -> None:
        """Two transactions at once, each on tables of its own, the one that began first ends last."""
        with self.main.transaction():
            run(self.main, self.change("items"))
            with self.other.transaction():
                run(self.other, self.change("pairs"))
                run(self.main, self.change("items"))
                run(self.other, self.change("named"))
            run(self.main, self.change("parts"))

    def _undone(self) -> None:
        run(self.main, "BEGIN")
        run(self.main, self.change())
        run(self.main, "SAVEPOINT s")
        run(self.main, self.change())
        run(self.main, "ROLLBACK TO s")
        run(self.main, self.change())
        run(self.main, self.choose.choice(["COMMIT", "ROLLBACK"]))

    def _emptied(self) -> None:
        tables = self.choose.sample(sorted(KEYS), self.choose.randrange(1, 3))
        with self.main.transaction():
            run(self.main, f"TRUNCATE {', '.join(tables)}")
            run(self.main, self.change(tables[0]))

    def _reshaped(self) -> None:
        table = self.choose.choice(sorted(KEYS))
        columns = self.columns[table]
        old = next((name for name in ("extra", "spare") if name in columns), "")
        new = "spare" if old == "extra" else "extra"
        if old:
            statement = self.choose.choice([f"DROP {old}", f"RENAME {old} TO {new}", f"ALTER {old} TYPE bigint"])
        else:
            default = self.choose.choice(["", " DEFAULT 4", " DEFAULT (random() * 9)::integer"])
            statement = f"ADD {new} integer{default}"
        if statement.startswith(("DROP", "RENAME")):
            columns.remove(old)
        if statement.startswith(("ADD", "RENAME")):
            columns.append(new)
            self.unseen |= {table}
        with self.main.transaction():
            run(self.main, self.change(table, without=new))
            run(self.main, f"ALTER TABLE {table} {statement}")
            run(self.main, self.change(table))

    def _said(self) -> None:
        run(self.main, "SELECT pg_logical_emit_message(true, 'us', 'hello')")

    def change(self, table: str = "", without: str = "") -> str:
        """Write one statement that inserts, updates, moves or deletes rows of a table."""
        table = table or self.choose.choice(sorted(KEYS))
        key, columns = KEYS[table], [name for name in self.columns[table] if name != without]
        place = self._place(table)
        others = [name for name in columns if name not in (*key, "id")]
        kind = self.choose.choices(["insert", "update", "move", "delete", "rows"], [6, 6, 2, 3, 1])[0]
        if kind == "delete":
            return f"DELETE FROM {table} WHERE {_where(place)}"
        if kind == "update" and others:
            name = self.choose.choice(others)
            return f"UPDATE {table} SET {name} = {self._value(name)} WHERE {_where(place)}"
        if kind == "move":
            there = self._place(table)
            moved = ", ".join(f"{name} = {value}" for name, value in there.items())
            return (
                f"UPDATE {table} SET {moved} WHERE {_where(place)} "
                f"AND NOT EXISTS (SELECT FROM {table} WHERE {_where(there)})"
            )
        if kind == "rows" and table == "parts":
            return "INSERT INTO parts SELECT n, n FROM generate_series(30, 70) n ON CONFLICT (id) DO UPDATE SET v = 9"
        row = place | {name: self._value(name) for name in others}
        if table == "named":
            row["id"] = f"hashtext({place['name']})"
        listed, values = ", ".join(row), ", ".join(row.values())
        return f"INSERT INTO {table} ({listed}) VALUES ({values}) ON CONFLICT DO NOTHING"

    def _place(self, table: str) -> dict[str, str]:
        number = self.choose.randrange(12)
        if table == "pairs":
            return {"a": str(number % 3), "b": f"'b{number % 4}'"}
        if table == "named":
            return {"name": f"'name {number}'"}
        return {"id": str(number * 8)}

    def _value(self, name: str) -> str:
        return self.choose.choice(VALUES[name])


def run(connection: Connection, statement: str) -> None:
    """Run statements that aren't literals."""
    connection.execute(statement.encode())


def _where(place: dict[str, str]) -> str:
    return " AND ".join(f"{name} = {value}" for name, value in place.items())

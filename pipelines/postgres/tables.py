"""The tables to follow, as the source's catalogue and our publication describe them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from psycopg import errors, sql

from lake.errors import CredentialsError, SourceError
from pipelines.postgres.api import Connection
from pipelines.postgres.columns import Column
from pipelines.postgres.kinds import Kinds
from pipelines.postgres.layout import living, read_layout
from pipelines.postgres.naming import bronze_name, check_columns, check_names
from pipelines.postgres.partitions import filters_of, keyless_leaves, published_roots
from pipelines.postgres.rows import META
from pipelines.postgres.wanted import choose

# Tables of an extension, such as PostGIS' spatial_ref_sys, are its own affair and not the user's data.
# A replica identity: the primary key (d), an index (i), the whole row (f); nothing (n) identifies no row.
TABLES = """
SELECT n.nspname, c.relname, c.relkind = 'p', c.relreplident,
       (SELECT array_agg(a.attname::text ORDER BY k.place)
        FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, place), pg_attribute a
        WHERE i.indrelid = c.oid AND a.attrelid = c.oid AND a.attnum = k.attnum AND k.place <= i.indnkeyatts
          AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary AND i.indimmediate END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2
"""
PUBLISHED = """
SELECT p.schemaname::text, p.tablename::text, p.rowfilter,
       (SELECT json_agg(json_build_array(a.attname, a.atttypid::int8, a.atttypmod) ORDER BY a.attnum)
        FROM pg_attribute a
        WHERE a.attrelid = format('%%I.%%I', p.schemaname, p.tablename)::regclass AND a.attname = ANY (p.attnames))
FROM pg_publication_tables p WHERE p.pubname = %s
"""


@dataclass(frozen=True)
class SourceTable:
    """A table of the source: its key, its published columns and the publication's row filter.

    Where the publication speaks of its partitions and not of the table, ``partition_filters`` are the schema, the
    name and the row filter of each.
    """

    schema: str
    name: str
    key: tuple[str, ...]
    is_partitioned: bool = False
    columns: tuple[Column, ...] = ()
    row_filter: str | None = None
    partition_filters: tuple[tuple[str, str, str], ...] = ()

    @property
    def bronze(self) -> str:
        """The name of its table in bronze, without the namespace."""
        return bronze_name(self.schema, self.name)

    @property
    def identifier(self) -> sql.Identifier:
        """Its quoted, qualified name."""
        return sql.Identifier(self.schema, self.name)

    def filter_of(self, schema: str, name: str) -> str | None:
        """The row filter of one of the relations that hold its rows."""
        filters = {(one, other): row_filter for one, other, row_filter in self.partition_filters}
        return filters.get((schema, name), self.row_filter)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def find_tables(connection: Connection, wanted: Sequence[str]) -> list[SourceTable]:
    """Find the ``wanted`` tables (see ``wanted.choose``), or every table with a key when none is named.

    Raises SourceError for a table that isn't there or can't be followed, and when two would share a name in bronze.
    """
    tables = fitting_tables(connection, wanted)
    check_names((str(table), table.bronze) for table in tables)
    return tables


def fitting_tables(connection: Connection, wanted: Sequence[str]) -> list[SourceTable]:
    """Find tables as ``find_tables`` does, also such as would share a name in bronze."""
    found: dict[str, SourceTable] = {}
    unfit: dict[str, str] = {}
    leaves = keyless_leaves(connection)
    for schema, name, is_partitioned, identity, key in connection.execute(TABLES):
        table = SourceTable(str(schema), str(name), tuple(key or ()), bool(is_partitioned))  # type: ignore[arg-type]
        found[str(table)] = table
        if reason := _unfit(table, str(identity)):
            unfit[str(table)] = reason
        elif lacking := leaves.get((table.schema, table.name)):
            unfit[str(table)] = f"{lacking[0]}; run in the database: {lacking[1]}"
    tables = [found[name] for name in choose(wanted, list(found), unfit)]
    if not tables:
        raise SourceError(
            "The Postgres database has no table that can be followed; see BOATHOUSE_POSTGRES_DSN and _TABLES."
        )
    return tables


def _unfit(table: SourceTable, identity: str) -> str:
    """Say why a table's updates and deletes can't be told apart, and the line that mends it; empty when they can."""
    alter = f"run in the database: ALTER TABLE {table.identifier.as_string()}"
    if identity == "n":
        return f"has REPLICA IDENTITY NOTHING, which tells of no update or delete; {alter} REPLICA IDENTITY DEFAULT;"
    if not table.key:
        return f"has no key that tells its rows apart; {alter} ADD PRIMARY KEY (…);"
    return ""


def published(
    connection: Connection, publication: str, tables: Sequence[SourceTable]
) -> tuple[list[SourceTable], dict[SourceTable, str]]:
    """Complete the tables by the columns and row filters that the publication has of them.

    Gives beside them those that don't fit into bronze, each with the reason (one sentence without its full stop).
    """
    rows = {
        (str(schema), str(name)): (row_filter, columns)
        for schema, name, row_filter, columns in connection.execute(PUBLISHED, (publication,))
    }
    kinds = Kinds(connection)
    found = []
    for table in tables:
        if (table.schema, table.name) not in rows:
            # The publication speaks of its partitions, which have the same columns, each with a filter of its own.
            rows[table.schema, table.name] = None, _all_columns(connection, table)
            filters = filters_of(connection, publication, table.identifier.as_string())
            table = replace(table, partition_filters=filters)
        found.append(table)
    kinds.learn(oid for _, columns in rows.values() for _, oid, _ in columns)  # type: ignore[attr-defined]
    fitting, unfit = [], {}
    for table in found:
        try:
            fitting.append(_complete(table, *rows[table.schema, table.name], kinds))
        except SourceError as error:
            unfit[table] = str(error).rstrip(".")
    return fitting, unfit


def _all_columns(connection: Connection, table: SourceTable) -> list[list[object]]:
    layout = read_layout(connection, table.schema, table.name)
    return [[name, oid, typmod] for name, (_, oid, typmod) in living(layout).items()]


def ensure_publication(connection: Connection, name: str, tables: Sequence[SourceTable]) -> None:
    """Create the publication for the tables, or add those that it lacks.

    Raises SourceError when a publication that is there leaves out a kind of change.
    """
    query = "SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate FROM pg_publication WHERE pubname = %s"
    complete = connection.execute(query, (name,)).fetchone()
    if complete is None:
        _publish(
            "CREATE PUBLICATION {} FOR TABLE {} WITH (publish_via_partition_root = true)", connection, name, tables
        )
        return
    if not complete[0]:
        raise SourceError(
            f"The publication '{name}' leaves out changes; run in the database: "
            f"ALTER PUBLICATION {sql.Identifier(name).as_string()} SET (publish = 'insert, update, delete, truncate');"
        )
    query = "SELECT schemaname::text, tablename::text FROM pg_publication_tables WHERE pubname = %s"
    there = set(connection.execute(query, (name,)).fetchall()) | published_roots(connection, name)
    if missing := [table for table in tables if (table.schema, table.name) not in there]:
        _publish("ALTER PUBLICATION {} ADD TABLE {}", connection, name, missing)


def listed(tables: Sequence[SourceTable]) -> sql.Composed:
    """List tables as a publication takes them without those that inherit from them.

    Of those, one without a key could not be updated any more.
    """
    return sql.SQL(", ").join(sql.SQL("ONLY {}").format(table.identifier) for table in tables)


def _publish(statement: str, connection: Connection, name: str, tables: Sequence[SourceTable]) -> None:
    command = sql.SQL(statement).format(sql.Identifier(name), listed(tables))
    try:
        connection.execute(command)
    except errors.InsufficientPrivilege as error:
        raise CredentialsError(
            f"The Postgres role may not publish its tables ({error.diag.message_primary}); "
            f"run as the tables' owner: {command.as_string()};"
        ) from error


def _complete(table: SourceTable, row_filter: object, columns: object, kinds: Kinds) -> SourceTable:
    assert isinstance(columns, list)
    typed = tuple(kinds.column(name, oid, typmod) for name, oid, typmod in columns)
    if lost := sorted(set(table.key) - {column.name for column in typed}):
        raise SourceError(
            f"The publication leaves out the column {lost[0]} of {table}, which is part of its key; add it to the "
            "publication's list of columns, or take the table out of BOATHOUSE_POSTGRES_TABLES."
        )
    check_fits(table, typed)
    return replace(table, columns=typed, row_filter=None if row_filter is None else str(row_filter))


def check_fits(table: SourceTable, columns: Sequence[Column]) -> None:
    """Raise SourceError when columns of a table can't stand side by side in bronze, or beside ours."""
    check_columns(str(table), [column.name for column in columns])
    ours = {*META, *(column.beside.name for column in columns if column.beside)}
    if taken := sorted({column.name for column in columns} & ours):
        raise SourceError(
            f"The table {table} has a column named {taken[0]}, a name that Boathouse gives its own column; "
            "rename it, or name the other tables in BOATHOUSE_POSTGRES_TABLES."
        )

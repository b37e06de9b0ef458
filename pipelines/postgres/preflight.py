"""What must hold in the source before it can be followed: the first thing that doesn't, or all of them."""

from collections.abc import Iterator
from typing import NamedTuple

from psycopg import sql

from lake.errors import BoathouseError, CredentialsError, SourceError
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, fetch_one
from pipelines.postgres.kinds import Kinds
from pipelines.postgres.partitions import keyless_leaves, published_roots
from pipelines.postgres.slots import STATE
from pipelines.postgres.tables import SourceTable, check_fits, find_tables, listed

# Column lists and row filters of publications came with 15; managed services give the right to replicate
# by membership in a role of their own (rds_replication).
OLDEST = 150000
ROLE = """
SELECT current_user::text, r.rolreplication OR r.rolsuper OR EXISTS (
    SELECT FROM pg_roles m WHERE m.rolname = 'rds_replication' AND pg_has_role(r.oid, m.oid, 'member'))
FROM pg_roles r WHERE r.rolname = current_user
"""
ROOM = """
SELECT current_setting('max_replication_slots')::int, (SELECT count(*) FROM pg_replication_slots),
       current_setting('max_wal_senders')::int, (SELECT count(*) FROM pg_stat_replication),
       current_setting('max_slot_wal_keep_size'), (SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s)
"""
RIGHTS = """
SELECT has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'),
       pg_has_role(c.relowner, 'USAGE'), row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""
KEYLESS = """
SELECT format('%%I.%%I', n.nspname, c.relname), c.relreplident,
       (SELECT format('%%I', x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
          AND i.indexprs IS NULL AND NOT EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull)
        ORDER BY x.relname LIMIT 1)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%%'
  AND format('%%s.%%s', n.nspname, c.relname) <> ALL (%s)
ORDER BY 1
"""
PUBLICATION = """
SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate, pg_has_role(pubowner, 'USAGE'),
       ARRAY(SELECT format('%%s.%%s', schemaname, tablename) FROM pg_publication_tables t WHERE t.pubname = p.pubname)
FROM pg_publication p WHERE pubname = %s
"""
COLUMNS = """
SELECT a.attname::text, a.atttypid::int8, a.atttypmod FROM pg_attribute a
WHERE a.attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
TEXTS = ("text", "character varying", "character", "name", '"char"')


class Finding(NamedTuple):
    """What was found: ``must`` when nothing can be followed before it is mended, and the SQL lines that mend it."""

    said: str
    sql: str = ""
    must: bool = True


def check_server(connection: Connection) -> None:
    """Check version, role and ``wal_level``.

    Raises SourceError or CredentialsError with the SQL line that mends it.
    """
    for found in _server(connection):
        if "may not replicate" in found.said:
            raise CredentialsError(f"{found.said}; run as an administrator: {found.sql}")
        raise SourceError(f"{found.said}; run {found.sql}" if found.sql else f"{found.said}.")


def inspect(settings: Settings) -> tuple[list[SourceTable], list[Finding]]:
    """Look at everything that following needs; give the tables that would be followed and what was found.

    Raises SettingError, CredentialsError or SourceError when the database can't be asked at all.
    """
    with connect(settings) as connection:
        found = list(_server(connection))
        found += _walsender(settings)
        found += _room(connection, settings)
        try:
            tables = find_tables(connection, settings.postgres_tables)
        except SourceError as error:
            return [], [*found, Finding(str(error).rstrip("."))]
        for table in tables:
            found += _table(connection, table)
        found += _publication(connection, settings, tables)
        if not settings.postgres_tables:
            found += _keyless(connection, tables)
    return tables, sorted(found, key=lambda one: not one.must)


def _server(connection: Connection) -> Iterator[Finding]:
    version = connection.info.server_version
    if version < OLDEST:
        yield Finding(f"The Postgres server is version {version // 10000}; Boathouse follows version 15 or later")
    level = fetch_one(connection, "SELECT current_setting('wal_level')")[0]
    if level != "logical":
        yield Finding(
            f"Postgres runs with wal_level = {level} and can't tell its changes",
            "ALTER SYSTEM SET wal_level = 'logical'; -- and restart the server",
        )
    role, may_replicate = fetch_one(connection, ROLE)
    if not may_replicate:
        yield Finding(f"The Postgres role {role} may not replicate", f"ALTER ROLE {_quoted(role)} WITH REPLICATION;")
    if fetch_one(connection, "SELECT pg_is_in_recovery()")[0]:
        yield Finding("The server is a standby, where no publication can be made; name the primary in the DSN")


def _walsender(settings: Settings) -> Iterator[Finding]:
    """Try the other kind of connection, which pg_hba.conf and poolers treat apart."""
    try:
        with connect(settings, replication=True) as walsender:
            walsender.execute("IDENTIFY_SYSTEM")
    except BoathouseError as error:
        yield Finding(
            f"A replication connection isn't let in ({str(error).rstrip('.')}); it must reach the server itself, not a "
            "pooler, and pg_hba.conf must let the role connect to this database"
        )


def _room(connection: Connection, settings: Settings) -> Iterator[Finding]:
    slots, used, senders, sending, keep, ours = fetch_one(connection, ROOM, (settings.postgres_slot,))
    for name, most, taken, wanted in (
        ("max_replication_slots", int(str(slots)), int(str(used)), 1 if ours else 2),
        ("max_wal_senders", int(str(senders)), int(str(sending)), 2),
    ):
        if most - taken < wanted:
            yield Finding(
                f"{taken} of {most} {name} are taken, and {wanted} more are needed, one of them for copying tables",
                f"ALTER SYSTEM SET {name} = {taken + wanted + 2}; -- and restart the server",
            )
    if keep == "-1":
        yield Finding(
            "max_slot_wal_keep_size sets no limit: while nobody reads the slot, the server's log grows until its disk "
            "is full",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf();",
            must=False,
        )
    row = connection.execute(STATE, (settings.postgres_slot,)).fetchone()
    if row is not None and (row[0] != "pgoutput" or not row[1]):
        yield Finding(
            f"The replication slot '{settings.postgres_slot}' belongs to something else (plugin {row[0]}); set "
            "BOATHOUSE_POSTGRES_SLOT to another name"
        )


def _table(connection: Connection, table: SourceTable) -> Iterator[Finding]:
    role = fetch_one(connection, "SELECT current_user::text")[0]
    usage, select, _, filtered = fetch_one(connection, RIGHTS, (table.schema, table.name))
    name = table.identifier.as_string()
    if not usage:
        yield Finding(
            f"The role {role} may not look into the schema of {table}",
            f"GRANT USAGE ON SCHEMA {_quoted(table.schema)} TO {_quoted(role)};",
        )
    if not select:
        yield Finding(f"The role {role} may not read {table}", f"GRANT SELECT ON {name} TO {_quoted(role)};")
    if filtered:
        yield Finding(
            f"Row security hides rows of {table} from the role {role}: its copy would lack them",
            f"ALTER ROLE {_quoted(role)} BYPASSRLS;",
        )
    if usage:
        kinds = Kinds(connection)
        rows = connection.execute(COLUMNS, (table.schema, table.name)).fetchall()
        columns = [kinds.column(str(name), int(str(oid)), int(str(typmod))) for name, oid, typmod in rows]
        try:
            check_fits(table, columns)
        except SourceError as error:
            yield Finding(str(error).rstrip("."))
        told = [
            f"{column.name} ({column.declared})"
            for column in columns
            if column.is_text and column.declared not in TEXTS
        ]
        if told:
            yield Finding(f"{table}: these land as their text: {', '.join(told)}", must=False)


def _publication(connection: Connection, settings: Settings, tables: list[SourceTable]) -> Iterator[Finding]:
    name = settings.postgres_publication
    quoted = _quoted(name)
    rights = {str(table): fetch_one(connection, RIGHTS, (table.schema, table.name)) for table in tables}
    row = connection.execute(PUBLICATION, (name,)).fetchone()
    if row is None:
        may = fetch_one(connection, "SELECT has_database_privilege(current_database(), 'CREATE')")[0]
        if not may or not all(right[2] for right in rights.values()):
            yield Finding(
                f"The publication '{name}' isn't there, and the role may not make it: that takes CREATE on the "
                "database and the ownership of every table; run as who has them",
                f"CREATE PUBLICATION {quoted} FOR TABLE {listed(tables).as_string()} "
                "WITH (publish_via_partition_root = true);",
            )
        return
    complete, ours, there = row
    if not complete:
        yield Finding(
            f"The publication '{name}' leaves out changes",
            f"ALTER PUBLICATION {quoted} SET (publish = 'insert, update, delete, truncate');",
        )
    assert isinstance(there, list)
    there += [f"{schema}.{table}" for schema, table in published_roots(connection, name)]
    lacking = [table for table in tables if str(table) not in there]
    if lacking and not (ours and all(rights[str(table)][2] for table in lacking)):
        yield Finding(
            f"The publication '{name}' lacks {', '.join(map(str, lacking))}, and the role may not add to it",
            f"ALTER PUBLICATION {quoted} ADD TABLE {listed(lacking).as_string()};",
        )


def _keyless(connection: Connection, tables: list[SourceTable]) -> Iterator[Finding]:
    """Tell of the tables that can't be followed; nobody asked for those, or they would have been refused by name."""
    leaves = keyless_leaves(connection)
    for (schema, table), (said, mend) in leaves.items():
        yield Finding(f"{schema}.{table} isn't followed: it {said}", mend, must=False)
    told = [str(table) for table in tables] + [f"{schema}.{table}" for schema, table in leaves]
    for name, identity, index in connection.execute(KEYLESS, (told,)):
        if identity == "n":
            yield Finding(
                f"{name} isn't followed: its replica identity is NOTHING",
                f"ALTER TABLE {name} REPLICA IDENTITY DEFAULT;",
                must=False,
            )
        elif index:
            yield Finding(
                f"{name} isn't followed: it has no primary key, but a unique index that can stand for one",
                f"ALTER TABLE {name} REPLICA IDENTITY USING INDEX {index};",
                must=False,
            )
        else:
            yield Finding(
                f"{name} isn't followed: it has no key", f"ALTER TABLE {name} ADD PRIMARY KEY (…);", must=False
            )


def _quoted(name: object) -> str:
    return sql.Identifier(str(name)).as_string()

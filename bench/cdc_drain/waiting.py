"""A database with changes waiting in a slot, in transactions of 1, 10, 1,000 and half of all rows."""

import psycopg
from psycopg.conninfo import make_conninfo

MOTHER = "bench_mother"
PUBLICATION = "bench"
CHECKSUM = "sum(('0x' || left(md5(id::VARCHAR), 15))::BIGINT::HUGEINT)::VARCHAR"
"""What ``checksum`` adds up, in DuckDB's words."""
TABLE = """
CREATE TABLE changes (
    id bigint PRIMARY KEY, customer integer NOT NULL, sku text NOT NULL, quantity integer NOT NULL,
    price numeric(12, 2) NOT NULL, note text, is_gift boolean NOT NULL, at timestamptz NOT NULL
)
"""
FILL = """
CREATE PROCEDURE fill(first bigint, rows bigint, each bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR start IN 0 .. (rows / each) - 1 LOOP
        INSERT INTO changes SELECT n, n % 10007, 'sku-' || n % 997, n % 9, (n % 100000)::numeric / 100,
            CASE WHEN n % 3 = 0 THEN 'left at the door of the neighbour, number ' || n END, n % 5 = 0,
            '2024-01-01'::timestamptz + n * interval '1 second'
        FROM generate_series(first + start * each, first + (start + 1) * each - 1) n;
        COMMIT;
    END LOOP;
END $$
"""
# Which part of all rows comes in transactions of how many; the rest comes in one.
PARTS = ((20, 1), (10, 10), (4, 1000))


def make(admin_dsn: str, rows: int) -> tuple[str, str]:
    """Fill a new database with ``rows`` inserts that wait in a slot; give its address and the end of the log."""
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE DATABASE bench")
    dsn = make_conninfo(admin_dsn, dbname="bench")
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in (TABLE, FILL, f"CREATE PUBLICATION {PUBLICATION} FOR TABLE changes"):
            connection.execute(statement.encode())
        connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (MOTHER,))
        connection.execute("SET synchronous_commit = off")
        first = 0
        for part, each in PARTS:
            some = rows // part // each * each
            connection.execute("CALL fill(%s, %s, %s)", (first, some, each))
            first += some
        connection.execute("CALL fill(%s, %s, %s)", (first, rows - first, rows - first))
        connection.execute("SET synchronous_commit = on")
        # A commit that is waited for brings everything before it to the disk.
        connection.execute("SELECT pg_logical_emit_message(true, 'bench', 'end')")
        row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
        assert row is not None
        return dsn, str(row[0])


def copied_slot(dsn: str, name: str) -> None:
    """Make a slot in which the same changes wait."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        drop_slot(dsn, name)
        connection.execute("SELECT pg_copy_logical_replication_slot(%s, %s)", (MOTHER, name))


def drop_slot(dsn: str, name: str) -> None:
    """Drop a slot if it is there."""
    query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(query, (name,))


def checksum(dsn: str) -> tuple[int, str]:
    """Count the source's rows and add up a hash of their ids, whatever their order."""
    hashed = "sum(('x' || left(md5(id::text), 15))::bit(60)::bigint::numeric)::text"
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(f"SELECT count(*), {hashed} FROM changes".encode()).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])

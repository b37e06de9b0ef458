import struct

import pytest

from pipelines.postgres.api import connect, current_lsn, lsn_to_int, lsn_to_text
from pipelines.postgres.messages import (
    Absent,
    Begin,
    Commit,
    Delete,
    Insert,
    Message,
    Origin,
    Relation,
    Truncate,
    TypeName,
    Update,
)
from pipelines.postgres.peeking import read
from pipelines.postgres.pgoutput import MessageError, decode
from tests.pipelines.postgres.conftest import Source


def messages(source: Source, *statements: str) -> list[Message]:
    """Everything that the slot says of statements run in one transaction."""
    name = source.settings.postgres_slot
    source.run(
        "CREATE TYPE size AS ENUM ('s', 'l')",
        "CREATE TABLE t (id integer PRIMARY KEY, size size, amount numeric(10, 2), note text)",
        "ALTER TABLE t ALTER note SET STORAGE EXTERNAL",
        "INSERT INTO t VALUES (1, 's', 1.50, repeat('x', 9000))",
        f"CREATE PUBLICATION {name} FOR ALL TABLES",
        f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')",
    )
    source.transaction(*statements)
    with connect(source.settings) as connection:
        runs = read(connection, "peek", name, name, current_lsn(connection))
        return [decode(run.message(place)) for run in runs for place in range(len(run))]


def test_a_transaction_begins_describes_its_table_and_commits(source: Source) -> None:
    begin, type_name, relation, insert, commit = messages(source, "INSERT INTO t VALUES (2, 'l', 2, NULL)")
    assert isinstance(begin, Begin)
    assert isinstance(commit, Commit)
    assert isinstance(relation, Relation)
    assert begin.commit_lsn == commit.commit_lsn < commit.end_lsn
    ((now,),) = source.rows("SELECT (extract(epoch FROM now()) * 1000000)::bigint")
    assert 0 <= now - begin.commit_at < 600_000_000
    assert isinstance(type_name, TypeName)
    assert (type_name.schema, type_name.name) == ("public", "size")
    assert (relation.schema, relation.name, relation.identity) == ("public", "t", "d")
    assert [column.name for column in relation.columns if column.is_key] == ["id"]
    assert relation.columns[2].typmod == ((10 << 16) | 2) + 4
    assert insert == Insert(relation.relid, ["2", "l", "2.00", None])


def test_an_update_says_what_did_not_change(source: Source) -> None:
    update = messages(source, "UPDATE t SET amount = 3")[3]
    assert isinstance(update, Update)
    assert (update.old, update.new) == (None, ["1", "s", "3.00", Absent.UNCHANGED])


def test_an_update_of_the_key_says_the_old_key(source: Source) -> None:
    update = messages(source, "UPDATE t SET id = 5")[3]
    assert isinstance(update, Update)
    assert (update.old_kind, update.old) == ("K", ["1", None, None, None])


def test_under_full_identity_the_whole_old_row_is_said(source: Source) -> None:
    decoded = messages(source, "ALTER TABLE t REPLICA IDENTITY FULL", "UPDATE t SET amount = 3", "DELETE FROM t")
    update, delete = decoded[3:5]
    assert isinstance(update, Update)
    assert isinstance(delete, Delete)
    assert (update.old_kind, update.new[3]) == ("O", Absent.UNCHANGED)
    assert (delete.old_kind, delete.old) == ("O", ["1", "s", "3.00", "x" * 9000])


def test_a_delete_says_the_key(source: Source) -> None:
    delete = messages(source, "DELETE FROM t")[3]
    assert isinstance(delete, Delete)
    assert (delete.old_kind, delete.old) == ("K", ["1", None, None, None])


def test_a_truncate_names_every_table(source: Source) -> None:
    decoded = messages(source, "CREATE TABLE u (id integer PRIMARY KEY)", "TRUNCATE t, u RESTART IDENTITY CASCADE")
    (truncate,) = [message for message in decoded if isinstance(message, Truncate)]
    relids = {message.relid for message in decoded if isinstance(message, Relation)}
    assert (set(truncate.relids), truncate.cascade, truncate.restart_identity) == (relids, True, True)


def test_a_replayed_transaction_says_its_origin(source: Source) -> None:
    name = source.settings.postgres_slot
    source.run(
        f"SELECT pg_replication_origin_create('{name}')", f"SELECT pg_replication_origin_session_setup('{name}')"
    )
    try:
        decoded = messages(
            source, "SELECT pg_replication_origin_xact_setup('0/1234', now())", "INSERT INTO t VALUES (2)"
        )
    finally:
        source.run("SELECT pg_replication_origin_session_reset()", f"SELECT pg_replication_origin_drop('{name}')")
    assert [message for message in decoded if isinstance(message, Origin)] == [Origin(0x1234, name)]


def test_a_logical_message_is_read(source: Source) -> None:
    name = source.settings.postgres_slot
    messages(source, "SELECT pg_logical_emit_message(true, 'us', 'hello')")
    query = (
        f"SELECT data FROM pg_logical_slot_peek_binary_changes('{name}', NULL, NULL, "
        f"'proto_version', '1', 'publication_names', '{name}', 'messages', 'true')"
    )
    (said,) = [decode(row[0]) for row in source.rows(query) if row[0][:1] == b"M"]
    assert said[0] is True
    assert said[2:] == ("us", b"hello")


def test_a_binary_value_stays_bytes() -> None:
    data = b"I" + struct.pack(">I", 7) + b"N" + struct.pack(">h", 1) + b"b" + struct.pack(">i", 2) + b"\x00\xff"
    assert decode(data) == Insert(7, [b"\x00\xff"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"S\0\0\0\1\1", "unknown kind b'S'"),
        (b"", "unknown kind b''"),
        (b"B\0\0", "broken"),
        (b"I\0\0\0\1N\0\1t\0\0\0\5abc", "ends too early"),
        (b"I\0\0\0\1N\0\1x", "unknown kind 'x'"),
        (b"I\0\0\0\1K\0\0", "one of N belongs"),
        (b"I\0\0\0\1N\0\0more", "has 12 bytes where 8 were expected"),
    ],
)
def test_bytes_that_are_no_message_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MessageError, match=reason):
        decode(data)


def test_positions_read_back_as_they_are_written() -> None:
    assert lsn_to_int("16/B374D848") == 0x16B374D848
    assert lsn_to_text(0x16B374D848) == "16/B374D848"

import base64
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lake.errors import SourceError
from pipelines.debezium.batches import bronze_batch
from pipelines.debezium.envelopes import Event, read_event
from tests.pipelines.debezium.events import PLACEHOLDER, Said, said, tombstone


def read(message: Said) -> Event | None:
    return read_event(message.key, message.value, message.headers, PLACEHOLDER)


def rows(*messages: Said, known: dict[str, pa.DataType] | None = None) -> list[dict[str, Any]]:
    events = [event for event in map(read, messages) if event is not None]
    return list(bronze_batch("pg_public_stock", events, known or {}, "load").to_pylist())


def packed(number: int) -> str:
    return base64.b64encode(number.to_bytes(4, "big", signed=True)).decode()


# Each: Connect's schema, the value in JSON, and what lands.
VALUES: list[tuple[dict[str, Any], Any, Any]] = [
    ({"type": "boolean"}, True, True),
    ({"type": "int16"}, -5, -5),
    ({"type": "int64"}, 2**62, 2**62),
    ({"type": "double"}, "NaN", "nan"),
    ({"type": "string", "name": "io.debezium.data.Uuid"}, "7e3b…", "7e3b…"),
    ({"type": "bytes"}, base64.b64encode(b"\x00\xff").decode(), b"\x00\xff"),
    (
        {
            "type": "bytes",
            "name": "org.apache.kafka.connect.data.Decimal",
            "parameters": {"scale": "2", "connect.decimal.precision": "10"},
        },
        packed(-12345),
        Decimal("-123.45"),
    ),
    (
        {"type": "struct", "name": "io.debezium.data.VariableScaleDecimal"},
        {"scale": 3, "value": packed(1500)},
        "1.500",
    ),
    ({"type": "int32", "name": "io.debezium.time.Date"}, -1, date(1969, 12, 31)),
    ({"type": "int64", "name": "io.debezium.time.MicroTime"}, 3_600_000_001, time(1, 0, 0, 1)),
    ({"type": "int64", "name": "io.debezium.time.Timestamp"}, 1_500, datetime(1970, 1, 1, 0, 0, 1, 500_000)),
    ({"type": "int64", "name": "io.debezium.time.MicroTimestamp"}, -1, datetime(1969, 12, 31, 23, 59, 59, 999_999)),
    (
        {"type": "string", "name": "io.debezium.time.ZonedTimestamp"},
        "2026-01-01T02:00:00.5+02:00",
        datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC),
    ),
    ({"type": "array", "items": {"type": "int32"}}, [1, None], "[1,null]"),
]


@pytest.mark.parametrize(("schema", "value", "landed"), VALUES, ids=lambda one: str(one)[:40])
def test_a_value_lands_as_its_schema_says(schema: dict[str, Any], value: Any, landed: Any) -> None:
    fields = [{"field": "sku", "type": "string"}, {"field": "value", **schema}]
    [row] = rows(said("c", None, {"sku": "a", "value": value}, commit=1, lsn=2, fields=fields))
    assert (str(row["value"]) if landed == "nan" else row["value"]) == landed


# Each: the name of Connect's schema, a value that its twin can't hold, and its text as Postgres writes it.
FAR: list[tuple[str, Any, str]] = [
    ("io.debezium.time.Date", 2**31 - 1, "infinity"),
    ("io.debezium.time.Date", -2_147_472_692, "infinity"),
    ("io.debezium.time.Date", -2_147_472_691, "-infinity"),
    ("io.debezium.time.Date", -735160, "0044-03-15 BC"),
    ("io.debezium.time.MicroTimestamp", 9_223_372_036_825_200_000, "infinity"),
    ("io.debezium.time.MicroTimestamp", -9_223_372_036_832_400_000, "-infinity"),
    ("io.debezium.time.MicroTimestamp", 253_402_300_800_000_000, "10000-01-01 00:00:00"),
    ("io.debezium.time.Timestamp", 9_223_372_036_825_200, "infinity"),
    ("org.apache.kafka.connect.data.Timestamp", -9_223_372_036_832_400_000, "-infinity"),
    ("io.debezium.time.NanoTimestamp", 2**63 - 1, "infinity"),
    ("io.debezium.time.ZonedTimestamp", "+292278994-08-16T23:00:00Z", "infinity"),
    ("io.debezium.time.ZonedTimestamp", "-292275055-05-16T23:00:00Z", "-infinity"),
    ("io.debezium.time.MicroTime", 86_400_000_000, "24:00:00"),
    ("io.debezium.time.Time", 86_400_000, "24:00:00"),
    ("io.debezium.time.MicroTime", "no time", "no time"),
]


@pytest.mark.parametrize(("name", "value", "landed"), FAR)
def test_a_value_outside_its_columns_twin_lands_beside_it_as_postgres_writes_it(
    name: str, value: Any, landed: str
) -> None:
    fields = [{"field": "sku", "type": "string"}, {"field": "at", "type": "int64", "name": name}]
    [row] = rows(said("c", None, {"sku": "a", "at": value}, commit=1, lsn=2, fields=fields))
    assert (row["at"], row["at__text"]) == (None, landed)


def test_without_a_schema_values_have_jsons_types() -> None:
    [row] = rows(said("c", None, {"sku": "a", "pieces": 3, "price": 1.5, "tags": {"a": 1}}, commit=1, lsn=2))
    assert (row["pieces"], row["price"], row["tags"]) == (3, 1.5, '{"a":1}')


def test_without_a_schema_a_fraction_in_a_column_of_whole_numbers_is_not_lost() -> None:
    message = said("c", None, {"sku": "a", "pieces": 1.5}, commit=1, lsn=2)
    [row] = rows(message, known={"sku": pa.string(), "pieces": pa.int64()})
    assert (row["pieces"], row["pieces__text"]) == (None, "1.5")


def test_transactions_are_ordered_by_their_commits_and_rows_by_their_own_positions() -> None:
    # One transaction wrote at 10 and committed at 100, after another that wrote at 50 and committed at 60.
    early = said("u", None, {"sku": "a", "pieces": 2}, commit=60, lsn=10)
    late = said("c", None, {"sku": "a", "pieces": 1}, commit=5, lsn=50)
    found = sorted(rows(early, late), key=lambda row: (row["_commit_lsn"], row["_ordinal"]))
    assert [row["pieces"] for row in found] == [1, 2]


def test_a_new_key_is_the_old_row_deleted_and_right_after_it_the_new_one() -> None:
    [gone, came] = rows(
        said("d", {"sku": "a", "pieces": None}, None, commit=5, lsn=50, moved="newkey"),
        said("c", None, {"sku": "b", "pieces": PLACEHOLDER}, commit=5, lsn=50, moved="oldkey"),
    )
    assert (gone["sku"], came["sku"], came["_unchanged"]) == ("a", "b", ["pieces"])
    assert (came["_commit_lsn"], came["_ordinal"]) == (gone["_commit_lsn"], gone["_ordinal"] + 1)


BYTES = PLACEHOLDER.encode()
# The placeholder as text, bytea, and hstore as JSON and as a map; as text[], bytea[], uuid[], bigint[], double
# precision[] and numeric[]; as geometry and geography.
UNKNOWN = [
    PLACEHOLDER,
    base64.b64encode(BYTES).decode(),
    BYTES.hex(),
    json.dumps({PLACEHOLDER: PLACEHOLDER}, separators=(",", ":")),
    {PLACEHOLDER: PLACEHOLDER},
    [PLACEHOLDER],
    [base64.b64encode(BYTES).decode()],
    ["b68a35a7-17ad-35b3-af2a-ae46edb4545a"],
    list(BYTES),
    [float(byte) for byte in BYTES],
    [base64.b64encode(bytes([byte])).decode() for byte in BYTES],
    [{"scale": 0, "value": base64.b64encode(bytes([byte])).decode()} for byte in BYTES],
    {"wkb": "AQEAACDmEAAAAAAA/IPXl8EAAAD8g9eXwQ==", "srid": 4326},
    {"wkb": "AQEAACDmEAAADCHn/f9/ZkAYQs77/39WQA==", "srid": 4326},
]


@pytest.mark.parametrize("value", UNKNOWN, ids=lambda one: str(one)[:40])
def test_a_value_that_debezium_did_not_have_is_named_and_left_out(value: Any) -> None:
    [row] = rows(said("u", None, {"sku": "a", "note": value}, commit=1, lsn=2), known={"note": pa.string()})
    assert (row["note"], row["_unchanged"]) == (None, ["note"])


def test_a_truncate_has_no_values() -> None:
    [row] = rows(said("t", None, None, commit=1, lsn=2))
    assert (row["_op"], row["_commit_lsn"], row["_ordinal"]) == ("t", 1, 4)


def test_what_changes_no_row_is_passed_over() -> None:
    message = json.loads(said("m", None, None, commit=1, lsn=2).value or b"")
    heartbeat = Said(b"{}", b'{"ts_ms": 1}')
    assert [read(one) for one in (tombstone("a"), Said(None, json.dumps(message).encode()), heartbeat)] == [None] * 3


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"\x00\x00\x00\x00\x01", "isn't JSON"), (b'{"sku": "a"}', "ExtractNewRecordState"), (b"[]", "no JSON object")],
)
def test_what_is_no_envelope_is_refused(value: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read(Said(None, value))


def test_a_type_that_the_column_cannot_hold_names_the_column() -> None:
    fields = [{"field": "sku", "type": "string"}, {"field": "pieces", "type": "string"}]
    message = said("c", None, {"sku": "a", "pieces": "many"}, commit=1, lsn=2, fields=fields)
    with pytest.raises(SourceError, match=r"Column pieces of pg_public_stock changed its type from int32 to string"):
        rows(message, known={"pieces": pa.int32()})

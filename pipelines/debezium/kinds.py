"""What the types of a Kafka Connect schema become in Arrow and Iceberg, and how their JSON values are read.

Without a schema a value has JSON's own type. A value that its column's type can't hold (infinity, a year before 1 or
after 9999, a fraction in a column of whole numbers) lands as text in a column beside, as one of Postgres' own does;
a date or a time as Postgres writes it.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from pipelines.postgres.columns import DATE, TIMESTAMP
from pipelines.postgres.far import far_text

EPOCH = datetime(1970, 1, 1)
DAY = date(1970, 1, 1)
# Postgres counts from 2000-01-01.
LATER = datetime(2000, 1, 1) - EPOCH
LONGEST = 2**63 - 1
# What Debezium writes for infinity: days, which differ by its version; the JDBC driver's instants, in milliseconds and
# in microseconds; the ends of what nanoseconds reach; instants with a zone.
INFINITE: dict[int | str, str] = {
    **dict.fromkeys((2**31 - 1, 2_146_033_979, -2_147_472_692), "infinity"),
    **dict.fromkeys((9_223_372_036_825_200, 9_223_372_036_825_200_000, LONGEST), "infinity"),
    **dict.fromkeys((-(2**31), -2_147_472_691), "-infinity"),
    **dict.fromkeys((-9_223_372_036_832_400, -9_223_372_036_832_400_000, -LONGEST - 1), "-infinity"),
    "+292278994-08-16T23:00:00Z": "infinity",
    "-292275055-05-16T23:00:00Z": "-infinity",
}
Read = Callable[[Any], Any]


def text(value: Any) -> str:
    """Give a string as it is, and anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Kind(NamedTuple):
    """An Arrow type, and the function that reads a JSON value as one of it; it raises ValueError for what isn't one.

    ``far`` writes the text of what isn't one.
    """

    type: pa.DataType
    read: Read
    far: Callable[[Any], str] = text


def kind_of(schema: dict[str, Any]) -> Kind:
    """Give the kind of a field's Connect schema (``type``, and ``name`` and ``parameters`` where it is a logical type).

    What has no twin (other decimals, arrays, maps, structs) lands as text: a string as it is, the rest as JSON.
    """
    name, plain = schema.get("name", ""), schema.get("type", "")
    if name == "org.apache.kafka.connect.data.Decimal":
        return _decimal(schema.get("parameters") or {})
    if name == "io.debezium.data.VariableScaleDecimal":
        return Kind(pa.string(), lambda value: str(unscaled(value["value"], int(value["scale"]))))
    return LOGICAL.get(name) or PLAIN.get(plain) or Kind(pa.string(), text)


def kind_of_value(value: Any) -> Kind:
    """Give the kind of a value that came without a schema."""
    if isinstance(value, bool):
        return PLAIN["boolean"]
    if isinstance(value, int):
        return PLAIN["int64"]
    return PLAIN["double"] if isinstance(value, float) else Kind(pa.string(), text)


def reader(kind: pa.DataType) -> Read:
    """Give the function that reads a JSON value into a column of a type that is there already, without a schema."""
    found = {str(one.type): one.read for one in PLAIN.values()}
    return found.get(str(kind), text)


def unscaled(value: str, scale: int) -> Decimal:
    """Read base64 of a big-endian two's complement number, with the decimal point moved ``scale`` places."""
    whole = int.from_bytes(base64.b64decode(value), "big", signed=True)
    return Decimal(whole).scaleb(-scale)


def _decimal(parameters: dict[str, str]) -> Kind:
    scale, precision = int(parameters.get("scale", 0)), int(parameters.get("connect.decimal.precision", 0))
    if not 0 < precision <= 38 or not 0 <= scale <= precision:
        return Kind(pa.string(), lambda value: f"{unscaled(value, scale):f}")
    return Kind(pa.decimal128(precision, scale), lambda value: unscaled(value, scale))


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError("no whole number of 64 bits")
    return value


def _short(value: Any) -> int:
    if not -(2**31) <= _whole(value) < 2**31:
        raise ValueError("no whole number of 32 bits")
    return int(value)


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("no number")
    return float(value)  # Debezium writes NaN and the infinities as strings.


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def _timestamp(per_second: int) -> Kind:
    def read(value: Any) -> datetime:
        if abs(_whole(value)) >= LONGEST:
            raise ValueError("no moment")
        return EPOCH + timedelta(microseconds=value * 1_000_000 // per_second)

    later = LATER // timedelta(microseconds=1)
    return Kind(pa.timestamp("us"), _bounded(read), _far(TIMESTAMP, 1_000_000, per_second, later))


def _time(per_second: int) -> Kind:
    def read(value: Any) -> time:
        micros = _whole(value) * 1_000_000 // per_second
        if not 0 <= micros < 86_400_000_000:
            raise ValueError("no time of a day")
        return (EPOCH + timedelta(microseconds=micros)).time()

    return Kind(
        pa.time64("us"), _bounded(read), lambda value: "24:00:00" if value == 86_400 * per_second else text(value)
    )


def _far(oid: int, times: int, over: int, later: int) -> Callable[[Any], str]:
    """Write a count that a type can't hold as Postgres does, whose own count is another and begins ``later``."""

    def far(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            return text(value)
        return INFINITE.get(value) or far_text(oid, value * times // over - later)

    return far


def _zoned(value: Any) -> datetime:
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _bounded(read: Read) -> Read:
    def bounded(value: Any) -> Any:
        try:
            return read(value)
        except OverflowError as error:
            raise ValueError(str(error)) from None

    return bounded


PLAIN = {
    "boolean": Kind(pa.bool_(), _truth),
    **dict.fromkeys(("int8", "int16", "int32"), Kind(pa.int32(), _short)),
    "int64": Kind(pa.int64(), _whole),
    **dict.fromkeys(("float", "float32"), Kind(pa.float32(), _fraction)),
    **dict.fromkeys(("double", "float64"), Kind(pa.float64(), _fraction)),
    "string": Kind(pa.string(), text),
    "bytes": Kind(pa.binary(), lambda value: base64.b64decode(value, validate=True)),
}
_DATE = Kind(pa.date32(), _bounded(lambda value: DAY + timedelta(days=_whole(value))), _far(DATE, 1, 1, LATER.days))
LOGICAL = {
    "io.debezium.time.Date": _DATE,
    "org.apache.kafka.connect.data.Date": _DATE,
    "io.debezium.time.Time": _time(1_000),
    "org.apache.kafka.connect.data.Time": _time(1_000),
    "io.debezium.time.MicroTime": _time(1_000_000),
    "io.debezium.time.NanoTime": _time(1_000_000_000),
    "io.debezium.time.Timestamp": _timestamp(1_000),
    "org.apache.kafka.connect.data.Timestamp": _timestamp(1_000),
    "io.debezium.time.MicroTimestamp": _timestamp(1_000_000),
    "io.debezium.time.NanoTimestamp": _timestamp(1_000_000_000),
    "io.debezium.time.ZonedTimestamp": Kind(
        pa.timestamp("us", tz="UTC"), _bounded(_zoned), lambda value: INFINITE.get(text(value), text(value))
    ),
}

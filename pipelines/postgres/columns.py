"""What a Postgres type becomes in Arrow and Iceberg, and the bulk conversion of its text.

Integers, floats, bool, bytea, date, time, timestamp, timestamptz and numeric(p, s) of at most 38 digits
have a twin. Every other type (other numerics, json, uuid, intervals, enums, domains, arrays, …) lands as
Postgres' own text. A column with a twin lands as text too when the table holds a value outside it at the
first load: infinity, a year before 1 or after 9999, NaN in a numeric, the time 24:00.
"""

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lake.errors import SourceError

BOOL, BYTEA, TIME, NUMERIC = 16, 17, 1083, 1700
DATE, TIMESTAMP, TIMESTAMPTZ = 1082, 1114, 1184

# Object ids of built-in types never change: src/include/catalog/pg_type.dat.
TWINS: dict[int, pa.DataType] = {
    BOOL: pa.bool_(),
    BYTEA: pa.binary(),
    20: pa.int64(),  # int8
    21: pa.int32(),  # int2
    23: pa.int32(),  # int4
    26: pa.int64(),  # oid
    700: pa.float32(),  # float4
    701: pa.float64(),  # float8
    DATE: pa.date32(),
    TIME: pa.time64("us"),
    TIMESTAMP: pa.timestamp("us"),
    TIMESTAMPTZ: pa.timestamp("us", tz="UTC"),
}
# SQL that is true for a value of the type that its twin can't hold.
OUTSIDE = {
    DATE: "{0} < '0001-01-01' OR {0} > '9999-12-31'",
    TIMESTAMP: "{0} < '0001-01-01' OR {0} >= '10000-01-01'",
    TIMESTAMPTZ: "{0} < '0001-01-01 00:00+00' OR {0} >= '10000-01-01 00:00+00'",
    TIME: "{0} = '24:00'",
    NUMERIC: "{0} = 'NaN'",
}


class Column(NamedTuple):
    """A column of a source table: its name, type (pg_type.oid, pg_attribute.atttypmod) and whether it lands as text."""

    name: str
    oid: int
    typmod: int
    as_text: bool = False

    @property
    def type(self) -> pa.DataType:
        """The Arrow type that the column lands as."""
        if self.as_text:
            return pa.string()
        if self.oid == NUMERIC:
            return _decimal(self.typmod)
        return TWINS.get(self.oid, pa.string())

    @property
    def outside(self) -> str | None:
        """SQL with ``{0}`` for the column that finds a value its type here can't hold; None when all fit."""
        return None if self.type == pa.string() else OUTSIDE.get(self.oid)


def from_text(values: pa.Array, column: Column, table: str) -> pa.Array:
    """Convert Postgres' text of a column, nulls kept, to the column's type in bulk.

    Raises SourceError that names the table, the column and the first value that doesn't fit.
    """
    try:
        return _convert(values, column)
    except (pa.ArrowInvalid, ValueError) as error:
        raise SourceError(
            f"Column {column.name} of {table} lands as {column.type}, which can't hold "
            f"'{_first_misfit(values, column)}'; load the table anew (it then lands as text), or change the value."
        ) from error


def widest(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """Find the type that Iceberg lets both widen to; None when there is none."""
    if left == right:
        return left
    for narrow, wide in ((pa.int32(), pa.int64()), (pa.float32(), pa.float64())):
        if {left, right} == {narrow, wide}:
            return wide
    if pa.types.is_decimal(left) and pa.types.is_decimal(right) and left.scale == right.scale:
        return max(left, right, key=lambda kind: kind.precision)
    return None


def _decimal(typmod: int) -> pa.DataType:
    # numeric.c: the modifier is ((precision << 16) | (scale & 0x7ff)) + 4, scale signed in 11 bits.
    precision = ((typmod - 4) >> 16) & 0xFFFF
    scale = (((typmod - 4) & 0x7FF) ^ 1024) - 1024
    if typmod < 4 or precision > 38 or not 0 <= scale <= precision:
        return pa.string()
    return pa.decimal128(precision, scale)


def _convert(values: pa.Array, column: Column) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_boolean(kind):
        return pc.equal(values, "t")
    if pa.types.is_binary(kind):
        # bytea_output = hex writes \x and two digits a byte.
        return pa.array([None if v is None else bytes.fromhex(v[2:]) for v in values.to_pylist()], kind)
    if pa.types.is_time(kind):
        days = pc.binary_join_element_wise("1970-01-01", values, " ")
        return days.cast(pa.timestamp("us")).cast(kind)
    return values.cast(kind)


def _first_misfit(values: pa.Array, column: Column) -> str:
    for value in values.to_pylist():
        try:
            _convert(pa.array([value], pa.string()), column)
        except (pa.ArrowInvalid, ValueError):
            return str(value)
    return "one of its values"

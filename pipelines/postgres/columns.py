"""What a Postgres type becomes in Arrow and Iceberg, and the bulk conversion of its text.

Integers, oid, floats, bool, bytea, date, time, timestamp, timestamptz and numeric(p, s) of at most 38 digits
have a twin; a domain has that of its base. Every other type (other numerics, json, uuid, intervals, enums,
composites, ranges, arrays, …) lands as Postgres' own text, and the column's comment in Iceberg says so.

A single value that its column's twin can't hold (infinity, a year before 1 or after 9999, NaN in a numeric,
the time 24:00) lands as text in a column beside, ``<column>__text``, which comes to be with the first such value.
"""

import binascii
import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lake.errors import SourceError

BOOL, BYTEA, INT8, INT2, INT4, OID, FLOAT4, FLOAT8 = 16, 17, 20, 21, 23, 26, 700, 701
DATE, TIME, TIMESTAMP, TIMESTAMPTZ, NUMERIC = 1082, 1083, 1114, 1184, 1700
BESIDE = "__text"

# Object ids of built-in types never change: src/include/catalog/pg_type.dat.
TWINS: dict[int, pa.DataType] = {
    BOOL: pa.bool_(),
    BYTEA: pa.binary(),
    INT8: pa.int64(),
    INT2: pa.int32(),
    INT4: pa.int32(),
    OID: pa.int64(),
    FLOAT4: pa.float32(),
    FLOAT8: pa.float64(),
    DATE: pa.date32(),
    TIME: pa.time64("us"),
    TIMESTAMP: pa.timestamp("us"),
    TIMESTAMPTZ: pa.timestamp("us", tz="UTC"),
}
# The text of those values that the type's twin can't hold.
_FAR = r"^-?infinity$| BC$|^\d{5}"
OUTSIDE = {DATE: _FAR, TIMESTAMP: _FAR, TIMESTAMPTZ: _FAR, TIME: "^24:00:00$", NUMERIC: "^(NaN|-?Infinity)$"}


class Column(NamedTuple):
    """A column of a source table.

    ``oid`` and ``typmod`` are those of the type that it stands on (pg_type.oid, pg_attribute.atttypmod), ``declared``
    is the type's name in the source, ``output`` the function that writes a value as text, ``cast`` what a domain's
    value needs before it. Kinds makes them.
    """

    name: str
    oid: int
    typmod: int
    declared: str = ""
    output: str = "pg_catalog.textout"
    cast: str = ""

    @property
    def type(self) -> pa.DataType:
        """The Arrow type that the column lands as."""
        if self.oid == NUMERIC:
            return _decimal(self.typmod)
        return TWINS.get(self.oid, pa.string())

    @property
    def is_text(self) -> bool:
        """Whether the column lands as text."""
        return bool(pa.types.is_string(self.type))

    @property
    def field(self) -> pa.Field:
        """The column as bronze has it, with a comment that names the source's type."""
        said = f"Postgres {self.declared}, as its text" if self.is_text else f"Postgres {self.declared}"
        return pa.field(self.name, self.type, metadata={"doc": said})

    @property
    def beside(self) -> pa.Field | None:
        """The text column for the values that this one can't hold; None when it holds every value."""
        if self.is_text or self.oid not in OUTSIDE:
            return None
        said = f"The text of a value of {self.name} that {self.type} can't hold; {self.name} is null there"
        return pa.field(f"{self.name}{BESIDE}", pa.string(), metadata={"doc": said})


def from_text(values: pa.Array, column: Column, table: str) -> dict[str, pa.Array]:
    """Convert Postgres' text of a column, nulls kept, to the column's type in bulk.

    Gives the array by the column's name and, only if there are values that it can't hold, their text by the
    name of the column beside. Raises SourceError that names the table, the column and the first value that
    is no text of the type at all.
    """
    try:
        return {column.name: _convert(values, column)}
    except (pa.ArrowInvalid, ValueError) as error:
        if column.oid not in OUTSIDE:
            raise _misfit(values, column, table) from error
    outside = pc.match_substring_regex(values, OUTSIDE[column.oid])
    try:
        typed = _convert(pc.if_else(outside, None, values), column)
    except (pa.ArrowInvalid, ValueError) as error:
        raise _misfit(values, column, table) from error
    return {column.name: typed, f"{column.name}{BESIDE}": pc.if_else(outside, values, None)}


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
        return _unhexed(values)
    if pa.types.is_time(kind):
        days = pc.binary_join_element_wise("1970-01-01", values, " ")
        return days.cast(pa.timestamp("us")).cast(kind)
    return values.cast(kind)


def _unhexed(values: pa.Array) -> pa.Array:
    """Turn ``\\x00ff`` (bytea_output = hex) into bytes, all values at once."""
    digits = pc.binary_replace_slice(values.cast(pa.binary()), 0, 2, b"")
    validity, offsets, data = digits.buffers()
    ends = pa.Array.from_buffers(pa.int32(), len(digits) + 1, [None, offsets], offset=digits.offset).to_numpy()
    first, last = int(ends[0]), int(ends[-1])
    whole = binascii.unhexlify(memoryview(data)[first:last] if data else b"")
    halves = pa.array((ends - first) // 2, pa.int32()).buffers()[1]
    if digits.offset:
        validity = pc.is_valid(digits).buffers()[1] if digits.null_count else None
    return pa.Array.from_buffers(pa.binary(), len(digits), [validity, halves, pa.py_buffer(whole)])


def _misfit(values: pa.Array, column: Column, table: str) -> SourceError:
    return SourceError(
        f"Column {column.name} of {table} lands as {column.type}, which can't hold "
        f"'{_first_misfit(values, column)}'; load the table anew, or change the value."
    )


def _first_misfit(values: pa.Array, column: Column) -> str:
    for value in values.drop_null().to_pylist():
        try:
            if not re.search(OUTSIDE.get(column.oid, r"(?!)"), value):
                _convert(pa.array([value], pa.string()), column)
        except (pa.ArrowInvalid, ValueError):
            return str(value)
    return "one of its values"

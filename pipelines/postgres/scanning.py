"""Byte ranges of the rows in a run of replication messages: loops over single bytes, written to be compiled.

Everything here is plain Python over integers and arrays, so that ``pipelines.postgres.compiling`` can hand it to
numba as it is. Big-endian integers are put together by hand, since a call inside would have to be compiled on its own.
"""

from typing import Any

# Rows of the matrix that ``scan`` fills, one column a row of the source.
SHAPE, OP, AT, END, LSN, ORDINAL, COMMIT_AT, XID = range(8)
FIELDS = 8
# What is carried from one run of messages to the next.
INSIDE, NOW_LSN, NOW_AT, NOW_XID, NEXT, READ_TO = range(6)
STATE = 6
NULL, UNCHANGED = -1, -2
# The two halves of an update that says the old row (O) or the old key (K): merge() makes them d and c, or one u.
OLD_ROW, OLD_KEY, NEW = 79, 75, 78
CREATED, UPDATED, DELETED, DROPPED = 99, 117, 100, 0
# Postgres counts microseconds from 2000-01-01, Unix from 1970-01-01.
EPOCH = 946_684_800_000_000


def scan(
    data: Any,
    starts: Any,
    ends: Any,
    first: int,
    relids: Any,
    shapes: Any,
    marks: Any,
    state: Any,
    rows: Any,
    count: int,
) -> tuple[int, int]:
    """Walk over messages from ``first`` on and note each row of a followed table in ``rows``, from column ``count`` on.

    ``relids`` (sorted) and ``shapes`` say which shape a relation has, -1 when it isn't followed; ``marks`` are
    the positions (lsn, ordinal) by shape at and below which rows are passed over. Gives the message where it
    stopped, because it isn't one of a row or a transaction or is broken, and the count of columns by then.
    """
    for place in range(first, len(starts)):
        at, end = starts[place], ends[place]
        if end <= at:
            return place, count
        kind = data[at]
        if kind == 66:  # Begin
            if end - at != 21:
                return place, count
            high = data[at + 1] * 16777216 + data[at + 2] * 65536 + data[at + 3] * 256 + data[at + 4]
            low = data[at + 5] * 16777216 + data[at + 6] * 65536 + data[at + 7] * 256 + data[at + 8]
            state[NOW_LSN] = high * 4294967296 + low
            high = data[at + 9] * 16777216 + data[at + 10] * 65536 + data[at + 11] * 256 + data[at + 12]
            low = data[at + 13] * 16777216 + data[at + 14] * 65536 + data[at + 15] * 256 + data[at + 16]
            if high >= 2147483648:
                high -= 4294967296
            state[NOW_AT] = high * 4294967296 + low + EPOCH
            state[NOW_XID] = data[at + 17] * 16777216 + data[at + 18] * 65536 + data[at + 19] * 256 + data[at + 20]
            state[INSIDE] = 1
            state[NEXT] = 0
            continue
        if kind == 67:  # Commit
            if end - at != 26:
                return place, count
            high = data[at + 10] * 16777216 + data[at + 11] * 65536 + data[at + 12] * 256 + data[at + 13]
            low = data[at + 14] * 16777216 + data[at + 15] * 65536 + data[at + 16] * 256 + data[at + 17]
            state[READ_TO] = max(state[READ_TO], high * 4294967296 + low)
            state[INSIDE] = 0
            continue
        if kind == 79 or kind == 89 or kind == 77:  # Origin, Type, logical message
            continue
        if (kind != 73 and kind != 85 and kind != 68) or end - at < 8 or state[INSIDE] == 0:
            return place, count
        relid = data[at + 1] * 16777216 + data[at + 2] * 65536 + data[at + 3] * 256 + data[at + 4]
        low, high = 0, len(relids)
        while low < high:
            middle = (low + high) // 2
            if relids[middle] < relid:
                low = middle + 1
            else:
                high = middle
        if low == len(relids) or relids[low] != relid:
            return place, count
        shape = shapes[low]
        tuple_kind = data[at + 5]
        width = 2 if kind == 85 and tuple_kind != NEW else 1
        ordinal = state[NEXT]
        last = ordinal + width - 1
        passed = shape < 0 or state[NOW_LSN] < marks[0, shape]
        if not passed and state[NOW_LSN] == marks[0, shape]:
            passed = last <= marks[1, shape]
        if passed:
            state[NEXT] = ordinal + width
            continue
        new = at + 6
        op = CREATED
        if kind == 73 and tuple_kind != NEW:
            return place, count
        if kind == 68:
            if tuple_kind != OLD_KEY and tuple_kind != OLD_ROW:
                return place, count
            op = DELETED
        if kind == 85:
            op = UPDATED
            if width == 2:
                if tuple_kind != OLD_KEY and tuple_kind != OLD_ROW:
                    return place, count
                left = data[new] * 256 + data[new + 1]
                new += 2
                while left > 0 and new < end:
                    if data[new] == 116 and new + 5 <= end:
                        size = data[new + 1] * 16777216 + data[new + 2] * 65536 + data[new + 3] * 256 + data[new + 4]
                        new += 5 + size
                    else:
                        new += 1
                    left -= 1
                if left > 0 or new >= end or data[new] != NEW:
                    return place, count
                rows[SHAPE, count] = shape
                rows[OP, count] = tuple_kind
                rows[AT, count] = at + 6
                rows[END, count] = new
                rows[LSN, count] = state[NOW_LSN]
                rows[ORDINAL, count] = ordinal
                rows[COMMIT_AT, count] = state[NOW_AT]
                rows[XID, count] = state[NOW_XID]
                count += 1
                op = NEW
                new += 1
            elif tuple_kind != NEW:
                return place, count
        rows[SHAPE, count] = shape
        rows[OP, count] = op
        rows[AT, count] = new
        rows[END, count] = end
        rows[LSN, count] = state[NOW_LSN]
        rows[ORDINAL, count] = last
        rows[COMMIT_AT, count] = state[NOW_AT]
        rows[XID, count] = state[NOW_XID]
        count += 1
        state[NEXT] = ordinal + width
    return len(starts), count


def split(data: Any, ats: Any, ends: Any, starts: Any, sizes: Any) -> int:
    """Find where every value of every row is: ``starts`` and ``sizes`` by column and row, NULL and UNCHANGED as sizes.

    A row at -1 has no values. Gives the first row that is broken, or -1.
    """
    columns = sizes.shape[0]
    for row in range(len(ats)):
        at, end = ats[row], ends[row]
        if at < 0:
            for column in range(columns):
                sizes[column, row] = NULL
            continue
        if at + 2 > end or data[at] * 256 + data[at + 1] != columns:
            return row
        at += 2
        for column in range(columns):
            if at >= end:
                return row
            kind = data[at]
            if kind == 116:  # t
                if at + 5 > end:
                    return row
                size = data[at + 1] * 16777216 + data[at + 2] * 65536 + data[at + 3] * 256 + data[at + 4]
                at += 5
                if size > end - at:
                    return row
                starts[column, row] = at
                sizes[column, row] = size
                at += size
            elif kind == 110:  # n
                sizes[column, row] = NULL
                at += 1
            elif kind == 117:  # u
                sizes[column, row] = UNCHANGED
                at += 1
            else:
                return row
        if at != end:
            return row
    return -1


def merge(data: Any, ops: Any, is_key: Any, starts: Any, sizes: Any) -> None:
    """Make of each update's two halves a delete and a create when the key changed, else one update.

    An unchanged TOASTed value isn't sent anew even when the whole old row is: it is taken from there.
    """
    columns = sizes.shape[0]
    for row in range(len(ops) - 1):
        if ops[row] != OLD_ROW and ops[row] != OLD_KEY:
            continue
        new = row + 1
        same = True
        for column in range(columns):
            if sizes[column, new] == UNCHANGED and (ops[row] == OLD_ROW or is_key[column]):
                starts[column, new] = starts[column, row]
                sizes[column, new] = sizes[column, row]
            if is_key[column] and same:
                size = sizes[column, row]
                same = size == sizes[column, new]
                if same and size > 0:
                    old_at, new_at = starts[column, row], starts[column, new]
                    for byte in range(size):
                        if data[old_at + byte] != data[new_at + byte]:
                            same = False
                            break
        ops[row] = DROPPED if same else DELETED
        ops[new] = UPDATED if same else CREATED


def gather(data: Any, starts: Any, sizes: Any, offsets: Any, out: Any) -> None:
    """Copy one column's values one after the other into ``out``, with ``offsets`` as Arrow has them."""
    at = 0
    for row in range(len(sizes)):
        offsets[row] = at
        size = sizes[row]
        if size > 0:
            # From the first byte of a slice on, so that the compiler sees that nothing is counted from the end.
            source, target = data[starts[row] : starts[row] + size], out[at:]
            for byte in range(size):
                target[byte] = source[byte]
            at += size
    offsets[len(sizes)] = at

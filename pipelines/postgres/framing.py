"""Where replication messages begin and end in what COPY and the walsender send: loops over bytes, to be compiled."""

from typing import Any


def unwrap(data: Any, at: int, starts: Any, ends: Any) -> tuple[int, int]:
    """Find the one value of each row of COPY's binary form from ``at`` on, as far as the rows are whole.

    A row is the number of its fields (2 bytes) and before each value its length (4); -1 for the number is the end.
    Gives where the first row that isn't whole begins, and how many were found.
    """
    count = 0
    while count < len(starts) and at + 6 <= len(data) and data[at] == 0:
        size = data[at + 2] * 16777216 + data[at + 3] * 65536 + data[at + 4] * 256 + data[at + 5]
        if at + 6 + size > len(data):
            break
        starts[count] = at + 6
        at += 6 + size
        ends[count] = at
        count += 1
    return at, count


def frame(data: Any, at: int, filled: int, starts: Any, ends: Any, count: int) -> tuple[int, int, int]:
    """Find the replication messages (XLogData in CopyData) from ``at`` on, in a buffer that is full up to ``filled``.

    Gives where it stopped, how many messages there are by then, and 1 when another kind of message is whole there.
    """
    while at + 5 <= filled:
        after = at + 1 + data[at + 1] * 16777216 + data[at + 2] * 65536 + data[at + 3] * 256 + data[at + 4]
        if after > filled:
            break
        if data[at] != 100 or data[at + 5] != 119:
            return at, count, 1
        starts[count] = at + 30
        ends[count] = after
        count += 1
        at = after
    return at, count, 0

import random
import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from pipelines.postgres import scanning
from pipelines.postgres.compiling import PLAIN, Loops, compiled
from pipelines.postgres.frames import Run
from pipelines.postgres.messages import Absent, Begin, Commit, Delete, Insert, Row, Update
from pipelines.postgres.pgoutput import decode

COLUMNS = 4
RELID = 16_500


def packed(row: Row) -> bytes:
    said = struct.pack(">h", len(row))
    for value in row:
        if isinstance(value, str):
            text = value.encode()
            said += b"t" + struct.pack(">i", len(text)) + text
        else:
            said += b"u" if value is Absent.UNCHANGED else b"n"
    return said


def workload(seed: int, transactions: int) -> list[bytes]:
    """Messages of transactions over one followed table (RELID) and one that isn't (RELID + 1)."""
    choose = random.Random(seed)

    def row() -> Row:
        values: Row = [str(choose.randrange(5)), choose.choice(["", "ü" * choose.randrange(9), None])]
        return [*values, choose.choice(["x" * 300, None, Absent.UNCHANGED]), choose.choice(["1.5", None])]

    messages = []
    for number in range(transactions):
        messages.append(b"B" + struct.pack(">QqI", 1000 * number + 900, -5 + number, number))
        for _ in range(choose.randrange(6)):
            relid = struct.pack(">I", RELID + choose.choice([0, 0, 0, 1]))
            old = choose.choice([b"", b"K" + packed(row()), b"O" + packed(row())])
            messages.append(
                choose.choice(
                    [
                        b"I" + relid + b"N" + packed(row()),
                        b"U" + relid + old + b"N" + packed(row()),
                        b"D" + relid + choose.choice([b"K", b"O"]) + packed(row()),
                        b"M\x00" + struct.pack(">Q", 7) + b"us\x00" + struct.pack(">i", 2) + b"hi",
                    ]
                )
            )
        messages.append(b"C" + struct.pack(">BQQq", 0, 1000 * number + 900, 1000 * number + 999, 0))
    return messages


def looped(loops: Loops, messages: list[bytes], mark: tuple[int, int]) -> list[tuple[Any, ...]]:
    """Rows as the loops find them: op, position, ordinal and values."""
    run = Run.of(messages)
    view = loops.view(run.data)
    rows, state = np.zeros((scanning.FIELDS, 2 * len(run)), np.int64), np.zeros(scanning.STATE, np.int64)
    relids, shapes, marks = np.array([RELID, RELID + 1]), np.array([0, -1]), np.array([[mark[0]], [mark[1]]])
    place, count = loops.scan(view, run.starts, run.ends, 0, relids, shapes, marks, state, rows, 0)
    assert place == len(run)
    rows = rows[:, :count].copy()
    starts, sizes = np.zeros((COLUMNS, count), np.int64), np.zeros((COLUMNS, count), np.int64)
    assert loops.split(view, rows[scanning.AT], rows[scanning.END], starts, sizes) == -1
    loops.merge(view, rows[scanning.OP], np.array([True, False, False, False]), starts, sizes)
    columns = []
    for at, size in zip(starts, sizes, strict=True):
        offsets, data = np.zeros(count + 1, np.int32), np.zeros(int(size[size > 0].sum()), np.uint8)
        loops.gather(view, at, size, offsets, data)
        texts = [data[a:b].tobytes().decode() for a, b in pairwise(offsets)]
        absent = {scanning.NULL: None, scanning.UNCHANGED: Absent.UNCHANGED}
        columns.append([absent.get(int(s), text) for s, text in zip(size, texts, strict=True)])
    found = zip(rows[scanning.OP], rows[scanning.LSN], rows[scanning.ORDINAL], *columns, strict=True)
    listed = [(chr(op), int(lsn), int(ordinal), list(values)) for op, lsn, ordinal, *values in found]
    return [row for row in listed if row[0] != "\0" and row[1:3] > mark]


def told(messages: list[bytes], mark: tuple[int, int]) -> list[tuple[Any, ...]]:
    """The same rows, told one message at a time."""
    rows: list[tuple[Any, ...]] = []
    lsn = ordinal = 0
    for data in messages:
        match decode(data):
            case Begin() as begin:
                lsn, ordinal = begin.commit_lsn, 0
            case Commit():
                lsn = 0
            case Insert() as insert:
                rows += [("c", lsn, ordinal, insert.new)] * (insert.relid == RELID)
                ordinal += 1
            case Delete() as delete:
                rows += [("d", lsn, ordinal, delete.old)] * (delete.relid == RELID)
                ordinal += 1
            case Update(relid, kind, old, new):
                if old is not None:
                    kept = range(COLUMNS) if kind == "O" else [0]
                    new = [old[i] if v is Absent.UNCHANGED and i in kept else v for i, v in enumerate(new)]
                    moved = old[0] != new[0]
                    rows += [("d", lsn, ordinal, old)] * (moved and relid == RELID)
                    ordinal += 1
                rows += [("c" if old is not None and moved else "u", lsn, ordinal, new)] * (relid == RELID)
                ordinal += 1
    return [row for row in rows if row[1:3] > mark]


@pytest.mark.parametrize("mark", [(-1, -1), (20_900, 2), (30_899, 7)])
def test_plain_and_compiled_loops_find_the_rows_that_a_reading_of_each_message_finds(mark: tuple[int, int]) -> None:
    messages = workload(seed=1997, transactions=60)
    expected = told(messages, mark)
    assert len({row[0] for row in expected}) == 3
    assert looped(PLAIN, messages, mark) == expected
    assert looped(compiled(), messages, mark) == expected


@pytest.mark.parametrize("loops", [PLAIN, compiled()], ids=["plain", "compiled"])
@pytest.mark.parametrize(
    "broken",
    [
        b"I\0\0\x40\x74N\0\4t\0\0\0\5abc",
        b"I\0\0\x40\x74N\0\4nnnx",
        b"I\0\0\x40\x74N\0\4nnn",
        b"I\0\0\x40\x74N\0\3nnn",
        b"I\0\0\x40\x74N\0\4nnnnmore",
        b"I\0\0\x40\x74N\0\4t\xff\xff\xff\xffnnn",
    ],
)
def test_a_row_that_is_broken_is_found_out(loops: Loops, broken: bytes) -> None:
    run = Run.of([broken])
    starts, sizes = np.zeros((COLUMNS, 1), np.int64), np.zeros((COLUMNS, 1), np.int64)
    assert loops.split(loops.view(run.data), run.starts + 6, run.ends, starts, sizes) == 0


@pytest.mark.parametrize("loops", [PLAIN, compiled()], ids=["plain", "compiled"])
@pytest.mark.parametrize(
    "message",
    [b"S\0\0\0\1\1", b"", b"B\0\0", b"I\0\0\0\7N\0\0", b"I\0\0\x40\x74K\0\0", b"U\0\0\x40\x74K\0\4nn", b"T", b"R"],
)
def test_a_message_that_the_loops_cannot_take_stops_them_there(loops: Loops, message: bytes) -> None:
    begin = b"B" + struct.pack(">QqI", 900, 0, 1)
    run = Run.of([begin, message])
    rows, state = np.zeros((scanning.FIELDS, 4), np.int64), np.zeros(scanning.STATE, np.int64)
    known = np.array([RELID]), np.array([0]), np.array([[-1], [-1]])
    view = loops.view(run.data)
    assert loops.scan(view, run.starts, run.ends, 0, *known, state, rows, 0) == (1, 0)

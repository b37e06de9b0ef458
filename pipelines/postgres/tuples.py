"""Byte ranges and numbers of the rows that COPY (FORMAT binary) sends: loops over single bytes, written to be compiled.

Everything here is plain Python over integers and arrays, as in ``scanning``: ``compiling`` hands it to numba as it is.
The layout of a row is the one of "Binary Format" in the PostgreSQL manual's page on COPY.
"""

from typing import Any

NULL = -1
WHOLE, BROKEN = 0, 1
# numeric.c: what stands in the place of the sign.
POSITIVE, NEGATIVE = 0, 0x4000
EXACT, OUTSIDE, MISFIT = 0, 1, 2


def unframe(data: Any, end: int, out: Any) -> tuple[int, int]:
    """Copy what CopyData messages (``d``) before ``end`` carry, one after the other, into ``out``.

    Gives the position of the first message that is another one or isn't whole, and the bytes copied.
    """
    at, size = 0, 0
    while at + 5 <= end and data[at] == 100:
        after = at + 1 + data[at + 1] * 16777216 + data[at + 2] * 65536 + data[at + 3] * 256 + data[at + 4]
        if after > end:
            break
        # From the first byte of a slice on, so that the compiler sees that nothing is counted from the end.
        source, target = data[at + 5 : after], out[size:]
        for byte in range(after - at - 5):
            target[byte] = source[byte]
        size += after - at - 5
        at = after
    return at, size


def find(data: Any, end: int, starts: Any, sizes: Any) -> tuple[int, int, int]:
    """Find where every value of every row before ``end`` is: ``starts`` and ``sizes`` by column and row, NULL as size.

    Gives the count of whole rows, the position after the last of them, and WHOLE or BROKEN. A row that ends
    after ``end`` is left for later.
    """
    columns, most = sizes.shape
    at, row = 0, 0
    while row < most and at + 2 <= end:
        count = data[at] * 256 + data[at + 1]
        if count == 65535:  # the trailer
            return row, end, WHOLE
        if count != columns:
            return row, at, BROKEN
        place = at + 2
        column = 0
        while column < columns and place + 4 <= end:
            size = data[place] * 16777216 + data[place + 1] * 65536 + data[place + 2] * 256 + data[place + 3]
            place += 4
            if size == 4294967295:
                sizes[column, row] = NULL
            else:
                starts[column, row] = place
                sizes[column, row] = size
                place += size
            column += 1
        if column < columns or place > end:
            return row, at, WHOLE
        at = place
        row += 1
    return row, at, WHOLE


def integers(data: Any, starts: Any, sizes: Any, width: int, out: Any) -> int:
    """Read big-endian signed integers of ``width`` bytes into ``out``, 0 for NULL; give the first misfit row, or -1."""
    for row in range(len(sizes)):
        if sizes[row] < 0:
            out[row] = 0
            continue
        if sizes[row] != width:
            return row
        field = data[starts[row] : starts[row] + width]
        value = field[0] * 1
        if value >= 128:
            value -= 256
        for byte in range(1, width):
            value = value * 256 + field[byte]
        out[row] = value
    return -1


def uuids(data: Any, starts: Any, sizes: Any, out: Any) -> int:
    """Write uuids of 16 bytes as text of 36 bytes, nothing for NULL; give the first misfit row, or -1."""
    at = 0
    for row in range(len(sizes)):
        if sizes[row] < 0:
            continue
        if sizes[row] != 16:
            return row
        field = data[starts[row] : starts[row] + 16]
        for byte in range(16):
            if byte == 4 or byte == 6 or byte == 8 or byte == 10:
                out[at] = 45
                at += 1
            value = field[byte]
            high, low = value >> 4, value & 15
            out[at] = high + (48 if high < 10 else 87)
            out[at + 1] = low + (48 if low < 10 else 87)
            at += 2
    return -1


def numerics(data: Any, starts: Any, sizes: Any, scale: int, out: Any, kinds: Any) -> None:
    """Read numerics as integers of 128 bits times 10^-scale: four limbs of 32 bits a row in ``out``, the least first.

    ``kinds`` says of each row whether it is EXACT, OUTSIDE (NaN, infinity) or a MISFIT that has more digits.
    """
    for row in range(len(sizes)):
        l0, l1, l2, l3 = 0, 0, 0, 0
        kinds[row] = EXACT
        if sizes[row] >= 8:
            at = starts[row]
            count = data[at] * 256 + data[at + 1]
            weight = data[at + 2] * 256 + data[at + 3]
            if weight >= 32768:
                weight -= 65536
            sign = data[at + 4] * 256 + data[at + 5]
            if sign != POSITIVE and sign != NEGATIVE:
                kinds[row] = OUTSIDE
                count = 0
            # What is left to multiply by after each group of four digits, down to 10^-scale.
            power = 4 * weight + scale
            at += 8
            for _ in range(count):
                group = data[at] * 256 + data[at + 1]
                at += 2
                factor = 10000
                if power < 0:
                    divisor = 1
                    for _ in range(min(-power, 4)):
                        divisor *= 10
                    if group % divisor:
                        kinds[row] = MISFIT
                    group //= divisor
                    factor //= divisor
                low = l0 * factor + group
                l0 = low & 4294967295
                low = l1 * factor + (low >> 32)
                l1 = low & 4294967295
                low = l2 * factor + (low >> 32)
                l2 = low & 4294967295
                l3 = (l3 * factor + (low >> 32)) & 4294967295
                power -= 4
            # Zeros at the end aren't sent.
            power += 4
            while power > 0 and count > 0:
                factor = 1
                for _ in range(min(power, 4)):
                    factor *= 10
                low = l0 * factor
                l0 = low & 4294967295
                low = l1 * factor + (low >> 32)
                l1 = low & 4294967295
                low = l2 * factor + (low >> 32)
                l2 = low & 4294967295
                l3 = (l3 * factor + (low >> 32)) & 4294967295
                power -= 4
            if sign == NEGATIVE:
                # The two's complement.
                low = (l0 ^ 4294967295) + 1
                l0 = low & 4294967295
                low = (l1 ^ 4294967295) + (low >> 32)
                l1 = low & 4294967295
                low = (l2 ^ 4294967295) + (low >> 32)
                l2 = low & 4294967295
                l3 = ((l3 ^ 4294967295) + (low >> 32)) & 4294967295
        out[row, 0] = l0
        out[row, 1] = l1
        out[row, 2] = l2
        out[row, 3] = l3

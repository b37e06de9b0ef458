"""MD5 (RFC 1321) of many short texts: loops over bytes and words, written to be compiled.

LANES texts are digested side by side, which the compiler turns into instructions over vectors.
"""

import math
from typing import Any

import numpy as np

LANES = 16
SEPARATOR, MINUS, ZERO = 31, 45, 48
DIGITS = 20
"""As many bytes as a number takes at most."""
ADDED = np.array([int(abs(math.sin(step + 1)) * 2**32) for step in range(64)], np.uint32)
TURNS = np.array([7, 12, 17, 22] * 4 + [5, 9, 14, 20] * 4 + [4, 11, 16, 23] * 4 + [6, 10, 15, 21] * 4, np.uint32)
PLACES = np.concatenate([(np.arange(16) * by + first) % 16 for by, first in ((1, 0), (5, 1), (3, 5), (7, 0))])


def join(numbers: Any, data: Any, starts: Any, sizes: Any, out: Any, offsets: Any) -> None:
    """Write each row's values one after the other into ``out``, with a separator between; nulls are left out.

    All but ``offsets``, which say where each row begins in ``out``, are by column and row. A value is a text of
    ``sizes`` bytes in ``data``, from its start on; one that has no start (-1) is a number; a null has no size (-1).
    """
    columns, rows = sizes.shape
    at = 0
    for row in range(rows):
        offsets[row] = at
        begun = False
        for column in range(columns):
            size, start = sizes[column, row], starts[column, row]
            if size < 0:
                continue
            if begun:
                out[at] = SEPARATOR
                at += 1
            begun = True
            if start >= 0:
                source, target = data[start : start + size], out[at:]
                for byte in range(size):
                    target[byte] = source[byte]
                at += size
                continue
            number = numbers[column, row]
            left = np.uint64(number)
            if number < 0:
                left = np.uint64(-(number + 1)) + np.uint64(1)
                out[at] = MINUS
                at += 1
            end = at + 1
            bound = np.uint64(10)
            while end < at + 19 and left >= bound:
                bound *= np.uint64(10)
                end += 1
            for place in range(end - 1, at - 1, -1):
                next_left = left // np.uint64(10)
                out[place] = ZERO + (left - next_left * np.uint64(10))
                left = next_left
            at = end
    offsets[rows] = at


def digest(data: Any, offsets: Any, added: Any, turns: Any, places: Any) -> Any:
    """Add up the lower halves of the texts' MD5, as 64-bit numbers that begin anew at 2^64.

    A text is what lies in ``data`` between two ``offsets``; the others are the constants above.
    """
    total, count = np.uint64(0), len(offsets) - 1
    words, state = np.zeros((16, LANES), np.uint32), np.zeros((4, LANES), np.uint32)
    a, b = np.zeros(LANES, np.uint32), np.zeros(LANES, np.uint32)
    c, d = np.zeros(LANES, np.uint32), np.zeros(LANES, np.uint32)
    for first in range(0, count, LANES):
        here = min(LANES, count - first)
        blocks = 0
        for lane in range(LANES):
            state[0, lane], state[1, lane] = 0x67452301, 0xEFCDAB89
            state[2, lane], state[3, lane] = 0x98BADCFE, 0x10325476
        for lane in range(first, first + here):
            blocks = max(blocks, (offsets[lane + 1] - offsets[lane] + 8) // 64 + 1)
        for block in range(blocks):
            for word in range(16):
                for lane in range(LANES):
                    words[word, lane] = 0
            for lane in range(here):
                start = offsets[first + lane] + 64 * block
                left = offsets[first + lane + 1] - start
                text = data[start : start + 64]
                for byte in range(min(left, 64)):
                    words[byte >> 2, lane] |= np.uint32(text[byte]) << np.uint32(8 * (byte & 3))
                if 0 <= left < 64:
                    words[left >> 2, lane] |= np.uint32(128) << np.uint32(8 * (left & 3))
                if left < 56:
                    words[14, lane] = np.uint32((left + 64 * block) * 8)
            for lane in range(LANES):
                a[lane], b[lane], c[lane], d[lane] = state[0, lane], state[1, lane], state[2, lane], state[3, lane]
            for step in range(64):
                word, more, turn, back = places[step], added[step], turns[step], np.uint32(32) - turns[step]
                if step < 16:
                    for lane in range(LANES):
                        mixed = (b[lane] & c[lane]) | (~b[lane] & d[lane])
                        turned = np.uint32(a[lane] + mixed + more + words[word, lane])
                        a[lane], d[lane], c[lane] = d[lane], c[lane], b[lane]
                        b[lane] += (turned << turn) | (turned >> back)
                elif step < 32:
                    for lane in range(LANES):
                        mixed = (d[lane] & b[lane]) | (~d[lane] & c[lane])
                        turned = np.uint32(a[lane] + mixed + more + words[word, lane])
                        a[lane], d[lane], c[lane] = d[lane], c[lane], b[lane]
                        b[lane] += (turned << turn) | (turned >> back)
                elif step < 48:
                    for lane in range(LANES):
                        mixed = b[lane] ^ c[lane] ^ d[lane]
                        turned = np.uint32(a[lane] + mixed + more + words[word, lane])
                        a[lane], d[lane], c[lane] = d[lane], c[lane], b[lane]
                        b[lane] += (turned << turn) | (turned >> back)
                else:
                    for lane in range(LANES):
                        mixed = c[lane] ^ (b[lane] | ~d[lane])
                        turned = np.uint32(a[lane] + mixed + more + words[word, lane])
                        a[lane], d[lane], c[lane] = d[lane], c[lane], b[lane]
                        b[lane] += (turned << turn) | (turned >> back)
            for lane in range(here):
                if block <= (offsets[first + lane + 1] - offsets[first + lane] + 8) // 64:
                    state[0, lane] += a[lane]
                    state[1, lane] += b[lane]
                    state[2, lane] += c[lane]
                    state[3, lane] += d[lane]
        for lane in range(here):
            total += np.uint64(state[2, lane]) | (np.uint64(state[3, lane]) << np.uint64(32))
    return total

"""The CDNOW purchase history, see cdnow.md."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from infra.sandbox.content import Customers, Orders
from infra.sandbox.noise import Ints, draw

FILE = Path(__file__).parent / "cdnow.txt.gz"
ZONE = ZoneInfo("America/New_York")
_LINE = 28
_FIRST_HOUR, _LAST_HOUR = 8, 22


class History:
    """Every CDNOW purchase as one order, on its own date in the shop's zone, at an invented time of day."""

    opened = int(datetime(1996, 12, 31, 9, tzinfo=ZONE).timestamp())

    def __init__(self, seed: int) -> None:
        buyer, day, units, cents = read_purchases(FILE)
        second = draw(seed, "order.second", np.arange(len(day)), (_LAST_HOUR - _FIRST_HOUR) * 3600)
        created = midnights(day) + _FIRST_HOUR * 3600 + second
        by_time = np.argsort(created, kind="stable")
        self.order_count = len(by_time)
        self._created = created[by_time]
        self._units = units[by_time]
        self._cents = cents[by_time]
        self._number_customers(buyer[by_time])
        self.charged: Sequence[int] = np.flatnonzero(self._cents > 0)  # type: ignore[assignment]

    def _number_customers(self, buyer: Ints) -> None:
        """Number the customers by their first order and sum up what each bought."""
        _, first, inverse = np.unique(buyer, return_index=True, return_inverse=True)
        by_first = np.argsort(first)
        number = np.empty_like(by_first)
        number[by_first] = np.arange(len(by_first))
        self._customer = number[inverse]
        self.customer_count = len(by_first)
        self._first = first[by_first]
        self._last = np.zeros(self.customer_count, np.int64)
        self._last[self._customer] = np.arange(self.order_count)
        self._bought = np.bincount(self._customer)
        self._spent = np.bincount(self._customer, weights=self._cents).astype(np.int64)

    def orders(self, index: Ints) -> Orders:
        """Look up the orders with these numbers."""
        return Orders(index, self._customer[index], self._units[index], self._cents[index], self._created[index])

    def customers(self, index: Ints) -> Customers:
        """Look up the customers with these numbers."""
        last = self._last[index]
        created, updated = self._created[self._first[index]], self._created[last]
        return Customers(index, self._bought[index], self._spent[index], created, updated, last)

    def orders_of(self, customer: int) -> list[int]:
        """List the numbers of one customer's orders, ascending."""
        found: list[int] = np.flatnonzero(self._customer == customer).tolist()
        return found


def read_purchases(path: Path) -> tuple[Ints, Ints, Ints, Ints]:
    """Read the file's lines into customer ids, dates (yyyymmdd), numbers of CDs and cents."""
    data = gzip.decompress(path.read_bytes())
    lines = np.frombuffer(data[data.index(b"\n") + 1 :], np.uint8).reshape(-1, _LINE)
    return (
        _number(lines[:, 1:6]),
        _number(lines[:, 7:15]),
        _number(lines[:, 15:18]),
        _number(np.delete(lines[:, 18:26], 5, axis=1)),
    )


def _number(digits: NDArray[np.uint8]) -> Ints:
    """Turn columns of ASCII digits, blank on the left, into whole numbers."""
    values = np.where(digits == ord(" "), 0, digits.astype(np.int64) - ord("0"))
    number: Ints = values @ (10 ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int64))
    return number


def midnights(day: Ints) -> Ints:
    """Turn dates (yyyymmdd) into the second their 00:00 would be, by the zone's offset of that day's noon.

    Between 08:00 and 22:00 the offset is noon's, for clocks change at 02:00.
    """
    unique, inverse = np.unique(day, return_inverse=True)
    starts = [_midnight(int(value)) for value in unique]
    return np.array(starts, np.int64)[inverse]


def _midnight(day: int) -> int:
    date = datetime(day // 10_000, day // 100 % 100, day % 100, tzinfo=UTC)
    offset = date.replace(hour=12, tzinfo=ZONE).utcoffset()
    assert offset is not None
    return int((date - offset).timestamp())

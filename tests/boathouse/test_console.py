from types import SimpleNamespace

import pytest

from boathouse import console
from boathouse.console import Copied


def test_a_copy_says_its_rows_by_now_and_how_many_a_second_table_by_table(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0, 0, 2, 10, 10])
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    said: list[str] = []
    copied = Copied(said.append)
    for table, rows in (("shop.orders", 1000), ("shop.orders", 5000), ("shop.items", 7)):
        copied(table, rows)
    assert said == ["shop.orders 1,000 rows", "shop.orders 6,000 rows, 3,000 rows/s", "shop.items 7 rows"]

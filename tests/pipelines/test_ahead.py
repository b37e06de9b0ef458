from collections.abc import Iterator
from threading import enumerate as enumerate_threads
from threading import get_ident

import pytest

from pipelines.ahead import ahead


def test_items_come_in_order_and_are_made_in_another_thread() -> None:
    assert list(ahead(iter(range(10)), 3)) == list(range(10))
    assert set(ahead((get_ident() for _ in range(3)), 2)) != {get_ident()}


def test_nothing_comes_of_nothing() -> None:
    assert list(ahead(iter([]), 2)) == []


def test_a_failure_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    found = ahead(items(), 5)
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)


def test_nobody_works_on_for_whoever_stops_early() -> None:
    found = ahead(iter(range(1_000_000_000)), 5)
    assert next(found) == 0
    found.close()
    assert not any(thread.name.startswith("ahead") for thread in enumerate_threads())

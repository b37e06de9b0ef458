"""Making what comes next while what came before is used."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], count: int) -> Generator[T, None, None]:
    """Give the items, in order, while up to ``count`` of those to come are made in a thread.

    What ``items`` raises is raised where its item would have come. When the caller stops early, at most the one item
    that is being made is waited for.
    """
    thread = ThreadPoolExecutor(1, "ahead")
    over = object()
    try:
        coming = deque(thread.submit(next, items, over) for _ in range(count))
        while (item := coming.popleft().result()) is not over:
            coming.append(thread.submit(next, items, over))
            yield item  # type: ignore[misc]
    finally:
        thread.shutdown(cancel_futures=True)

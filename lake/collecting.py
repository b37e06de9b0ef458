"""How often Python looks for garbage while SQLMesh works."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = (50_000, 20, 100)


@contextmanager
def collect_rarely() -> Iterator[None]:
    """Look for garbage rarely in this process until the block ends.

    Models and what they are rendered to are millions of small objects that stay: at Python's own pace much of a
    transform's time goes into looking through them again and again.
    """
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)

"""Where a benchmark takes place: embedded services of its own, in a folder that goes when it is over."""

import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from infra import local
from lake.settings import Settings


@contextmanager
def staged(settings: Settings, say: Callable[[str], None], services: Collection[str]) -> Iterator[Settings]:
    """Run services (``seaweedfs``, ``postgres``) for the block, and give settings with their addresses filled in."""
    with tempfile.TemporaryDirectory(prefix="boathouse-bench-") as folder:
        place = settings.model_copy(update={"state_dir": Path(folder) / "state"})
        try:
            with local.running(place, say, services) as live:
                yield live
        finally:
            local.remove_all(place)


def as_url(dsn: str) -> str:
    """Write an address of a database as a URL, for tools that want one."""
    said = conninfo_to_dict(dsn)
    return f"postgresql://{said['user']}:{said['password']}@{said['host']}:{said['port']}/{said['dbname']}"

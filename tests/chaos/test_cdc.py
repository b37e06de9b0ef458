from collections.abc import Iterator
from uuid import uuid4

import pytest

from lake.catalogue import ensure_namespaces, open_catalogue
from lake.failpoints import NAMES
from lake.settings import Settings
from tests.chaos.trial import Trials

FAILPOINTS = sorted(name for name in NAMES if name.startswith("cdc."))


@pytest.fixture(scope="module")
def trials(settings: Settings, admin_dsn: str) -> Iterator[Trials]:
    ensure_namespaces(open_catalogue(settings))
    found = Trials(settings, admin_dsn, f"c{uuid4().hex[:10]}", seed=1997)
    try:
        yield found
    finally:
        found.close()


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_reader_killed_at_a_failpoint_loses_doubles_and_mistakes_nothing(trials: Trials, failpoint: str) -> None:
    if not trials.landed("items"):
        trials.killed_at("cdc.during_copy")
    trials.killed_at(failpoint)

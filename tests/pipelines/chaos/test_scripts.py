"""Whatever a vendor does wrong, a load succeeds or says why in a sentence, and nothing is lost or doubled."""

import re
from collections.abc import Callable

import pytest

from lake.errors import BoathouseError
from tests.pipelines.chaos.conftest import Scene
from tests.pipelines.chaos.scripts import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_lost_or_doubled_by(case: Case, scene: Callable[..., Scene]) -> None:
    there = scene(case.vendor, case.tables)
    if case.app:
        there.use_app()
    if case.many:
        there.lake.settings = there.lake.settings.model_copy(update={"shopify_bulk_from": 20})
    if case.always:
        there.sandbox.begin(*case.faults)
    if case.later:
        there.sandbox.write(orders=22)
        there.pull()
        there.sandbox.write(orders=44, changes=3)
    if not case.always:
        there.sandbox.begin(*case.faults)
    told = ""
    try:
        there.pull()
    except BoathouseError as error:
        told = str(error)
    struck = there.sandbox.end()
    assert all(struck) or case.always, "a fault never struck"
    assert told_rightly(case, told), told
    if told or case.moving:
        there.pull()
    assert there.wrong() == []


def told_rightly(case: Case, told: str) -> bool:
    """Whether a load ended as its script lets it: with a sentence that it must or may say, or with none."""
    if case.told:
        return bool(re.search(case.told, told))
    return not told or bool(case.may and re.search(case.may, told))

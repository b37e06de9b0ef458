"""A sample of the seeded defects: every model's tests notice some, and a defect is what it says it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlglot import parse_one

from lake.settings import Settings
from lake.transforms import quiet_console
from lake.warehouse import open_project
from tests.mutation.defects import defects
from tests.mutation.trial import models_of, try_defects

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported
SAMPLE = ("gold.daily_shop", "gold.fact_payments", "silver.stg_shopify_order_lines", "silver.stg_stripe_events")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    alone = Settings(_env_file=None, state_dir=Path(tmp_path_factory.mktemp("mutation")))
    with quiet_console(None), open_project(alone, {}, unit_tests=True) as context:
        yield context


def test_a_query_has_room_for_every_kind_of_defect() -> None:
    query = parse_one(
        "SELECT a.x::TEXT AS x, a.y::TEXT AS y, a.d::DATE AS d, SUM(COALESCE(b.m, 0))::DECIMAL(18, 2) AS m "
        "FROM a LEFT JOIN b ON b.x = a.x AND b.y = a.y WHERE a.z > 1 GROUP BY ALL ORDER BY x",
        dialect="duckdb",
    )
    found = {(defect.kind, defect.query.sql("duckdb")) for defect in defects(query)}
    assert len(found) == len(list(defects(query)))
    assert query.sql("duckdb") not in {sql for _, sql in found}
    assert {kind for kind, _ in found} == {
        "wrong join",
        "dropped filter",
        "dropped condition",
        "wrong boundary",
        "wrong aggregate",
        "wrong order",
        "lost fallback",
        "shifted day",
        "wrong sign",
        "swapped column",
        "doubled row",
    }


@pytest.mark.parametrize("name", SAMPLE)
def test_a_models_tests_notice_its_defects(project: Any, name: str) -> None:
    (model,) = (one for one in models_of(project) if one.name == name)
    outcomes = list(try_defects(project, model, every=4, first=3))
    missed = [(outcome.defect.kind, outcome.defect.where) for outcome in outcomes if not outcome.caught]
    assert len(outcomes) > len(missed) * 2

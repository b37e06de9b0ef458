"""A sample of the seeded defects: every model's tests or audits notice them, and a defect is what it says it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlglot import exp, parse_one

from lake.settings import Settings
from lake.transforms import quiet_console
from lake.warehouse import open_project
from tests.mutation.__main__ import score, sentence
from tests.mutation.defects import KINDS, Defect, defects
from tests.mutation.trial import Outcome, Trials

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported
SAMPLE = ("gold.daily_shop", "gold.fact_payments", "silver.stg_shopify_order_lines", "silver.stg_stripe_events")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    folder = Path(tmp_path_factory.mktemp("mutation"))
    alone = Settings(_env_file=None, state_dir=folder)
    with quiet_console(None), open_project(alone, {}, unit_tests=True) as context:
        yield Trials(context, folder)


def parsed(sql: str) -> exp.Query:
    query = parse_one(sql, dialect="duckdb")
    assert isinstance(query, exp.Query)
    return query


def test_a_query_has_room_for_every_kind_of_defect() -> None:
    query = parsed(
        "SELECT a.x::TEXT AS x, a.y::TEXT AS y, a.d::DATE AS d, SUM(COALESCE(b.m, 0))::DECIMAL(18, 2) AS m "
        "FROM a LEFT JOIN b ON b.x = a.x AND b.y = a.y WHERE a.z > 1 AND a.w GROUP BY ALL ORDER BY x"
    )
    found = {(defect.kind, defect.query.sql("duckdb")) for defect in defects(query)}
    assert len(found) == len(list(defects(query)))
    assert query.sql("duckdb") not in {sql for _, sql in found}
    assert {kind for kind, _ in found} == {
        *KINDS,
        "wrong boundary",
        "wrong aggregate",
        "wrong order",
        "lost fallback",
        "wrong sign",
        "swapped column",
    }


@pytest.mark.parametrize("name", SAMPLE)
def test_a_models_tests_and_audits_notice_its_defects(trials: Trials, name: str) -> None:
    (model,) = (one for one in trials.models() if one.name == name)
    outcomes = list(trials.of(model, every=3))
    missed = [(one.defect.kind, one.defect.where) for one in outcomes if not one.noticed]
    assert [kind for kind, _ in missed if kind in KINDS] == []
    assert len(outcomes) > len(missed) * 2


def test_what_only_an_audit_notices_is_noticed(trials: Trials) -> None:
    (model,) = (one for one in trials.models() if one.name == "gold.fact_payments")
    doubled = [one for one in defects(model.query) if one.kind == "doubled row"]
    assert [outcome.noticed for outcome in trials.tried(model, doubled, tests=[])] == ["audit"]


def test_the_score_ends_in_a_line_that_counts_what_was_caught() -> None:
    query = parsed("SELECT 1")
    outcomes = [
        Outcome("gold.a", Defect("wrong join", "", query), "test"),
        Outcome("gold.a", Defect("wrong sign", "", query), ""),
        Outcome("gold.b", Defect("doubled row", "", query), "audit"),
    ]
    assert score(outcomes).row_count == 2
    assert sentence(outcomes) == (
        "mutate: 2 of 3 defects caught (66.7 %) in 2 models"
        " · wrong join 1 of 1, dropped filter 0 of 0, shifted day 0 of 0, doubled row 1 of 1"
    )

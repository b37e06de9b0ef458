"""A change to a model: planned, applied aside, compared, promoted and rolled back, on both gateways."""

from pathlib import Path

import pytest

from lake.environment_diffs import diff
from lake.environments import DUCKDB, GATEWAYS, apply, open_gateway, plan, promote
from lake.errors import SettingError, UnknownNameError
from lake.pins import Pin
from lake.reviews import review
from lake.settings import Settings
from lake.transforms import quiet_console

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported


# What is tried here follows one chain of models and one that isn't in it.
KEPT = {
    "stg_shopify_product_versions",
    "stg_shopify_products",
    "dim_products",
    "stg_shopify_shop",
    "stg_stripe_customers",
}


@pytest.fixture
def project(project: Path) -> Path:
    """Keep a few models of the project."""
    for file in project.glob("models/*/*.sql"):
        if file.stem not in KEPT:
            file.unlink()
    return project


def answer(settings: Settings, gateway: str, project: Path, pins: dict[str, Pin], sql: str) -> list[tuple[object, ...]]:
    with quiet_console(None), open_gateway(settings, gateway, project, pins) as context:
        return [tuple(row) for row in context.engine_adapter.fetchall(sql)]


def built(settings: Settings, gateway: str, project: Path, pins: dict[str, Pin]) -> set[str]:
    sql = "SELECT table_name FROM information_schema.tables WHERE POSITION('__' IN table_name) > 0"
    return {str(name) for (name,) in answer(settings, gateway, project, pins, sql)}


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_changed_model_is_planned_with_its_descendants_promoted_by_views_and_rolled_back(
    fresh: Settings, project: Path, pins: dict[str, Pin], gateway: str
) -> None:
    titles = "SELECT DISTINCT title FROM gold.dim_products ORDER BY 1"
    apply(fresh, "prod", gateway, project, pins)
    assert not plan(fresh, "dev", gateway, project, pins).changes

    model = project / "models" / "silver" / "stg_shopify_product_versions.sql"
    before = model.read_text(encoding="utf-8")
    model.write_text(before.replace("@at(doc, 'title')", "UPPER(@at(doc, 'title'))"), encoding="utf-8")
    changed = plan(fresh, "dev", gateway, project, pins)
    assert changed.directly == ("silver.stg_shopify_product_versions",)
    assert changed.indirectly == ("gold.dim_products", "silver.stg_shopify_products")
    assert changed.to_build == tuple(sorted(changed.directly + changed.indirectly))
    with pytest.raises(UnknownNameError, match="There is no environment 'dev'; there is prod"):
        promote(fresh, "dev", gateway, project, pins)

    apply(fresh, "dev", gateway, project, pins)
    assert answer(fresh, gateway, project, pins, titles) == [("Record 1",), ("Record 2",)]
    found = {one.model: one for one in diff(fresh, "dev", gateway, project, pins).models}
    assert set(found) == {*changed.directly, *changed.indirectly}
    products = found["gold.dim_products"].table
    assert (products.rows, products.added, products.removed, products.changed) == (2, 0, 0, 2)
    assert products.values == {"title": 2}
    assert [key.sign for key in products.keys] == ["~", "~"]
    assert {name for key in products.keys for name, _ in key.values} == {"product_key", "valid_from"}

    tables = built(fresh, gateway, project, pins)
    assert promote(fresh, "dev", gateway, project, pins).moved == changed.to_build
    assert answer(fresh, gateway, project, pins, titles) == [("RECORD 1",), ("RECORD 2",)]
    assert diff(fresh, "dev", gateway, project, pins).models == ()

    model.write_text(before, encoding="utf-8")
    with pytest.raises(SettingError, match="apply dev first"):
        promote(fresh, "dev", gateway, project, pins)
    assert plan(fresh, "dev", gateway, project, pins).to_build == ()
    apply(fresh, "dev", gateway, project, pins)
    promote(fresh, "dev", gateway, project, pins)
    assert answer(fresh, gateway, project, pins, titles) == [("Record 1",), ("Record 2",)]
    assert built(fresh, gateway, project, pins) == tables


def test_a_review_tells_a_pull_request_what_differs_and_leaves_production_alone(
    fresh: Settings, project: Path, pins: dict[str, Pin]
) -> None:
    titles = "SELECT DISTINCT title FROM gold.dim_products ORDER BY 1"
    apply(fresh, "prod", DUCKDB, project, pins)
    model = project / "models" / "silver" / "stg_shopify_product_versions.sql"
    before = model.read_text(encoding="utf-8")
    model.write_text(before.replace("@at(doc, 'title')", "UPPER(@at(doc, 'title'))"), encoding="utf-8")
    said = review(fresh, "pr-7", DUCKDB, project, pins).markdown()
    assert said.startswith("## pr_7 beside production\n")
    assert "| changed | `silver.stg_shopify_product_versions` |" in said
    assert "| follows | `gold.dim_products` |" in said
    assert "| `gold.dim_products` | 2 | 2 | 0 | 0 | 2 |" in said
    assert said.count("~ product_key=") == 2
    assert "  ~ title in 2" in said
    assert answer(fresh, DUCKDB, project, pins, titles) == [("Record 1",), ("Record 2",)]

    gold = project / "models" / "gold" / "dim_products.sql"
    gold.write_text(gold.read_text(encoding="utf-8").replace("product_id::TEXT AS", "NULL::TEXT AS"), "utf-8")
    failed = review(fresh, "pr-7", DUCKDB, project, pins)
    assert "**Nothing was built to its end:** The audit not_null" in failed.markdown()


def test_a_new_column_is_seen_in_the_comparison(fresh: Settings, project: Path, pins: dict[str, Pin]) -> None:
    apply(fresh, "prod", "duckdb", project, pins)
    model = project / "models" / "gold" / "dim_products.sql"
    sql = model.read_text(encoding="utf-8")
    model.write_text(sql.replace("  title::TEXT AS title,", "  1::INT AS one,\n  title::TEXT AS title,"), "utf-8")
    apply(fresh, "dev", "duckdb", project, pins)
    (only,) = diff(fresh, "dev", "duckdb", project, pins).models
    assert (only.model, only.table.columns_added, only.table.columns_removed) == ("gold.dim_products", ("one INT",), ())
    assert (only.table.rows, only.table.added, only.table.removed, only.table.changed) == (2, 0, 0, 0)


def test_a_project_on_duckdb_is_itself_again_after_one_on_snowflake(fresh: Settings, project: Path) -> None:
    with open_gateway(fresh, DUCKDB, project, {}) as context:
        before = set(context.models)
    with open_gateway(fresh, "snowflake", project) as context:
        assert all(name == name.upper() for name in context.models)
    with open_gateway(fresh, DUCKDB, project, {}) as context:
        assert set(context.models) == before


def test_a_gateway_that_does_not_exist_is_named_with_those_that_do(fresh: Settings) -> None:
    with pytest.raises(UnknownNameError, match="There is no gateway 'oracle'; there is duckdb, snowflake"):
        plan(fresh, "dev", "oracle")

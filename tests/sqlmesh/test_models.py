"""Every model is documented, owned, audited, unit-tested and written so that another warehouse can read it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlglot import ErrorLevel, exp

from lake.contracts import gold_contract
from lake.keys import Rule
from lake.models import read_models
from lake.settings import Settings
from lake.warehouse import GOLD, PROJECT, bronze_columns, gold_tables, open_project

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    alone = Settings(_env_file=None, state_dir=Path(tmp_path_factory.mktemp("alone")))
    with open_project(alone, {}, unit_tests=True) as context:
        yield context


@pytest.fixture(scope="module")
def models(project: Any) -> list[Any]:
    return [model for model in project.models.values() if not model.kind.is_external]


def test_every_model_says_what_it_is_whose_it_is_and_what_a_row_is(models: list[Any]) -> None:
    assert len(models) > 20
    assert [model.name for model in models if not (model.description and model.owner and model.grains)] == []


def test_every_column_has_a_comment_and_a_type(models: list[Any]) -> None:
    bare = [
        f"{model.name}.{column}"
        for model in models
        for column, kind in model.columns_to_types.items()
        if not model.column_descriptions.get(column) or kind.is_type("unknown")
    ]
    assert bare == []


def test_a_models_fingerprint_is_the_same_in_every_process(models: list[Any]) -> None:
    values = [
        (model.name, name, value.payload)
        for model in models
        for name, value in model.python_env.items()
        if value.is_value
    ]
    assert [name for _, name, _ in values].count("NOT_THEIRS") > 1
    assert [value for value in values if isinstance(ast.parse(value[2], mode="eval").body, ast.Set | ast.Call)] == []


def test_every_model_has_two_audits(models: list[Any]) -> None:
    assert [model.name for model in models if len(model.audits_with_args) < 2] == []


def test_every_model_has_a_unit_test(models: list[Any]) -> None:
    files = [yaml.safe_load(file.read_text()) for file in PROJECT.glob("tests/*.yaml")]
    tested = {test["model"] for file in files for test in file.values()}
    assert {model.name for model in models if not model.kind.is_seed} == tested


def test_the_unit_tests_pass(project: Any) -> None:
    result = project.test()
    assert result.testsRun > 20
    assert result.wasSuccessful()


def test_the_models_are_formatted(project: Any) -> None:
    assert project.format(check=True)


def test_gold_is_published_by_the_grain_that_its_models_have(models: list[Any]) -> None:
    grains = {model.view_name: model for model in models if model.schema_name == "gold"}
    assert sorted(grains) == gold_tables()
    for table, columns in GOLD.items():
        named = [column.name for grain in grains[table].grains for column in grain.find_all(exp.Column)]
        assert tuple(named) == columns


def test_money_is_a_decimal_of_18_digits(models: list[Any]) -> None:
    wrong = [
        f"{model.name}.{name} {kind}"
        for model in models
        for name, kind in model.columns_to_types.items()
        if kind.is_type("decimal", "double", "float")
        and str(kind) != ("DECIMAL(18, 6)" if name == "rate" else "DECIMAL(18, 2)")
    ]
    assert wrong == []


def test_no_model_reads_the_clock(models: list[Any]) -> None:
    clock = re.compile(r"\b(current_date|current_timestamp|now\(|today\()|@(execution|start|end)_")
    texts = {model.name: model.query.sql("duckdb").lower() for model in models if not model.kind.is_seed}
    assert [name for name, text in texts.items() if clock.search(text)] == []


def test_a_model_built_by_key_says_where_each_input_holds_it(models: list[Any]) -> None:
    rules = [(model, rule) for model in models if (rule := Rule.of(model)) is not None]
    assert len(rules) > 30
    for model, rule in rules:
        assert rule.inputs <= {name.replace('"', "").removeprefix("warehouse.") for name in model.depends_on}
        assert set(rule.key) <= set(model.columns_to_types)
        assert {len(said) for said in rule.follows.values()} == {len(rule.key)}


def test_every_bronze_table_that_a_model_reads_is_declared(models: list[Any]) -> None:
    read = {name.replace('"', "") for model in models for name in model.depends_on if '"bronze"' in name}
    assert read == {f"lake.bronze.{table}" for table in bronze_columns()}


def test_every_model_can_be_said_in_snowflakes_words(models: list[Any]) -> None:
    for model in models:
        if not model.kind.is_seed:
            assert model.render_query_or_raise().sql("snowflake", unsupported_level=ErrorLevel.RAISE)


def test_the_files_read_without_sqlmesh_say_what_sqlmesh_reads_in_them(models: list[Any]) -> None:
    ours = read_models()
    theirs = {model.name: model for model in models if not model.kind.is_seed}
    assert ours.keys() == theirs.keys()
    for name, model in theirs.items():
        kinds = {column: kind.sql("duckdb") for column, kind in model.columns_to_types.items()}
        assert ours[name].types == kinds, name
        grain = [column.name for one in model.grains for column in one.find_all(exp.Column)]
        assert list(ours[name].grain) == grain, name
        reads = {table.replace('"', "") for table in model.depends_on}
        known = {".".join(table.split(".")[-2:]) if "lake." not in table else table for table in reads}
        assert ours[name].reads - {"silver.currencies"} == known - {name, "silver.currencies"}, name


def test_every_gold_table_has_a_contract_of_its_columns_and_its_key() -> None:
    for table in gold_tables():
        rules = gold_contract(read_models()[f"gold.{table}"]).rules
        assert "schema" in rules
        assert f"unique({', '.join(GOLD[table])})" in rules

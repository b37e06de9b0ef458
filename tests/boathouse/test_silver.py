"""Models that were written from a bronze table load, are in the house's form and pass the tests written with them."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyiceberg import types as iceberg
from pyiceberg.schema import Schema
from sqlglot import ErrorLevel

from boathouse.silver import Column, columns_of, write_models
from lake.errors import SettingError
from lake.settings import Settings
from lake.snowflake_bronze import _type
from lake.warehouse import PROJECT, bronze_columns, open_project

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported
KINDS: dict[str, iceberg.IcebergType] = {
    "id": iceberg.LongType(),
    "order": iceberg.StringType(),
    "paid": iceberg.BooleanType(),
    "price": iceberg.DecimalType(10, 2),
    "weight": iceberg.DoubleType(),
    "day": iceberg.DateType(),
    "at": iceberg.TimestamptzType(),
    "seen": iceberg.TimestampType(),
    "picture": iceberg.BinaryType(),
    "_op": iceberg.StringType(),
}


class Table:
    """Stands in for a table in the catalogue, of which only the schema counts."""

    def schema(self) -> Schema:
        fields = [
            iceberg.NestedField(number, name, kind, doc=f"Postgres {kind}" if name != "id" else None)
            for number, (name, kind) in enumerate(KINDS.items(), 1)
        ]
        return Schema(*fields)


def test_written_models_pass_their_own_tests_in_the_houses_form(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".cache", "logs"))
    columns = columns_of(Table())  # type: ignore[arg-type]
    new = write_models(project, "public_baskets", columns, ["id", "order"])
    assert [file.name for file in new] == [
        "stg_public_baskets.sql",
        "stg_public_baskets_versions.sql",
        "test_stg_public_baskets.yaml",
        "external_models.yaml",
    ]
    assert write_models(project, "public_baskets", columns, ["id", "order"]) == []
    kinds = bronze_columns(project)["pg_public_baskets"]
    assert [_type(kinds[name]) for name in ("price", "day", "picture")] == ["NUMBER(10, 2)", "DATE", "BINARY"]

    alone = Settings(_env_file=None, state_dir=tmp_path / "state")
    with open_project(alone, {}, project, unit_tests=True) as context:
        result = context.test(match_patterns=["*test_stg_public_baskets*"])
        assert (result.testsRun, result.wasSuccessful()) == (2, True)
        assert context.format(check=True)
        for suffix in ("", "_versions"):
            model = context.get_model(f"silver.stg_public_baskets{suffix}", raise_if_missing=True)
            assert model.render_query_or_raise().sql("snowflake", unsupported_level=ErrorLevel.RAISE)
            assert len(model.audits_with_args) == 2


def test_a_table_without_its_key_gets_no_models(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no key column"):
        write_models(tmp_path, "public_log", [Column("line", "text", "line")], ["id"])


class Prices(Table):
    """A table whose key has dates, of which one was infinite by now."""

    def schema(self) -> Schema:
        kinds = {"id": iceberg.LongType(), "until": iceberg.DateType(), "until__text": iceberg.StringType()}
        fields = [iceberg.NestedField(number, name, kind) for number, (name, kind) in enumerate(kinds.items(), 1)]
        return Schema(*fields)


def test_models_tell_infinite_keys_apart(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".cache", "logs"))
    columns = columns_of(Prices())  # type: ignore[arg-type]
    write_models(project, "public_prices", columns, ["id", "until"])
    write_models(project, "public_days", columns, ["until"])
    rows = [
        {"id": 1, "until": until, "until__text": text}
        for until, text in (("2026-01-01", None), (None, "infinity"), (None, "-infinity"))
    ]
    ours = {"_op": "r", "_commit_lsn": 1, "_ordinal": 0, "_commit_at": "2026-01-01 12:00:00+00", "_load_id": "a"}
    story = {
        "model": "silver.stg_public_prices",
        "inputs": {"lake.bronze.pg_public_prices": {"rows": [row | ours for row in rows]}},
        "outputs": {"query": {"rows": rows}},
    }
    (project / "tests" / "test_infinity.yaml").write_text(yaml.safe_dump({"test_infinity": story}))

    alone = Settings(_env_file=None, state_dir=tmp_path / "state")
    with open_project(alone, {}, project, unit_tests=True) as context:
        result = context.test(match_patterns=["*test_infinity*", "*test_stg_public_*"])
        assert (result.testsRun, result.wasSuccessful()) == (5, True)
        assert context.format(check=True)
        ask = context.engine_adapter.fetchone
        context.engine_adapter.execute("CREATE SCHEMA silver")
        for name in ("prices", "days"):
            model = context.get_model(f"silver.stg_public_{name}", raise_if_missing=True)
            checks: list[tuple[Any, Any]] = model.audits_with_args
            audits = [model.render_audit_query(audit, **given) for audit, given in checks]
            context.engine_adapter.execute(
                f"CREATE TABLE {model.fqn} AS FROM (VALUES (1, DATE '2026-01-01', NULL), (1, NULL, 'infinity'),"
                " (1, NULL, '-infinity')) AS rows(id, until, until__text)"
            )
            assert [ask(audit) for audit in audits] == [None] * len(audits)
            context.engine_adapter.execute(f"INSERT INTO {model.fqn} VALUES (1, NULL, NULL)")
            assert any(ask(audit) for audit in audits)

"""Models that were written from a bronze table load, are in the house's form and pass the tests written with them."""

import shutil
from pathlib import Path

import pytest
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

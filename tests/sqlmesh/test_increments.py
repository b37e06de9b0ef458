"""An incremental build gives what a full one gives, bit for bit, in every model and after whatever happened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from lake.catalogue import ensure_table
from lake.settings import Settings
from lake.transforms import transform
from lake.warehouse import PROJECT, WAREHOUSE, bronze_columns
from tests.sqlmesh.conftest import Bronze
from tests.sqlmesh.documents import changes_of, documents_of

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported
Tables = dict[str, pa.Table]
MODELS = sorted(
    f"{path.parent.name}.{path.stem}" for layer in ("silver", "gold") for path in PROJECT.glob(f"models/{layer}/*.sql")
)


def day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


def tables_of(settings: Settings) -> Tables:
    with duckdb.connect(str(settings.state_dir / WAREHOUSE), read_only=True) as connection:
        return {model: connection.execute(f"SELECT * FROM {model}").to_arrow_table() for model in MODELS}


def load_changes(bronze: Bronze, table: str, rows: Any) -> None:
    target = ensure_table(bronze.catalogue, f"{bronze.namespace}.{table}", rows.schema)
    target.append(rows)


@pytest.fixture(scope="module")
def built(
    settings: Settings,
    state_in: Callable[[Path], Path],
    built_in: Callable[[Path], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Tables, Tables]:
    """A shop told in three loads: the first documents, then late and changed ones, then deletions and truncations."""
    folder = tmp_path_factory.mktemp("increments")
    kept = settings.model_copy(update={"state_dir": built_in(folder / "kept")})
    anew = settings.model_copy(update={"state_dir": state_in(folder / "anew")})
    bronze, told = Bronze(settings), documents_of(folder)
    numbers = {
        f"{one}_id": [key.split("/")[-1] for key in told[f"shopify_{one}s"]] for one in ("order", "customer", "product")
    }
    changes = [table for table in bronze_columns() if table.startswith("pg_")]

    for table, documents in told.items():
        some = list(documents.items())[: 2 * len(documents) // 3 or 1]
        bronze.load(table, [(key, day(2), document) for key, document in some])
    for table in changes:
        load_changes(bronze, table, changes_of(table, range(6), "r", 1, numbers))
    transform(kept, bronze.pins())

    for table, documents in told.items():
        keys = list(documents)
        late = [(key, day(2), documents[key]) for key in keys[2 * len(keys) // 3 :]]
        swapped = [(keys[0], day(3), documents[keys[1]]), (keys[1], day(3), documents[keys[0]])] if keys[1:] else []
        outdone = [(keys[2], day(1), documents[keys[0]])] if keys[2:] else []
        bronze.load(table, [*late, *swapped, *outdone])
    for table in changes:
        load_changes(bronze, table, changes_of(table, range(2), "u", 2, numbers))
        load_changes(bronze, table, changes_of(table, range(2, 3), "d", 3, numbers))
    transform(kept, bronze.pins())

    for table, documents in told.items():
        gone = [key for key in list(documents)[3:5] if table != "shopify_shop"]
        bronze.load(table, [(key, day(4), None) for key in gone])
    for table in changes[:-1]:
        load_changes(bronze, table, changes_of(table, range(4, 5), "u", 4, numbers))
    load_changes(bronze, changes[-1], changes_of(changes[-1], range(1), "t", 4, numbers))
    load_changes(bronze, changes[-1], changes_of(changes[-1], range(2, 8), "c", 5, numbers))
    transform(kept, bronze.pins())
    transform(anew, bronze.pins())
    return tables_of(kept), tables_of(anew)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_brought_up_to_date_equals_one_built_whole(built: tuple[Tables, Tables], model: str) -> None:
    kept, anew = (tables[model] for tables in built)
    with duckdb.connect() as connection:
        for one, other in (("kept", "anew"), ("anew", "kept")):
            differing = connection.execute(f"SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other}").fetchall()
            assert differing == []
    assert kept.schema == anew.schema
    assert anew.num_rows

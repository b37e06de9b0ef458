"""Debezium's events out of a real broker, tried in an environment that has Kafka's client."""

import json
import shutil
import subprocess
from uuid import uuid4

from lake.catalogue import open_catalogue
from lake.handover import dump
from lake.proofs import prove
from lake.settings import Settings
from tests.streams.conftest import make_warehouse
from tests.streams.test_kafka import WITH


def test_events_land_once_however_often_they_are_read(settings: Settings) -> None:
    uv = shutil.which("uv")
    assert uv is not None
    name = f"lake-{uuid4().hex[:12]}"
    make_warehouse(settings, name)
    own = settings.model_copy(update={"catalog_warehouse": f"s3://{name}/"})
    command = [uv, "run", *WITH, "python", "-m", "tests.pipelines.debezium.trial"]
    tried = subprocess.run(command, input=dump(own) + "\n", capture_output=True, text=True, timeout=300)
    assert tried.stdout, tried.stderr
    told = json.loads(tried.stdout.splitlines()[-1])
    assert (told["first"], told["again"]) == ({"pg_public_stock": 4}, {})
    assert "debezium.landed" in told["failed"]
    assert (sum(told["after"].values()), told["last"]) in ((1, {}), (2, {}))
    rows = sorted(told["rows"]["stock"], key=lambda row: (row["_commit_lsn"], row["_ordinal"]))
    assert [(row["_op"], row["sku"], row["pieces"] or row["pieces_before"], row["_unchanged"]) for row in rows] == [
        ("r", "a", 1, []),
        ("r", "b", 2, []),
        ("u", "a", 3, ["note"]),
        ("d", "b", None, []),
        ("c", "c", 5, []),
        ("c", "d", 6, []),
        ("u", "c", "five", []),
    ]
    assert sorted(row["id"] for row in told["rows"]["other"]) == [1, 2]
    (landed, stopped), (again, still) = told["misfit"], told["still"]
    assert (landed, again, told["mended"]) == ({"pg_public_other": 1}, {}, {"pg_public_stock": 1})
    assert stopped == still
    assert "Column pieces of pg_public_stock changed its type" in stopped["pg_public_stock"]
    proofs = prove(own, open_catalogue(own))
    assert sorted((proof.landed_count, proof.agrees) for proof in proofs) == [(1, True)] * 3 + [(2, True), (4, True)]

"""The hash that a load claims is the one that the proof computes from what landed."""

from collections.abc import Callable

import duckdb
import pyarrow as pa
import pytest

from lake.proofs import hash_sql
from pipelines.postgres import hashing
from pipelines.postgres.claims import batch_hash
from pipelines.postgres.compiling import PLAIN, Loops, compiled

# MD5 takes 64 bytes at a time: with 55 bytes a text and what follows it fill one block, with 56 they need another.
TEXTS = [None, "", "a", "é" * 100, "x" * 55, "x" * 56, "x" * 64, "\x1f", "-0"]
NUMBERS = [-(2**63), 2**63 - 1, 0, None, -1, 10, 99, -100, 10**18]


@pytest.mark.parametrize("choose", [lambda: PLAIN, compiled], ids=["plain", "compiled"])
@pytest.mark.parametrize("identity", ["k,n,i", "n", "k", "i,k"])
def test_a_claim_is_the_hash_of_the_proof(
    monkeypatch: pytest.MonkeyPatch, choose: Callable[[], Loops], identity: str
) -> None:
    monkeypatch.setattr(hashing, "loops", lambda _: choose())
    columns = {"k": pa.array(TEXTS * 3), "n": pa.array(NUMBERS * 3), "i": pa.array(range(27), pa.int32())}
    rows = pa.table(columns).slice(1)
    (proven,) = duckdb.sql(f"SELECT {hash_sql(identity)} FROM rows").fetchall()
    assert batch_hash(rows, identity) == proven[0]
    assert batch_hash(rows.slice(0, 20), identity) != proven[0]
    assert batch_hash(rows.slice(0, 0), identity) == "0" * 16

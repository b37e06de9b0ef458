"""What the machine can do at best: fetch the pages and nothing else, or read them from a file into Parquet."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import duckdb
import httpx
import msgspec
import pyarrow as pa

CHECKSUM = "(sum(md5_number_lower(id)) % 18446744073709551616)::VARCHAR"


class _Node(msgspec.Struct, gc=False):
    id: str


class _Edge(msgspec.Struct, gc=False):
    node: _Node


class _Orders(msgspec.Struct):
    edges: list[_Edge]


class _Data(msgspec.Struct):
    orders: _Orders


class _Body(msgspec.Struct):
    data: _Data


class _Info(msgspec.Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None


decode_body = msgspec.json.Decoder(_Body).decode
decode_info = msgspec.json.Decoder(_Info).decode


def fetch(told: dict[str, str]) -> dict[str, object]:
    """Fetch every page and read no more of it than where the next one is; a second time, to see what was fetched."""
    began = time.monotonic()
    size = sum(map(len, _pages(told["url"])))
    seconds = time.monotonic() - began
    ids: list[str] = []
    for page in _pages(told["url"]):
        size -= len(page)
        ids += [edge.node.id for edge in decode_body(page).data.orders.edges]
    with duckdb.connect() as connection:
        held = pa.table({"id": ids})  # noqa: F841  (DuckDB reads it by its name)
        found = connection.execute(f"SELECT count(*), {CHECKSUM} FROM held").fetchone()
    assert found is not None
    # Of other bytes than those that were timed, other rows are told.
    rows = found[0] if size == 0 else 0
    return {"seconds": seconds, "rows": rows, "checksum": found[1], "version": f"httpx {version('httpx')}"}


def _pages(url: str) -> Iterator[bytes]:
    with httpx.Client(base_url=url) as http:
        more, after = True, None
        while more:
            content = {"query": "{ orders(first: 250) }", "variables": {"after": after}}
            page = http.post("/", json=content).content
            yield page
            # The page information stands at a page's end.
            at = page.index(b"{", page.rindex(b'"pageInfo"'))
            info = decode_info(page[at : page.index(b"}", at) + 1])
            more, after = info.has_next_page, info.end_cursor


def read_json(told: dict[str, str]) -> dict[str, object]:
    """Have DuckDB read the orders from a file of JSON lines into a Parquet file."""
    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "orders.parquet"
        began = time.monotonic()
        connection.execute(f"COPY (SELECT * FROM read_json('{told['orders']}')) TO '{file}' (COMPRESSION zstd)")
        seconds = time.monotonic() - began
        found = connection.execute(f"SELECT count(*), {CHECKSUM} FROM '{file}'").fetchone()
    assert found is not None
    return {"seconds": seconds, "rows": found[0], "checksum": found[1], "version": f"duckdb {version('duckdb')}"}


if __name__ == "__main__":
    print(json.dumps({"fetch": fetch, "read_json": read_json}[sys.argv[1]](json.loads(sys.stdin.read()))))

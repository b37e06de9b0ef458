"""What the machine can do at best: fetch the pages and nothing else, or read them from a file into Parquet."""

import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import duckdb
import httpx
import msgspec

CHECKSUM = "(sum(md5_number_lower(id)) % 18446744073709551616)::VARCHAR"


class _Node(msgspec.Struct):
    id: str


class _Edge(msgspec.Struct):
    node: _Node


class _Info(msgspec.Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None


class _Orders(msgspec.Struct, rename="camel"):
    edges: list[_Edge]
    page_info: _Info


class _Data(msgspec.Struct):
    orders: _Orders


class _Body(msgspec.Struct):
    data: _Data


def fetch(told: dict[str, str]) -> dict[str, object]:
    """Fetch every page and read no more of it than where the next one is; the ids are counted afterwards."""
    decode = msgspec.json.Decoder(_Body).decode
    pages: list[bytes] = []
    began = time.monotonic()
    with httpx.Client(base_url=told["url"]) as http:
        after: str | None = None
        while True:
            content = {"query": "{ orders(first: 250) }", "variables": {"after": after}}
            pages.append(http.post("/", json=content).content)
            # The page information stands at a page's end.
            info = msgspec.json.decode(
                b"{" + pages[-1][pages[-1].rindex(b'"pageInfo"') : -3] + b"}", type=_Tail
            ).page_info
            if not info.has_next_page:
                break
            after = info.end_cursor
    seconds = time.monotonic() - began
    ids = [(edge.node.id,) for page in pages for edge in decode(page).data.orders.edges]
    with duckdb.connect() as connection:
        listed = [one for (one,) in ids]
        found = connection.execute(f"SELECT count(*), {CHECKSUM} FROM (SELECT unnest(?) AS id)", [listed]).fetchone()
    assert found is not None
    return {"seconds": seconds, "rows": found[0], "checksum": found[1], "version": f"httpx {version('httpx')}"}


class _Tail(msgspec.Struct, rename="camel"):
    page_info: _Info


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

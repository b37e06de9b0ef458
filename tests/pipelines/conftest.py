"""A vendor that a test can change, a lake of its own names, and the pull from one into the other."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from pydantic import SecretStr
from pyiceberg.catalog import Catalog

from boathouse.ingest import in_slices
from lake import failpoints
from lake.catalogue import ensure_namespaces, ensure_table, find_table, open_catalogue
from lake.commits import Mark, commit_once
from lake.documents import SCHEMA
from lake.proofs import open_disagreements, order_free_hash, prove
from lake.settings import Settings
from pipelines import shopify, stripe
from pipelines.documents import Load
from pipelines.loads import Loaded, cursors, known_documents, run_load
from tests.pipelines.vendor import Vendor
from tests.streams.conftest import make_warehouse

SOURCES: dict[str, tuple[Any, tuple[str, ...], str]] = {
    "shopify": (shopify.shopify_source, shopify.TABLES, shopify.WRITER),
    "stripe": (stripe.stripe_source, stripe.TABLES, stripe.WRITER),
}


@dataclass
class Lake:
    """The bronze of one test, and the pulls into it."""

    settings: Settings
    catalogue: Catalog

    def pull(self, name: str) -> Loaded:
        """Load one source as the command line does."""
        make, tables, writer = SOURCES[name]
        with known_documents(self.settings, self.catalogue) as known:

            def source(load: Load) -> Any:
                return make(self.settings, load, cursors(self.catalogue, tables, writer), known)

            def load() -> Loaded:
                return run_load(self.settings, self.catalogue, name, source)

            return in_slices(self.catalogue, load) if name == "stripe" else load()

    def deliver(self, name: str, identity: str, version: str) -> None:
        """Land a document as the fast lane does."""
        keys = {"id": identity, "version": version, "payload": "{}", "_op": "upsert", "_lane": "webhook"}
        row = keys | {"_api_version": "", "_received_at": datetime.now(UTC), "_load_id": f"webhook-{version}"}
        table = ensure_table(self.catalogue, f"bronze.{name}", SCHEMA, "_received_at")
        mark = Mark("webhook", f"webhook-{version}", "", 1, order_free_hash(pa.array([identity]), pa.array([version])))
        commit_once(table, [pa.Table.from_pylist([row], schema=SCHEMA)], mark)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Read a bronze table, by id and version."""
        table = find_table(self.catalogue, f"bronze.{name}")
        found = [] if table is None else table.scan().to_arrow().to_pylist()
        return sorted(found, key=lambda row: (row["id"], row.get("version", "")))

    def payloads(self, name: str) -> list[Any]:
        return [json.loads(row["payload"]) for row in self.rows(name)]

    def keys(self, name: str) -> list[tuple[str, str]]:
        """Give the end of each id and its version's minutes."""
        return [(row["id"].rsplit("/", 1)[-1], row["version"][14:16]) for row in self.rows(name)]

    def cursor(self, name: str, source: str) -> str:
        return cursors(self.catalogue, [name], SOURCES[source][2]).get(name, "")

    def disagreements(self) -> list[tuple[object, object, object]]:
        """Prove all loads, and give table, what the source said and what landed of those that disagree."""
        prove(self.settings, self.catalogue)
        wrong = open_disagreements(self.catalogue)
        return [(row["table"], row["source_count"], row["landed_count"]) for row in wrong]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def open_lake(settings: Settings, tmp_path: Path) -> Callable[[str], Lake]:
    """Open an empty lake whose sources are at an address."""

    def opened(url: str) -> Lake:
        name = f"lake-{uuid4().hex[:12]}"
        make_warehouse(settings, name)
        own = settings.model_copy(
            update={
                "state_dir": tmp_path / "state",
                "catalog_warehouse": f"s3://{name}/",
                "shopify_shop": "my-shop",
                "shopify_url": url,
                "shopify_access_token": SecretStr("shpat_secret"),
                "stripe_url": url,
                "stripe_api_key": SecretStr("sk_test_secret"),
            }
        )
        catalogue = open_catalogue(own)
        ensure_namespaces(catalogue)
        return Lake(own, catalogue)

    return opened


@pytest.fixture
def lake(open_lake: Callable[[str], Lake], vendor: Vendor) -> Lake:
    return open_lake(vendor.url)


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")

"""A misbehaving shop, a lake that loads from it, and the oracle that holds one against the other."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from tenacity import wait_none

from infra.sandbox import credentials
from infra.sandbox.ledger import digest
from lake.catalogue import ensure_namespaces, open_catalogue
from lake.settings import Settings
from pipelines.documents import Load
from pipelines.loads import Loaded, cursors, known_documents, run_load
from tests.pipelines.chaos.shop import Sandbox
from tests.pipelines.conftest import SOURCES, Lake
from tests.streams.conftest import make_warehouse

ORDERS = 60


@dataclass
class Scene:
    """A shop, and the lake that loads some tables of one vendor from it."""

    sandbox: Any
    lake: Lake
    vendor: str
    tables: tuple[str, ...]

    def pull(self) -> Loaded:
        """Load as the command line does, these tables only."""
        make, tables, writer = SOURCES[self.vendor]
        with known_documents(self.lake.settings, self.lake.catalogue) as known:

            def source(load: Load) -> Any:
                stand = cursors(self.lake.catalogue, tables, writer)
                made = make(self.lake.settings, load, stand, known)
                return made.with_resources(*self.tables, "quarantine")

            return run_load(self.lake.settings, self.lake.catalogue, self.vendor, source)

    def use_app(self) -> None:
        """Let the lake use the app's client id and secret in place of a static token."""
        app = {
            "shopify_access_token": None,
            "shopify_client_id": credentials.SHOPIFY_CLIENT_ID,
            "shopify_client_secret": SecretStr(credentials.SHOPIFY_CLIENT_SECRET),
        }
        self.lake.settings = self.lake.settings.model_copy(update=app)

    def wrong(self) -> list[str]:
        """Say what bronze lacks of the shop's truth, holds twice, or holds without the shop ever having had it."""
        return [fault for table in self.tables for fault in self._wrong(table)]

    def _wrong(self, table: str) -> Iterator[str]:
        rows = [row for row in self.lake.rows(table) if row["_lane"] != "webhook"]
        truth = {entry["id"]: entry for entry in self.sandbox.truth(table)}
        counted = Counter((row["id"], row["version"]) for row in rows)
        yield from (f"{table}: {key} is there {count} times" for key, count in counted.items() if count > 1)
        latest = {row["id"]: row for row in sorted(rows, key=lambda row: str(row["version"]))}
        yield from (f"{table}: {identity} was never there" for identity in latest.keys() - truth.keys())
        for identity, entry in truth.items():
            if identity not in latest:
                yield f"{table}: {identity} is lost"
            else:
                yield from (f"{table}: {identity} {fault}" for fault in differences(entry, latest[identity]))


def differences(entry: dict[str, Any], row: dict[str, Any]) -> Iterator[str]:
    """Say how a row differs from the ledger's entry: in version and lists (Shopify), or in content (Stripe)."""
    payload = json.loads(row["payload"])
    if "md5" in entry:
        if digest(payload) != entry["md5"]:
            yield f"isn't as the account has it, but of {row['version']}"
        return
    if row["version"] != entry["version"]:
        yield f"is of {row['version']}, not {entry['version']}"
    for name, length in entry.get("lists", {}).items():
        found = payload.get(name)
        listed = found.get("edges", found.get("nodes", [])) if isinstance(found, dict) else found
        if listed is not None and len(listed) != length:
            yield f"has {len(listed)} of {length} {name}"


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="session")
def warehouse(settings: Settings) -> str:
    """One warehouse for all scripts: the object store has room for some dozens of them only."""
    name = f"lake-{uuid4().hex[:12]}"
    make_warehouse(settings, name)
    return name


@pytest.fixture
def lake(settings: Settings, warehouse: str, server: Sandbox, tmp_path: Path) -> Iterator[Lake]:
    """A lake whose sources are the shop; it is empty, and emptied in the end."""
    own = settings.model_copy(
        update={
            "state_dir": tmp_path / "state",
            "catalog_warehouse": f"s3://{warehouse}/",
            "shopify_shop": credentials.SHOP,
            "shopify_url": server.url,
            "shopify_access_token": SecretStr(credentials.SHOPIFY_ACCESS_TOKEN),
            "stripe_url": server.url,
            "stripe_api_key": SecretStr(credentials.STRIPE_API_KEY),
        }
    )
    catalogue = open_catalogue(own)
    ensure_namespaces(catalogue)
    yield Lake(own, catalogue)
    for name in catalogue.list_tables("bronze"):
        catalogue.drop_table(name)


@pytest.fixture
def scene(server: Sandbox, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scene]:
    """Set a scene with some tables of a vendor: a new shop, the lake, small pages, and no waiting between tries."""
    monkeypatch.setattr("pipelines.vendor.wait_exponential_jitter", lambda **_: wait_none())
    monkeypatch.setattr("pipelines.stripe.api.PAGE", 20)

    def set_scene(vendor: str, tables: tuple[str, ...]) -> Scene:
        server.renew(ORDERS, tmp_path / "sandbox")
        return Scene(server, lake, vendor, tables)

    return set_scene

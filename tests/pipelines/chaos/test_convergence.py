"""Whatever becomes of the webhooks, after one repair every object is folded from bronze just as the source holds it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from infra.sandbox.ledger import digest
from lake.bus import Event
from lake.catalogue import ensure_table, find_table
from lake.commits import Mark, commit_once
from lake.documents import LATEST, SCHEMA
from lake.pins import pin_tables
from lake.settings import Settings
from lake.transforms import transform
from lake.warehouse import WAREHOUSE
from pipelines.repair import TABLES, difference, repair
from pipelines.stripe.api import Stripe
from pipelines.stripe.resources import RESOURCES
from streams.documents import documents_of
from streams.rows import DAY, Rows
from tests.pipelines.chaos.conftest import Scene

EXAMPLES = 2
PATHS = {"/webhooks/shopify": "shopify", "/webhooks/stripe": "stripe"}
# What is edited in the shop, and the topics of the webhooks that tell of it.
EDITED = {
    f"shopify_{topic}": topic for topic in ("products", "inventory_items", "inventory_levels", "locations", "discounts")
}
# What sales, changes and edits reach; the other objects are repaired and compared in the end.
MOVED = {
    "shopify": ("shopify_orders", "shopify_customers", *EDITED),
    "stripe": ("stripe_events", "stripe_customers", "stripe_charges", "stripe_refunds", "stripe_balance_transactions"),
}
FOLD = (
    "SELECT id, version, payload FROM rows QUALIFY"
    f" row_number() OVER (PARTITION BY id ORDER BY {LATEST}) = 1 AND _op <> 'delete'"
)


def suffer(random: Random, webhooks: list[Any], late: list[Any]) -> list[Any]:
    """Lose some webhooks, repeat some, keep some for later, and give the rest with some late ones in any order."""
    come = [one for one in late if random.random() < 0.5]
    late[:] = [one for one in late if one not in come]
    for one in webhooks:
        fate = random.random()
        if fate < 0.2:
            late.append(one)
        elif fate > 0.45:
            come += [one] * random.randint(1, 3)
    random.shuffle(come)
    return come


def land(there: Scene, webhooks: list[Any], load_id: str) -> None:
    """Land webhooks as the fast lane does, in the order given."""
    gathered: dict[str, Rows] = {}
    for one in webhooks:
        event = Event(PATHS[one["path"]], one["topic"], "", datetime.now(UTC), one["body"].encode())
        for document in documents_of(event):
            if one.get("made") and document.table == "stripe_events":
                # The account has no such event.
                continue
            gathered.setdefault(document.table, Rows()).add(document, event)
    for name, rows in gathered.items():
        table = ensure_table(there.lake.catalogue, f"bronze.{name}", SCHEMA, DAY)
        commit_once(table, [rows.arrow(load_id)], Mark("webhook", load_id, "", rows.tally.count, rows.tally.hash))


def mend(there: Scene, tables: tuple[str, ...]) -> None:
    """Repair tables once, whole."""
    for name in tables:
        repair(
            there.lake.settings, there.lake.catalogue, difference(there.lake.settings, there.lake.catalogue, name, "")
        )


def unequal(there: Scene, tables: tuple[str, ...]) -> list[str]:
    """Name the documents in which the fold of bronze and the source differ."""
    return [f"{name}: {identity}" for name in tables for identity in differing(there, name)]


def differing(there: Scene, name: str) -> Iterator[str]:
    truth = {entry["id"]: entry.get("md5", entry["version"]) for entry in there.sandbox.truth(name)}
    table = find_table(there.lake.catalogue, f"bronze.{name}")
    found: dict[str, str] = {}
    if table is not None:
        rows = table.scan().to_arrow()  # noqa: F841  (DuckDB reads it by its name)
        for identity, version, payload in duckdb.sql(FOLD).fetchall():
            found[identity] = digest(json.loads(payload)) if name.startswith("stripe_") else version
    yield from sorted(one for one in truth.keys() | found.keys() if truth.get(one) != found.get(one))


def edit(there: Scene, random: Random) -> list[dict[str, Any]]:
    """Save one document of each kind or delete it, and give the webhooks that Shopify sends of that."""
    told = []
    for table, topic in EDITED.items():
        identity = random.choice(there.sandbox.truth(table))["id"]
        how, happening = random.choice([("save", "update"), ("save", "update"), ("delete", "delete")])
        there.sandbox.http.post(f"/sandbox/{how}", json={"id": identity.partition("?")[0]}).raise_for_status()
        body = {"admin_graphql_api_id": identity}
        versions = {entry["id"]: entry["version"] for entry in there.sandbox.truth(table)}
        if identity in versions:
            body["updated_at"] = versions[identity]
        told.append({"path": "/webhooks/shopify", "topic": f"{topic}/{happening}", "body": json.dumps(body)})
    return told


def tell(there: Scene, random: Random) -> list[dict[str, Any]]:
    """Give Stripe's webhooks of an object of each kind that sales don't reach, some of them as it was before."""
    told = []
    for resource in RESOURCES:
        if resource.table not in MOVED["stripe"]:
            identity = random.choice(there.sandbox.truth(resource.table))["id"]
            client = Stripe(there.lake.settings)
            found = json.loads(client.find(resource.path, identity) or b"{}")
            client.close()
            found |= random.choice([{}, {"metadata": {"before": "yes"}}])
            at = int(datetime.now(UTC).timestamp()) - random.randint(0, 9)
            event = {
                "id": f"evt_{uuid4().hex}",
                "object": "event",
                "created": at,
                "type": f"{resource.kind}.updated",
            }
            body = json.dumps(event | {"data": {"object": found}, "livemode": False})
            told.append({"path": "/webhooks/stripe", "topic": event["type"], "body": body, "made": "yes"})
    return told


def converge(there: Scene, examples: int) -> None:
    """Change the shop, let its webhooks suffer, repair what moved and hold it against the truth, some times over."""
    late: list[Any] = []

    # The shop and its lake go on from one example to the next, so none is run again to find a smaller one.
    @hypothesis(
        max_examples=examples,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(random=st.randoms(use_true_random=False))
    def one_repair_is_enough(random: Random) -> None:
        told = there.sandbox.write(orders=random.randint(4, 9), changes=random.randint(0, 4))
        mine = [one for one in told if PATHS[one["path"]] == there.vendor]
        mine += edit(there, random) if there.vendor == "shopify" else tell(there, random)
        land(there, suffer(random, mine, late), f"webhook-{uuid4().hex}")
        if there.vendor == "shopify":
            gone = random.choice(there.sandbox.truth("shopify_orders"))["id"]
            there.sandbox.http.post("/sandbox/delete", json={"id": gone}).raise_for_status()
        mend(there, MOVED[there.vendor])
        assert unequal(there, MOVED[there.vendor]) == []

    one_repair_is_enough()


@pytest.mark.parametrize("vendor", ["shopify", "stripe"])
def test_after_one_repair_the_fold_of_every_object_is_the_sources_truth(
    scene: Callable[..., Scene], vendor: str
) -> None:
    there = scene(vendor, TABLES[vendor])
    there.pull()
    converge(there, EXAMPLES)
    mend(there, tuple(name for name in TABLES[vendor] if name not in MOVED[vendor]))
    assert unequal(there, TABLES[vendor]) == []


def test_after_a_repair_silver_is_what_a_pull_of_everything_makes_of_the_source(
    scene: Callable[..., Scene], built_in: Callable[[Path], Path]
) -> None:
    shopify = scene("shopify", TABLES["shopify"])
    stripe = replace(shopify, vendor="stripe", tables=TABLES["stripe"])
    settings, catalogue = shopify.lake.settings, shopify.lake.catalogue
    built_in(settings.state_dir)
    for there in (shopify, stripe):
        # Nothing was ever pulled.
        converge(there, EXAMPLES)
    # Selling on at one vendor changes what the other holds, too.
    for there in (shopify, stripe):
        mend(there, there.tables)
    transform(settings, pin_tables(catalogue, "bronze"))
    repaired = {name: shown(settings, name) for name in (*shopify.tables, *stripe.tables)}
    for table in catalogue.list_tables("bronze"):
        catalogue.drop_table(table)
    for there in (shopify, stripe):
        there.pull()
    transform(settings, pin_tables(catalogue, "bronze"))
    for there in (shopify, stripe):
        for name in there.tables:
            assert len(repaired[name]) == len(there.sandbox.truth(name)), name
            assert repaired[name] == shown(settings, name), name


def shown(settings: Settings, name: str) -> set[tuple[Any, ...]]:
    """Read the rows that a table's silver model shows, without the columns that tell how they came."""
    with duckdb.connect(str(settings.state_dir / WAREHOUSE), read_only=True) as connection:
        columns = "COLUMNS(name -> NOT starts_with(name, '_'))"
        return set(connection.execute(f"SELECT {columns} FROM silver.stg_{name}").fetchall())

"""What the shop holds is exactly the data's, and everything invented follows from the seed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import psycopg
import pytest

from infra.sandbox.database import fill_database
from infra.sandbox.export import export
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.nodes import Nodes
from lake.errors import SourceError


def test_a_document_is_the_same_alone_and_in_any_page() -> None:
    one, other = Nodes(Shop(5, 1000)), Nodes(Shop(5, 1000))
    page = one.orders(np.arange(200, 400))
    assert other.orders(np.array([399, 250])) == [page[199], page[50]]
    assert other.customers(np.array([17]))[0]["email"] == one.customers(np.arange(20))[17]["email"]


def test_another_seed_invents_other_people() -> None:
    emails = [Nodes(Shop(seed, 50)).orders(np.arange(50))[0]["email"] for seed in (1, 2)]
    assert emails[0] != emails[1]


def test_line_items_sum_exactly_to_the_order() -> None:
    shop = Shop(1997)
    orders = shop.orders(np.arange(shop.order_count))
    lines = shop.lines(orders)
    assert (lines.first_units * lines.first_price + lines.second_units * lines.second_price == orders.cents).all()
    assert (lines.first_units + lines.second_units == orders.units).all()


@pytest.mark.parametrize("count", [1, 16, 17, 5000])
def test_synthetic_customers_add_up_to_the_orders(count: int) -> None:
    shop = Shop(3, count)
    orders = shop.orders(np.arange(count))
    customers = shop.customers(np.arange(shop.customer_count))
    assert (np.bincount(orders.customer, minlength=shop.customer_count) == customers.orders).all()
    assert customers.cents.sum() == orders.cents.sum()
    assert all(number in shop.content.orders_of(int(orders.customer[number])) for number in range(0, count, 97))


def test_a_hundred_million_orders_need_no_more_memory_than_few() -> None:
    script = """
import resource, numpy as np
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.nodes import Nodes
from infra.sandbox.stripe.lists import RESOURCES, page
from infra.sandbox.stripe.parameters import bounds
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
shop = Shop(1, 100_000_000)
Nodes(shop).orders(np.arange(99_999_000, 100_000_000))
page(shop, RESOURCES["charges"], bounds("limit=100&created[lt]=1700000000", ()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 60_000


def test_an_export_writes_every_document_once(tmp_path: Path) -> None:
    counts = export(Shop(9, 2500), tmp_path, {"shopify_orders": "{ orders { edges { node { id name } } } }"})
    assert counts["shopify_orders"] == counts["stripe_charges"] == 2500
    lines = (tmp_path / "shopify_orders.jsonl").read_text().splitlines()
    assert len(set(lines)) == 2500


@pytest.fixture
def shop_dsn(admin_dsn: str) -> str:
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS sandbox_filled")
        connection.execute("CREATE DATABASE sandbox_filled")
    return psycopg.conninfo.make_conninfo(admin_dsn, dbname="sandbox_filled")


def test_the_database_is_filled_once_and_its_stock_adds_up(shop_dsn: str) -> None:
    assert fill_database(shop_dsn, seed=1997)
    assert not fill_database(shop_dsn, seed=1997)
    with psycopg.connect(shop_dsn) as connection:
        sold, sales = connection.execute(
            "SELECT -sum(change), count(DISTINCT order_id) FROM shop.stock_movements WHERE reason = 'sale'"
        ).fetchone() or (0, 0)
        addresses = connection.execute("SELECT count(*) FROM shop.customer_addresses").fetchone()
        wrong = connection.execute(
            "SELECT count(*) FROM shop.stock FULL JOIN (SELECT sku, sum(change) AS moved, max(moved_at) AS last_moved "
            "FROM shop.stock_movements GROUP BY sku) AS movements USING (sku) "
            "WHERE on_hand IS DISTINCT FROM moved OR updated_at IS DISTINCT FROM last_moved OR on_hand < 0"
        ).fetchone()
    assert (sold, sales, addresses, wrong) == (167_881, 69_659, (23_570,), (0,))


def test_other_content_replaces_the_sandboxs_but_never_anybody_elses(shop_dsn: str) -> None:
    assert fill_database(shop_dsn, seed=1, orders=40)
    assert fill_database(shop_dsn, seed=1, orders=50)
    with psycopg.connect(shop_dsn) as connection:
        connection.execute("COMMENT ON SCHEMA shop IS 'mine'")
    with pytest.raises(SourceError, match="isn't the sandbox shop's"):
        fill_database(shop_dsn, seed=1, orders=40)

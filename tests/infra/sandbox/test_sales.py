"""The sales that a shop keeps: beside its past, through a restart, and until its database has heard of them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infra.sandbox.database import fill_database
from infra.sandbox.selling.busy import open_shop
from infra.sandbox.selling.client import parse_duration, parse_rate, sell
from infra.sandbox.selling.demand import next_sales
from infra.sandbox.selling.sales import Fate
from infra.sandbox.selling.truth import truth
from infra.sandbox.selling.warehouse import Warehouse
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.nodes import Nodes
from infra.sandbox.stripe.lists import RESOURCES, page
from infra.sandbox.stripe.parameters import bounds
from lake.errors import ServiceError, SettingError, SourceError
from tests.infra.sandbox.conftest import Start

NOON = 1_790_000_000


def trade(shop: Shop, count: int, at: int = NOON) -> None:
    """Sell some orders and let their fates meet them a minute later."""
    shop.sales.place(next_sales(shop, count, at))
    shop.sales.change([sale.number for sale in shop.sales.pending()], at + 60)


def documents(shop: Shop, orders: int) -> list[Any]:
    charges = page(shop, RESOURCES["charges"], bounds(f"limit=100&created[lt]={NOON}", ("customer",)))
    return [Nodes(shop).orders(np.arange(orders)), charges[0], shop.on_hand.tolist()]


def test_the_past_stays_as_it_was() -> None:
    shop = Shop(4, 200)
    before = documents(shop, 200)
    trade(shop, 50)
    assert documents(shop, 200) == before
    assert documents(Shop(4, 200), 200) == before


def test_the_same_seed_sells_the_same() -> None:
    one, other, third = Shop(4, 200), Shop(4, 200), Shop(5, 200)
    for shop in (one, other, third):
        trade(shop, 50)
    assert truth(one) == truth(other) != truth(third)


def test_a_refund_is_its_goods_its_tax_and_its_shipping() -> None:
    def money(lines: list[Any], name: str) -> Decimal:
        return sum((Decimal(line[name]["shopMoney"]["amount"]) for line in lines), Decimal(0))

    refunds = [
        refund for order in Nodes(open_shop(4, 40, 80)).orders(np.arange(40, 120)) for refund in order["refunds"]
    ]
    sent = [money(refund["refundShippingLines"], "subtotalAmountSet") for refund in refunds]
    goods = [money(refund["refundLineItems"], name) for refund in refunds for name in ("subtotalSet", "totalTaxSet")]
    assert 0 < sum(map(bool, sent)) < len(sent)
    assert sum(sent + goods) == money(refunds, "totalRefundedSet")


def test_nobody_buys_twice_in_a_second() -> None:
    shop = Shop(4, 40)
    for _ in range(3):
        shop.sales.place(next_sales(shop, 30, NOON))
    buyers = [shop.sales.find(number).customer for number in range(40, 130)]
    assert len(set(buyers)) == 90


def test_shares_are_about_what_they_should_be() -> None:
    shop = Shop(1997, 5_000)
    trade(shop, 5_000)
    totals = truth(shop)["totals"]
    for kind, share in (("cancelled", 3), ("failed_payments", 2), ("foreign_payments", 10)):
        assert abs(totals[kind] / 50 - share) < 1, kind
    assert abs((totals["refunds"] - totals["cancelled"]) / 50 - 5) < 1


def test_sales_outlive_their_shop(tmp_path: Path) -> None:
    first = Shop(4, 200, tmp_path / "sales.jsonl")
    trade(first, 50)
    again = Shop(4, 200, tmp_path / "sales.jsonl")
    assert truth(again) == truth(first)
    assert Nodes(again).orders(np.arange(250)) == Nodes(first).orders(np.arange(250))
    assert again.sales.account.event_numbers == first.sales.account.event_numbers


def test_a_line_cut_short_is_dropped_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    journal = tmp_path / "sales.jsonl"
    trade(Shop(4, 200, journal), 10)
    with journal.open("ab") as file:
        file.write(b"[3,2,")
    shop = Shop(4, 200, journal)
    trade(shop, 5, NOON + 100)
    assert truth(Shop(4, 200, journal)) == truth(shop)
    journal.write_bytes(b"nonsense\n")
    with pytest.raises(ServiceError, match="are damaged"):
        Shop(4, 200, journal)


def test_a_restarted_sandbox_has_its_sales(start: Start, tmp_path: Path) -> None:
    arguments = ("--orders", "300", "--state-dir", str(tmp_path))
    first = start(*arguments)
    sell(first, 400, 0.1)
    again = start(*arguments)
    assert httpx.get(f"{again}/sandbox/truth").json() == httpx.get(f"{first}/sandbox/truth").json()
    assert httpx.get(f"{again}/healthz").json()["orders"] == 340


def test_the_sandbox_sells_one_turn_at_a_time(start: Start) -> None:
    control = start("--orders", "300") + "/sandbox/sell"
    wrong = httpx.post(control, json={"rate": "much", "seconds": 1})
    begun = httpx.post(control, json={"rate": 0.001, "seconds": 3_600})
    refused = httpx.post(control, json={"rate": 1, "seconds": 1})
    httpx.delete(control)
    while httpx.get(control).json()["state"] == "selling":
        pass
    again = httpx.post(control, json={"rate": 100, "seconds": 0.01})
    codes = [answer.status_code for answer in (wrong, begun, refused, again)]
    assert codes == [400, 202, 409, 202]


@pytest.fixture
def dsn(admin_dsn: str) -> str:
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS sandbox_late")
        connection.execute("CREATE DATABASE sandbox_late")
    return make_conninfo(admin_dsn, dbname="sandbox_late")


def test_a_database_that_missed_sales_catches_up_once(dsn: str) -> None:
    fill_database(dsn, seed=4, orders=200)
    shop = Shop(4, 200)
    trade(shop, 100)
    seen = []
    for _ in range(2):
        Warehouse(shop, dsn).close()
        with psycopg.connect(dsn) as connection:
            question = "SELECT count(*), sum(change), max(movement_id) FROM shop.stock_movements"
            seen.append(connection.execute(question).fetchone())
            addresses = connection.execute("SELECT count(*) FROM shop.customer_addresses").fetchone()
            stock = connection.execute("SELECT sum(on_hand) FROM shop.stock").fetchone()
    assert seen[0] == seen[1]
    assert addresses == (shop.customer_count,)
    assert seen[0] is not None
    assert stock == (seen[0][1],)


def test_a_database_that_is_gone_is_told_without_its_password() -> None:
    with pytest.raises(SourceError, match="doesn't take the sales") as raised:
        Warehouse(Shop(4, 20), "postgresql://shop:secret@127.0.0.1:1/shop")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(("text", "rate"), [("20/s", 20.0), ("90/min", 1.5), ("3", 3.0), ("0.5 / s", 0.5)])
def test_a_rate_is_read(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60.0), ("5m", 300.0), ("1h", 3600.0), ("90", 90.0)])
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "fast", "-1/s", "0/s", "20/day", "s"])
def test_what_is_no_rate_or_duration_is_told(text: str) -> None:
    with pytest.raises(SettingError):
        parse_rate(text)
    with pytest.raises(SettingError):
        parse_duration(text)


def test_a_fate_meets_an_order_after_it_was_made() -> None:
    shop = Shop(4, 200)
    shop.sales.place(next_sales(shop, 100, NOON))
    waiting = shop.sales.pending()
    assert {sale.fate for sale in waiting} <= {Fate.CANCELLED, Fate.REFUNDED, Fate.PARTLY_REFUNDED}
    shop.sales.change([waiting[0].number], NOON + 5)
    assert shop.sales.find(waiting[0].number).updated == NOON + 5
    assert len(shop.sales.pending()) == len(waiting) - 1

"""What the sandbox sells is the same in Shopify, Stripe and Postgres, and adds up to its own truth."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import psycopg
import pytest
import stripe
from psycopg.conninfo import make_conninfo

from infra.sandbox import credentials
from infra.sandbox.database import fill_database
from infra.sandbox.selling.client import Sold, sell
from tests.infra.sandbox.conftest import Shopify, Start
from tests.infra.sandbox.receiver import Receiver
from tests.infra.sandbox.test_bulk import finished, in_bulk, lines

PAST = 300
SOLD = 250
FIELDS = """id legacyResourceId createdAt processedAt updatedAt cancelledAt displayFinancialStatus
  presentmentCurrencyCode customer { id }
  subtotalPriceSet { shopMoney { amount } } totalRefundedSet { shopMoney { amount } }
  totalPriceSet { presentmentMoney { amount } } transactions { kind status amountSet { shopMoney { amount } } }"""
EVERY_ORDER = """query($after: String, $query: String) {
  orders(first: 90, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { FIELDS } pageInfo { hasNextPage endCursor } }
}""".replace("FIELDS", FIELDS)


class Place(NamedTuple):
    """A shop that has sold, and all that can be asked about it."""

    url: str
    sold: Sold
    dsn: str
    truth: dict[str, Any]
    receiver: Receiver
    shopify: Shopify
    account: stripe.StripeClient

    def orders(self, query: str = "") -> list[dict[str, Any]]:
        """Page through the orders in the order of their last change."""
        found, after = [], None
        while True:
            page = self.shopify.ask(EVERY_ORDER, after=after, query=query)["data"]["orders"]
            found += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def sold_orders(self) -> list[dict[str, Any]]:
        """Page through the orders that were sold."""
        return self.orders("created_at:>=2025-08-01")

    def objects(self, name: str, **filters: Any) -> list[dict[str, Any]]:
        """Page through one of Stripe's lists, newest first."""
        listed = getattr(self.account.v1, name).list({"limit": 100, **filters})
        return [orjson.loads(str(one)) for one in listed.auto_paging_iter()]

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Ask the shop's database."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(question.encode()).fetchall()


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sales")


@pytest.fixture(scope="module")
def dsn(admin_dsn: str) -> str:
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE sandbox_sold")
    found = make_conninfo(admin_dsn, dbname="sandbox_sold")
    fill_database(found, seed=1997, orders=PAST)
    return found


@pytest.fixture(scope="module")
def place(start: Start, state_dir: Path, dsn: str) -> Iterator[Place]:
    """A shop with 300 past orders that has sold 250 more."""
    url, receiver = start("--orders", str(PAST), "--plan", "plus", "--state-dir", str(state_dir)), Receiver()
    sold = sell(url, 500, SOLD / 500, receiver.url, postgres_dsn=dsn)
    http = stripe.RequestsClient()
    account = stripe.StripeClient(credentials.STRIPE_API_KEY, base_addresses={"api": url}, http_client=http)
    shopify = Shopify(url)
    yield Place(url, sold, dsn, httpx.get(f"{url}/sandbox/truth").json(), receiver, shopify, account)
    shopify.http.close()
    http.close()  # type: ignore[no-untyped-call]
    receiver.close()


def amount(money: dict[str, Any]) -> Decimal:
    return Decimal(money["shopMoney"]["amount"])


def test_every_order_asked_for_was_sold_and_told(place: Place) -> None:
    assert place.sold.orders == place.truth["totals"]["orders"] == SOLD
    assert (place.sold.webhooks, place.sold.failed) == (len(place.receiver.received), 0)
    assert place.truth["totals"]["pending"] == 0


def test_sales_hold_cancellations_refunds_failed_and_foreign_payments(place: Place) -> None:
    totals = place.truth["totals"]
    for kind in ("cancelled", "refunds", "partial_refunds", "failed_payments", "foreign_payments", "new_customers"):
        assert totals[kind] > 0, kind
    assert totals["refunds"] > totals["cancelled"] + totals["partial_refunds"]


def test_shopify_adds_up_to_the_truth(place: Place) -> None:
    totals, orders = place.truth["totals"], place.sold_orders()
    assert len({order["id"] for order in orders}) == len(orders) == SOLD
    assert sum(amount(order["subtotalPriceSet"]) for order in orders) == Decimal(totals["net_revenue"])
    assert sum(amount(order["totalRefundedSet"]) for order in orders) == Decimal(totals["refunded"])
    assert sum(order["cancelledAt"] is not None for order in orders) == totals["cancelled"]
    states = [order["displayFinancialStatus"] for order in orders]
    assert states.count("PARTIALLY_REFUNDED") == totals["partial_refunds"]
    assert states.count("PAID") == SOLD - totals["refunds"]


def test_stripe_adds_up_to_the_truth(place: Place) -> None:
    totals, charges = place.truth["totals"], place.objects("charges", created={"gte": 1_754_000_000})
    moves = place.objects("balance_transactions", created={"gte": 1_754_000_000})
    cents = [sum(move["amount"] for move in moves if move["type"] == kind) for kind in ("charge", "refund")]
    assert [charge["status"] for charge in charges].count("succeeded") == SOLD
    assert [charge["status"] for charge in charges].count("failed") == totals["failed_payments"]
    assert cents == [int(Decimal(totals["net_revenue"]) * 100), -int(Decimal(totals["refunded"]) * 100)]
    assert len(place.objects("refunds")) == totals["refunds"]


def test_postgres_adds_up_to_the_truth(place: Place) -> None:
    totals = place.truth["totals"]
    first = 5_100_000_000_001 + PAST
    sold = place.rows(
        "SELECT count(DISTINCT order_id), -sum(change) FROM shop.stock_movements "
        f"WHERE order_id >= {first} AND reason = 'sale'"
    )
    wrong = place.rows(
        "SELECT count(*) FROM shop.stock FULL JOIN (SELECT sku, sum(change) AS moved, max(moved_at) AS last_moved "
        "FROM shop.stock_movements GROUP BY sku) AS movements USING (sku) "
        "WHERE on_hand IS DISTINCT FROM moved OR updated_at IS DISTINCT FROM last_moved OR on_hand < 0"
    )
    back = place.rows(
        f"SELECT count(DISTINCT order_id) FROM shop.stock_movements WHERE order_id >= {first} AND reason = 'restock'"
    )
    assert sold == [(SOLD, totals["units"])]
    assert (wrong, back) == ([(0,)], [(totals["cancelled"],)])


def test_every_customer_is_in_all_three(place: Place) -> None:
    counted = place.shopify.ask("{ customersCount(limit: null) { count } }")["data"]["customersCount"]["count"]
    in_stripe = {one["metadata"]["shopify_customer_id"] for one in place.objects("customers")}
    in_postgres = {str(row[0]) for row in place.rows("SELECT customer_id FROM shop.customer_addresses")}
    buyers = {order["customer"]["id"].rpartition("/")[2] for order in place.sold_orders()}
    assert len(in_stripe) == len(in_postgres) == counted
    assert in_stripe == in_postgres
    assert buyers <= in_stripe


def test_every_charge_equals_its_order(place: Place) -> None:
    orders = {order["legacyResourceId"]: order for order in place.sold_orders()}
    for charge in place.objects("charges", created={"gte": 1_754_000_000}):
        order = orders[charge["metadata"]["order_id"]]
        decimals = 0 if charge["currency"] == "jpy" else 2
        shown = Decimal(order["totalPriceSet"]["presentmentMoney"]["amount"])
        assert Decimal(charge["amount"]).scaleb(-decimals) == shown
        assert charge["currency"].upper() == order["presentmentCurrencyCode"]
        assert charge["refunded"] == (charge["paid"] and order["displayFinancialStatus"] == "REFUNDED")


def test_the_truth_by_minute_sums_up_to_the_sources(place: Place) -> None:
    minutes: dict[str, Decimal] = {}
    for order in place.sold_orders():
        minute = f"{order['processedAt'][:16]}:00Z"
        minutes[minute] = minutes.get(minute, Decimal(0)) + amount(order["subtotalPriceSet"])
    told = {row["minute"]: Decimal(row["net_revenue"]) for row in place.truth["minutes"] if row["orders"]}
    refunded: dict[str, Decimal] = {}
    for refund in place.objects("refunds"):
        given = Decimal(refund["amount"]).scaleb(0 if refund["currency"] == "jpy" else -2)
        refunded[refund["currency"].upper()] = refunded.get(refund["currency"].upper(), Decimal(0)) + given
    by_currency: dict[str, Decimal] = {}
    for row in place.truth["minutes"]:
        by_currency[row["currency"]] = by_currency.get(row["currency"], Decimal(0)) + Decimal(row["refunded"])
    assert minutes == told
    assert refunded == {currency: given for currency, given in by_currency.items() if given}


def test_a_change_moves_an_order_to_the_end_of_what_was_updated(place: Place) -> None:
    orders = place.orders()
    updated = [order["updatedAt"] for order in orders]
    changed = [order for order in orders if order["displayFinancialStatus"] != "PAID"]
    assert len(orders) == PAST + SOLD
    assert updated == sorted(updated)
    assert all(order["updatedAt"] > order["createdAt"] for order in changed)
    assert place.orders(f"updated_at:>='{changed[0]['updatedAt']}'")[-1] == orders[-1]


def test_searches_tell_sold_orders_apart(place: Place) -> None:
    totals = place.truth["totals"]
    asked = {
        "status:cancelled": totals["cancelled"],
        "financial_status:partially_refunded": totals["partial_refunds"],
        "fulfillment_status:unfulfilled": SOLD,
        "financial_status:paid": PAST + SOLD - totals["refunds"],
        "name:#1301": 1,
        "created_at:<2025-08-01": PAST,
    }
    for query, expected in asked.items():
        said = place.shopify.ask(
            "query($query: String) { ordersCount(query: $query, limit: null) { count } }", query=query
        )
        assert said["data"]["ordersCount"]["count"] == expected, query


def test_bulk_holds_the_sold_orders_too(place: Place) -> None:
    state = finished(place.shopify, in_bulk("orders"))
    roots = [line for line in lines(state) if "__parentId" not in line]
    assert int(state["rootObjectCount"]) == len({line["id"] for line in roots}) == PAST + SOLD
    later = [line for line in roots if line["createdAt"] >= "2025-08-01"]
    assert sum(amount(line["subtotalPriceSet"]) for line in later) == Decimal(place.truth["totals"]["net_revenue"])


def test_every_object_is_found_under_its_id(place: Place) -> None:
    for name in ("charges", "refunds", "balance_transactions", "events"):
        newest = place.objects(name)[:3]
        path = f"{place.url}/v1/{name}"
        key = {"Authorization": f"Bearer {credentials.STRIPE_API_KEY}"}
        assert [httpx.get(f"{path}/{one['id']}", headers=key).json() for one in newest] == newest
    refund = place.objects("refunds")[0]
    assert place.objects("refunds", charge=refund["charge"]) == [refund]
    assert [move["source"] for move in place.objects("balance_transactions", source=refund["id"])] == [refund["id"]]

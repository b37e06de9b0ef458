"""The live flow: what its windows come to, whatever the order, the repetition and the lateness of events."""

import random
from datetime import timedelta
from decimal import Decimal

from lake.settings import Settings
from tests.streams.conftest import client_of
from tests.streams.shop import batch, minutes_ago, order, publish, refund, shopify
from tests.streams.watching import read_all, sums, windows


def test_orders_revenue_and_refunds_are_counted_by_the_minute_and_the_currency(live: Settings) -> None:
    at = minutes_ago(10).replace(second=0)
    events = [
        shopify("orders/create", order(1, at, "10.00")),
        shopify("orders/create", order(2, at + timedelta(seconds=59), "20.05")),
        shopify("orders/create", order(3, at, "900", currency="JPY")),
        shopify("orders/create", order(4, at + timedelta(seconds=60), "0.00")),
        refund("re_1", at, 505),
        refund("re_2", at, 100, status="failed"),
    ]
    publish(live, events)
    found = read_all(live, 6)
    assert found[at, "USD"].values == {
        "orders": Decimal(2),
        "units": Decimal(2),
        "gross_amount": Decimal("30.05"),
        "net_amount": Decimal("30.05"),
        "refunded": Decimal("5.05"),
    }
    assert found[at, "JPY"].values["net_amount"] == 900
    assert found[at + timedelta(minutes=1), "USD"].values["orders"] == 1


def test_any_order_of_versions_and_repeats_comes_to_what_the_batch_says(live: Settings) -> None:
    chance = random.Random(7)
    events = []
    for number in range(1, 201):
        at = minutes_ago(chance.randint(2, 40), chance.randint(0, 59))
        for version in range(chance.randint(1, 3)):
            amount = f"{chance.randint(0, 9999) / 100:.2f}"
            changed = at + timedelta(seconds=version)
            body = order(number, at, amount, changed, test=number % 50 == 0)
            events.append(shopify("orders/updated" if version else "orders/create", body))
        if number % 3 == 0:
            events.append(refund(f"re_{number}", at, number, "pending"))
            events.append(refund(f"re_{number}", at, number, said=at + timedelta(seconds=9)))
    events += [shopify(event.topic, event.body) for event in events[::5] if event.source == "shopify"]
    chance.shuffle(events)
    publish(live, events)
    assert sums(read_all(live, len(events))) == sums_of(events)


def sums_of(events: list) -> object:  # type: ignore[type-arg]
    """Give the batch's answer without what is nothing."""
    plain = {key: {name: value for name, value in values.items() if value} for key, values in batch(events).items()}
    return {key: values for key, values in plain.items() if values}


def test_an_event_after_its_minute_has_closed_corrects_it_and_counts_as_late(live: Settings) -> None:
    closed = minutes_ago(30).replace(second=0)
    publish(
        live,
        [shopify("orders/create", order(1, closed, "10.00")), shopify("orders/create", order(2, minutes_ago(0), "1"))],
    )
    assert read_all(live, 2)[closed, "USD"].late == 0
    publish(live, [shopify("orders/create", order(3, closed, "5.00"))])
    window = read_all(live, 3)[closed, "USD"]
    assert (window.values["net_amount"], window.late) == (Decimal("15.00"), 1)


def test_an_order_that_is_deleted_or_moved_leaves_its_window(live: Settings) -> None:
    first, second = minutes_ago(9).replace(second=0), minutes_ago(5).replace(second=0)
    publish(
        live,
        [
            shopify("orders/create", order(1, first, "10.00")),
            shopify("orders/create", order(2, first, "20.00")),
            shopify("orders/delete", {"id": 1}),
            shopify("orders/updated", order(2, second, "20.00", updated=minutes_ago(1))),
        ],
    )
    found = read_all(live, 4)
    assert found[first, "USD"].values["orders"] == 0
    assert found[second, "USD"].values["net_amount"] == 20


def test_what_cannot_be_read_goes_to_the_dead_letters_once_and_the_flow_goes_on(live: Settings) -> None:
    broken = [
        shopify("orders/create", b"{not json"),
        shopify("orders/create", order(1, minutes_ago(3), "NaN")),
        shopify("orders/create", {"id": 2}),
        shopify("orders/create", b'{"note": "\xff"}'),
    ]
    publish(live, [*broken, shopify("orders/create", order(3, minutes_ago(3), "7.00"))])
    read_all(live, 5)
    with client_of(live) as client:
        letters = [fields for _, fields in client.xrange("boathouse:dead")]
        assert [letter[b"body"] for letter in letters] == [event.body for event in broken]
        assert all(b"orders/create event can't be read" in letter[b"reason"] for letter in letters)
    assert [window.values["net_amount"] for window in windows(live).values()] == [Decimal("7.00")]


def test_a_flow_that_lost_its_state_reads_the_bus_again_and_changes_nothing(live: Settings) -> None:
    publish(live, [shopify("orders/create", order(number, minutes_ago(number), "2.50")) for number in range(1, 9)])
    before = sums(read_all(live, 8))
    with client_of(live) as client:
        client.delete("boathouse:live:flow")
        (live.state_dir / "streams").rename(live.state_dir / "lost")
        assert sums(read_all(live, 8)) == before
        assert client.xlen("boathouse:dead") == 0

"""What a webhook's order counts as: the same goods and discounts as silver makes of it."""

from decimal import Decimal
from typing import Any

import pytest

from streams.statements import statement_of
from tests.streams.shop import minutes_ago, order, shopify

LINE = {"id": 1, "quantity": 2, "price": "66.00", "tax_lines": [{"price": "15.00"}, {"price": "5.00"}]}
# Two pieces of 66 less 12 are 120, a sixth of it tax; shipping was 6 cheaper, and one of its 6 is tax.
SOLD = {"total_price": "126.00", "total_tax": "21.00", "total_discounts": "18.00", "line_items": [LINE]}


def net_and_gross(**more: Any) -> tuple[Decimal, Decimal]:
    said = statement_of(shopify("orders/create", order(1, minutes_ago(1), "120.00", **SOLD | more)))
    assert said is not None
    assert said.values is not None
    return said.values["net_amount"], said.values["gross_amount"]


def test_what_comes_off_the_shipping_is_no_discount_of_the_goods() -> None:
    assert net_and_gross() == (Decimal("120.00"), Decimal("132.00"))


def test_the_tax_that_prices_hold_is_no_revenue() -> None:
    assert net_and_gross(taxes_included=True) == (Decimal("100.00"), Decimal("110.00"))


@pytest.mark.parametrize("lines", [[], [LINE | {"price": None}]])
def test_without_prices_every_discount_counts(lines: list[dict[str, Any]]) -> None:
    assert net_and_gross(line_items=lines) == (Decimal("120.00"), Decimal("138.00"))


def test_a_gift_card_is_no_revenue() -> None:
    card = {"id": 2, "quantity": 1, "gift_card": True, "price": "50.00", "discount_allocations": [{"amount": "5.00"}]}
    sold: dict[str, Any] = {"subtotal_price": "165.00", "line_items": [LINE, card]}
    assert net_and_gross(**sold) == (Decimal("120.00"), Decimal("132.00"))
    said = statement_of(shopify("orders/create", order(1, minutes_ago(1), "165.00", **SOLD | sold)))
    assert said is not None
    assert said.values is not None
    assert said.values["units"] == 2


def test_a_gift_card_without_a_price_stays_in() -> None:
    card = {"id": 2, "quantity": 1, "gift_card": True}
    assert net_and_gross(line_items=[LINE, card]) == (Decimal("120.00"), Decimal("138.00"))


def test_what_is_free_holds_no_tax() -> None:
    free = {"subtotal_price": "0.00", "total_price": "0.00", "total_tax": "0.00", "total_discounts": "132.00"}
    assert net_and_gross(**free, taxes_included=True) == (Decimal("0.00"), Decimal("132.00"))

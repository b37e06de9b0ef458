"""A sold order with its lines and amounts, in the shop's currency and in the customer's."""

from dataclasses import dataclass
from functools import cached_property

from infra.sandbox.noise import Ints
from infra.sandbox.selling.currencies import shown
from infra.sandbox.selling.sales import Fate, Sale
from infra.sandbox.selling.terms import PLAIN, Terms
from infra.sandbox.shop import Shop


@dataclass(frozen=True)
class Line:
    """One line item; ``price`` in cents a unit, ``shown`` in the smallest unit of the customer's currency."""

    place: int
    product: int
    units: int
    price: int
    shown: int


@dataclass(frozen=True)
class Basket:
    """An order and what is in it."""

    sale: Sale
    lines: list[Line]
    terms: Terms = PLAIN

    @cached_property
    def tax(self) -> int:
        """The tax, in cents."""
        return (self.sale.cents * self.terms.tax + 50) // 100

    @property
    def total(self) -> int:
        """What the customer owes, in cents: goods, tax and shipping."""
        return self.sale.cents + self.tax + self.terms.shipping

    @cached_property
    def goods_shown(self) -> int:
        """The goods in the smallest unit of the customer's currency."""
        return sum(line.units * line.shown for line in self.lines)

    @cached_property
    def tax_shown(self) -> int:
        """The tax in the smallest unit of the customer's currency."""
        return shown(self.tax, self.sale.currency)

    @cached_property
    def shipping_shown(self) -> int:
        """The shipping in the smallest unit of the customer's currency."""
        return shown(self.terms.shipping, self.sale.currency)

    @property
    def shown(self) -> int:
        """The total in the smallest unit of the customer's currency."""
        return self.goods_shown + self.tax_shown + self.shipping_shown

    @property
    def off(self) -> int:
        """What discounts took off the goods, in cents."""
        return self.terms.off * self.sale.units

    @property
    def off_shown(self) -> int:
        """The same in the smallest unit of the customer's currency."""
        return shown(self.terms.off, self.sale.currency) * self.sale.units

    @cached_property
    def returned(self) -> list[tuple[Line, int]]:
        """The lines that were refunded by now, with how many units: one unit, or everything."""
        if not self.sale.changed:
            return []
        if self.sale.fate is Fate.PARTLY_REFUNDED:
            return [(self.lines[0], 1)]
        return [(line, line.units) for line in self.lines]

    @property
    def is_returned(self) -> bool:
        """Whether all of it was given back by now, shipping included."""
        return self.sale.changed > 0 and self.sale.fate is not Fate.PARTLY_REFUNDED

    @cached_property
    def returned_cents(self) -> int:
        """The goods given back by now, in cents."""
        return sum(units * line.price for line, units in self.returned)

    @cached_property
    def returned_tax(self) -> int:
        """The tax given back by now, in cents: all of it, or the goods' share."""
        return self.tax if self.is_returned else self.returned_cents * self.tax // max(1, self.sale.cents)

    @cached_property
    def refund_cents(self) -> int:
        """What was given back by now, in cents: goods, tax, and shipping with all of it."""
        return self.returned_cents + self.returned_tax + self.terms.shipping * self.is_returned

    @cached_property
    def returned_shown(self) -> int:
        """The goods given back by now, in the smallest unit of the customer's currency."""
        return sum(units * line.shown for line, units in self.returned)

    @cached_property
    def returned_tax_shown(self) -> int:
        """The tax given back by now, in the smallest unit of the customer's currency."""
        return self.tax_shown if self.is_returned else shown(self.returned_tax, self.sale.currency)

    @cached_property
    def refund_shown(self) -> int:
        """What was given back by now, in the smallest unit of the customer's currency."""
        return self.returned_shown + self.returned_tax_shown + self.shipping_shown * self.is_returned

    @property
    def financial_status(self) -> str:
        """Shopify's financial status, in small letters."""
        if not self.sale.changed:
            return "paid"
        return "partially_refunded" if self.sale.fate is Fate.PARTLY_REFUNDED else "refunded"

    @property
    def cancelled(self) -> bool:
        """Whether the order was cancelled by now."""
        return self.sale.changed > 0 and self.sale.fate is Fate.CANCELLED


def baskets(shop: Shop, numbers: Ints) -> list[Basket]:
    """Look up sold orders by their numbers."""
    lines = shop.lines(shop.orders(numbers))
    columns = zip(numbers.tolist(), *(column.tolist() for column in lines), strict=True)
    return [_basket(shop.sales.find(number), split, shop.terms(number)) for number, *split in columns]


def _basket(sale: Sale, split: list[int], terms: Terms) -> Basket:
    parts = enumerate((split[:3], split[3:]))
    return Basket(
        sale,
        [
            Line(place, product, units, price, shown(price, sale.currency))
            for place, (product, units, price) in parts
            if units
        ],
        terms,
    )

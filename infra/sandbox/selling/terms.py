"""What an order of the busy trade comes with besides its goods: discounts, tax, shipping, guests, disputes."""

from typing import NamedTuple

import numpy as np

from infra.sandbox.noise import draw

WELCOME, PER_PIECE = 1, 2
"""The code WELCOME10, and the automatic discount on each piece."""
NAMES = {WELCOME: "WELCOME10", PER_PIECE: "A dollar off"}
_HUNDRED = 100
_OFF = {0: 0, WELCOME: 150, PER_PIECE: 100}
_TAX_PERCENT, _SHIPPING = 8, 499


class Terms(NamedTuple):
    """The terms of one order; ``busy`` says that the busy trade sold it.

    ``off`` in cents a piece, ``tax`` in per cent of the goods, ``shipping`` in cents.
    """

    guest: bool
    test: bool
    disputed: bool
    discount: int
    tax: int
    shipping: int
    busy: bool = True

    @property
    def off(self) -> int:
        """What the discount takes off each piece."""
        return _OFF[self.discount]


PLAIN = Terms(False, False, False, 0, 0, 0, busy=False)


def terms(seed: int, order: int) -> Terms:
    """Draw the terms of an order: the same for the same seed and number, always."""
    names = ("guest", "test", "disputed", "discount", "tax", "shipping")
    guest, test, disputed, discount, tax, shipping = (
        int(draw(seed, f"terms.{name}", np.array([order]), _HUNDRED)[0]) for name in names
    )
    return Terms(
        guest=guest < 20,
        test=test < 3,
        disputed=disputed < 5,
        discount=WELCOME if discount < 15 else PER_PIECE if discount < 30 else 0,
        tax=_TAX_PERCENT if tax < 50 else 0,
        shipping=_SHIPPING if shipping < 50 else 0,
    )

"""The invented albums that the shop sells, one variant each."""

from typing import NamedTuple

import numpy as np

from infra.sandbox.noise import draw
from infra.sandbox.words import GENRES, LABELS, TITLE_FIRST, TITLE_SECOND

COUNT = len(TITLE_FIRST) * len(TITLE_SECOND)


class Product(NamedTuple):
    """One album; ``price`` in cents of a US dollar."""

    number: int
    title: str
    sku: str
    genre: str
    label: str
    price: int


def products(seed: int) -> list[Product]:
    """Invent all products, in the order of their numbers."""
    index = np.arange(COUNT)
    genre = draw(seed, "product.genre", index, len(GENRES)).tolist()
    label = draw(seed, "product.label", index, len(LABELS)).tolist()
    price = (899 + 100 * draw(seed, "product.price", index, 12)).tolist()
    return [
        Product(i, _title(i), f"CD-{i + 1:04d}", GENRES[genre[i]], LABELS[label[i]], price[i]) for i in range(COUNT)
    ]


def _title(index: int) -> str:
    return f"{TITLE_FIRST[index % len(TITLE_FIRST)]} {TITLE_SECOND[index // len(TITLE_FIRST)]}"

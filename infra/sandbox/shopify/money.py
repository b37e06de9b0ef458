"""Amounts and times as Shopify writes them."""

import numpy as np

from infra.sandbox.noise import Ints

Money = dict[str, str]
MoneyBag = dict[str, Money]


def amount(cents: int) -> str:
    """Write cents as Shopify's Decimal does: ``11.77``, but ``12.0`` and ``12.5``."""
    text = f"{cents // 100}.{cents % 100:02d}"
    return text[:-1] if text[-1] == "0" else text


def money(text: str) -> Money:
    """Make a MoneyV2 of the shop's currency."""
    return {"amount": text, "currencyCode": "USD"}


def bag(text: str) -> MoneyBag:
    """Make a MoneyBag whose shop and presentment money are the same."""
    both = {"amount": text, "currencyCode": "USD"}
    return {"shopMoney": both, "presentmentMoney": both}


ZERO = bag("0.0")


def timestamps(seconds: Ints) -> list[str]:
    """Write seconds since 1970 as ``YYYY-MM-DDTHH:MM:SSZ``."""
    texts: list[str] = np.datetime_as_string(seconds.astype("datetime64[s]"), timezone="UTC").tolist()
    return texts


def stamp(second: int) -> str:
    """Write one second as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return timestamps(np.array([second]))[0]

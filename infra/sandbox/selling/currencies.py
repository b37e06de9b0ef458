"""The currencies that customers pay in, at fixed rates to the shop's US dollar."""

from typing import Final

CODES: Final = ("USD", "EUR", "GBP", "CAD", "JPY")
_RATE: Final = {"USD": 1_000, "EUR": 920, "GBP": 790, "CAD": 1_360, "JPY": 1_500}
"""Thousandths of the currency's smallest unit that a cent is worth; a yen has no smaller unit."""


def shown(cents: int, currency: str) -> int:
    """Turn cents of a US dollar into the smallest unit of a currency, half rounded up."""
    return (cents * _RATE[currency] + 500) // 1_000


def rate(currency: str) -> float | None:
    """Give Stripe's exchange_rate from a currency to US dollars; nothing for dollars."""
    if currency == "USD":
        return None
    return round((10 if currency == "JPY" else 1_000) / _RATE[currency], 6)


def written(smallest: int, currency: str) -> str:
    """Write an amount with all of its currency's decimals: ``12.50``, but ``1250`` yen."""
    return str(smallest) if currency == "JPY" else f"{smallest // 100}.{smallest % 100:02d}"

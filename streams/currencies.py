"""How many decimals a currency's smallest unit has, from the same list as silver."""

import csv
from functools import cache
from pathlib import Path

LIST = Path(__file__).parent.parent / "sqlmesh" / "seeds" / "currencies.csv"
USUAL = 2


def exponent_of(currency: str) -> int:
    """Give the decimals of a currency: 0 for yen, 2 for dollars and for what isn't listed, 3 for dinars."""
    return _exponents().get(currency, USUAL)


@cache
def _exponents() -> dict[str, int]:
    with LIST.open(encoding="utf-8", newline="") as lines:
        return {row["currency"]: int(row["exponent"]) for row in csv.DictReader(lines)}

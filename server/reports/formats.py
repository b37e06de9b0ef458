"""How a value is written: Evidence's format names, such as usd2, num0, pct1 and mmm-yy."""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

SYMBOLS = {
    "usd": "$",
    "aud": "A$",
    "brl": "R$",
    "cad": "C$",
    "cny": "¥",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "inr": "₹",
    "krw": "₩",
    "ngn": "₦",
    "sek": "kr ",
}
SCALED = re.compile(r"([a-z]{3}|mult|money)([0-4])?([kmbt])?")
NUMBERS = frozenset({"num", "pct", "mult", "money"})
SCALES = {"k": (10**3, "k"), "m": (10**6, "M"), "b": (10**9, "B"), "t": (10**12, "T")}
DATES = {
    "date": "%Y-%m-%d",
    "ddd": "%a",
    "dddd": "%A",
    "mmm": "%b",
    "mmmm": "%B",
    "mmm-yy": "%b-%y",
    "mmm yyyy": "%b %Y",
    "yyyy": "%Y",
    "shortdate": "%b {day}/%y",
    "longdate": "%B {day}, %Y",
    "fulldate": "%A %B {day}, %Y",
    "mdy": "{month}/{day}/%y",
    "dmy": "{day}/{month}/%y",
    "hms": "%I:%M:%S %p",
}
GRAIN_DATES = {"day": "date", "week": "date", "month": "mmm yyyy", "quarter": "quarter", "year": "yyyy"}
NOTHING = "–"


def check_format(name: str) -> None:
    """Raise ValueError with a clause when there is no format of this name."""
    scaled = SCALED.fullmatch(name)
    if scaled and scaled.group(1) in NUMBERS | SYMBOLS.keys():
        return
    if name and name not in DATES and name not in {"id", "sci", "quarter"}:
        raise ValueError(f"there is no format '{name}'; there is usd, usd2, money2, num0, pct1, mmm-yy and so on")


def is_number_format(name: str) -> bool:
    """Tell whether a format writes numbers that belong in a right-aligned column."""
    return SCALED.fullmatch(name) is not None and name not in DATES


def in_currency(name: str, currency: str) -> str:
    """Turn ``money2`` into the format of a currency, such as ``eur2``; leave other formats alone."""
    return currency.lower() + name.removeprefix("money") if name.startswith("money") else name


def symbol_of(name: str) -> str:
    """Return what a currency format writes before the number; nothing for other formats."""
    match = SCALED.fullmatch(name)
    if match is None or match.group(1) in NUMBERS:
        return ""
    return SYMBOLS.get(match.group(1), f"{match.group(1).upper()} ")


def format_value(value: object, name: str = "") -> str:
    """Write a value of a result as a reader sees it; nothing is a dash."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return format_date(value, name if name in DATES or name == "quarter" else "")
    if isinstance(value, int | float | Decimal):
        return _number(Decimal(str(value)), name)
    return str(value)


def format_date(value: date, name: str = "") -> str:
    """Write a date or a moment; without a format as ISO 8601."""
    if name == "quarter":
        return f"Q{(value.month + 2) // 3} {value.year}"
    pattern = DATES.get(name) or ("%Y-%m-%d %H:%M" if isinstance(value, datetime) else "%Y-%m-%d")
    pattern = pattern.replace("{day}", str(value.day)).replace("{month}", str(value.month))
    return value.strftime(pattern)


def axis_label(name: str) -> str:
    """Return the Vega expression that labels a number axis in this format."""
    if name.startswith("pct"):
        return "format(datum.value, '.0%')"
    symbol = symbol_of(name)
    return f"'{symbol}' + replace(format(datum.value, '~s'), 'G', 'B')"


def _number(value: Decimal, name: str) -> str:
    if not value.is_finite():
        return NOTHING
    if name == "id":
        return str(value)
    if name == "sci":
        return f"{value:.2E}"
    match = SCALED.fullmatch(name)
    kind, digits, scale = match.groups() if match else ("", None, None)
    if kind == "pct":
        return _signed(value * 100, int(digits or 1), "", "%")
    if kind == "mult":
        return _signed(value, int(digits or 1), "", "x")
    divisor, suffix = SCALES.get(scale or "", (1, ""))
    if kind and digits is None and not scale:
        divisor, suffix, digits = _automatic(value)
    if digits is None:
        digits = "0" if value == value.to_integral_value() else "2"
    return _signed(value / divisor, int(digits), symbol_of(name), suffix)


def _automatic(value: Decimal) -> tuple[int, str, str | None]:
    for divisor, suffix in reversed(SCALES.values()):
        if abs(value) >= divisor and abs(value) >= 10_000:
            return divisor, suffix, "1"
    return 1, "", None


def _signed(value: Decimal, digits: int, symbol: str, suffix: str) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    sign = "−" if rounded < 0 else ""
    return f"{sign}{symbol}{abs(rounded):,}{suffix}"

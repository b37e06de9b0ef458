"""The text of dates, times and numbers that Arrow and Iceberg can't hold, as Postgres writes it."""

from pipelines.postgres.columns import DATE, NUMERIC, TIME, TIMESTAMPTZ

DAY = 86_400_000_000
NUMBERS = {0xC0: "NaN", 0xD0: "Infinity", 0xF0: "-Infinity"}
BOUNDS = {DATE: 2**31, TIME: 0}


def far_text(oid: int, value: int) -> str:
    """Write a value as DateStyle ISO and time zone UTC do.

    ``value`` counts days or microseconds since 2000-01-01 as the wire does; of a numeric it is its sign's first byte.
    """
    if oid == NUMERIC:
        return NUMBERS[value]
    if oid == TIME:
        return "24:00:00"
    bound = BOUNDS.get(oid, 2**63)
    if value in (-bound, bound - 1):
        return "infinity" if value > 0 else "-infinity"
    if oid == DATE:
        day, era = _day(value)
        return f"{day}{era}"
    days, within = divmod(value, DAY)
    day, era = _day(days)
    return f"{day} {_time(within)}{'+00' if oid == TIMESTAMPTZ else ''}{era}"


def _day(days: int) -> tuple[str, str]:
    # The civil calendar from days since 2000-03-01, in eras of 400 years that begin in March.
    era, within = divmod(days - 60, 146_097)
    year = (within - within // 1_460 + within // 36_524 - within // 146_096) // 365
    of_year = within - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year += era * 400 + 2000 + (month <= 2)
    return f"{year if year > 0 else 1 - year:04d}-{month:02d}-{day:02d}", "" if year > 0 else " BC"


def _time(microseconds: int) -> str:
    seconds, fraction = divmod(microseconds, 1_000_000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction:06d}".rstrip("0") if fraction else text

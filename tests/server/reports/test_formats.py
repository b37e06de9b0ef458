"""How values and date ranges are written on a page."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from server.reports.date_ranges import Stretch, compared, read_range
from server.reports.expressions import read_expression
from server.reports.formats import format_value
from server.reports.tag_syntax import read_attributes


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (Decimal("2500315.63"), "usd2", "$2,500,315.63"),
        (Decimal("2500315.63"), "usd", "$2.5M"),
        (Decimal("2500315.63"), "usd1k", "$2,500.3k"),
        (412, "usd", "$412"),
        (Decimal("-0.5"), "eur2", "−€0.50"),
        (Decimal("-0.001"), "usd2", "$0.00"),
        (5, "chf2", "CHF 5.00"),
        (69659, "num0", "69,659"),
        (Decimal("2.5"), "num0", "3"),
        (0.125, "pct", "12.5%"),
        (0.125, "pct0", "13%"),
        (1997, "id", "1997"),
        (1234.5, "", "1,234.50"),
        (None, "usd2", "–"),
        (float("nan"), "num0", "–"),
        (True, "", "yes"),
        (date(1997, 1, 5), "longdate", "January 5, 1997"),
        (date(1997, 1, 5), "mmm-yy", "Jan-97"),
        (date(1997, 5, 5), "quarter", "Q2 1997"),
        (datetime(1997, 1, 5, 8, 30), "", "1997-01-05 08:30"),
    ],
)
def test_a_value_in_its_format(value: object, name: str, text: str) -> None:
    assert format_value(value, name) == text


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("last 2 days", date(2024, 2, 28), date(2024, 3, 1)),
        ("last 12 months", date(2023, 3, 1), date(2024, 3, 1)),
        ("year to date", date(2024, 1, 1), date(2024, 3, 1)),
        ("this month", date(2024, 2, 1), date(2024, 3, 1)),
        ("2024-01-01 to 2024-01-31", date(2024, 1, 1), date(2024, 2, 1)),
        ("from 2024-01-01", date(2024, 1, 1), None),
        ("all time", None, None),
    ],
)
def test_a_range_counts_back_from_the_last_day_of_the_data(text: str, start: date | None, end: date | None) -> None:
    assert read_range(text, date(2024, 2, 29)) == (start, end)


def test_a_year_earlier_than_a_leap_day_is_the_28th() -> None:
    assert compared(Stretch(date(2024, 2, 29), date(2024, 3, 1)), "prior year")[0] == date(2023, 2, 28)


def test_the_period_before_three_months_is_three_months() -> None:
    assert compared(Stretch(date(2024, 4, 1), date(2024, 7, 1)), "prior period") == (date(2024, 1, 1), date(2024, 4, 1))


@pytest.mark.parametrize(
    ("text", "sql", "title"),
    [
        ("net_revenue", "net_revenue", "Net Revenue"),
        ("sum(net_revenue)", "sum(net_revenue)", "Sum of Net Revenue"),
        ("count(*) as Orders", "count(*)", "Orders"),
        ("sum(a) / 2 as `Half of it`", "sum(a) / 2", "Half of it"),
        ("cast(a as int)", "cast(a as int)", "cast(a as int)"),
    ],
)
def test_an_expression_has_sql_and_a_title(text: str, sql: str, title: str) -> None:
    expression = read_expression(text)
    assert (expression.sql, expression.title) == (sql, title)


def test_attributes_hold_objects_lists_and_several_lines() -> None:
    text = """a="x %} y" n=-1.5 on=true
        list=["p", 'q'] spark={ type="bar" inner={ deep=1 } }"""
    assert read_attributes(text) == {
        "a": "x %} y",
        "n": -1.5,
        "on": True,
        "list": ["p", "q"],
        "spark": {"type": "bar", "inner": {"deep": 1}},
    }

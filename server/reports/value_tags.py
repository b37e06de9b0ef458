"""The tags that show one number: big_value, with its trend and comparison, and value in a sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape

from server.reports.date_ranges import Stretch, compared, read_range
from server.reports.expressions import read_expression, truncated
from server.reports.formats import format_value
from server.reports.queries import Queries
from server.reports.sparkline import draw_sparkline
from server.reports.tag_syntax import Tag

Render = Callable[[], str]


@dataclass(frozen=True)
class Comparison:
    """The value that a big value is set against, and how the page says it."""

    value: object
    display: str
    text: str
    down_is_good: bool


def prepare_value(tag: Tag, queries: Queries) -> Render:
    """Ask for one number in a sentence; the function returned writes it."""
    value = _value(tag, queries, _stretch(tag, queries))
    return lambda: f'<span class="value">{escape(format_value(value, tag.text("fmt")))}</span>'


def prepare_big_value(tag: Tag, queries: Queries) -> Render:
    """Ask for a number with its trend and what it is compared with; the function returned draws it."""
    stretch = _stretch(tag, queries)
    value = _value(tag, queries, stretch)
    trend = _trend(tag, queries, stretch)
    comparison = _comparison(tag, queries, stretch)
    title = tag.text("title") or _title(tag, queries)
    return lambda: _card(tag, title, value, trend, comparison)


def _title(tag: Tag, queries: Queries) -> str:
    return queries.metric_label(tag.text("metric")) or read_expression(tag.text("value")).title


def _stretch(tag: Tag, queries: Queries) -> Stretch:
    wanted = tag.entries("date_range")
    if not wanted:
        return Stretch(None, None)
    column, text = wanted.get("date"), wanted.get("range")
    if not column or not text:
        raise queries.wrong(tag, "'date_range' needs both 'range' and 'date'")
    rows = queries.ask(tag.line, f"SELECT max({column})::date FROM {queries.relation(tag)}").rows
    last_day = rows[0][0]
    try:
        return read_range(str(text), last_day if isinstance(last_day, date) else date(1970, 1, 1))
    except ValueError as error:
        raise queries.wrong(tag, str(error)) from error


def _value(tag: Tag, queries: Queries, stretch: Stretch, expression: str = "") -> object:
    if "metric" in tag.attributes:
        points = queries.ask_metric(tag, tag.text("metric"), None, None)
        return points[0].value if points else None
    sql = expression or read_expression(tag.text("value")).sql
    condition, bound = _within(tag, stretch)
    rows = queries.ask(tag.line, f"SELECT {sql} FROM {queries.relation(tag)}{condition} LIMIT 1", bound).rows
    return rows[0][0] if rows else None


def _within(tag: Tag, stretch: Stretch) -> tuple[str, list[object]]:
    column = tag.entries("date_range").get("date")
    parts = [(f"{column} >= ?", stretch.start), (f"{column} < ?", stretch.end)]
    known = [(part, day) for part, day in parts if day is not None]
    condition = " AND ".join(part for part, _ in known)
    return (f" WHERE {condition}" if condition else ""), [day for _, day in known]


def _trend(tag: Tag, queries: Queries, stretch: Stretch) -> list[float]:
    wanted = tag.entries("sparkline")
    if not wanted:
        return []
    grain = str(wanted.get("date_grain") or "")
    if "metric" in tag.attributes:
        points = queries.ask_metric(tag, tag.text("metric"), grain or "month", None)
        return [float(point.value) for point in points if point.value is not None]
    if not wanted.get("x"):
        raise queries.wrong(tag, "'sparkline' needs the entry 'x'")
    x = truncated(read_expression(str(wanted["x"])).sql, grain)
    y = read_expression(tag.text("value")).sql
    condition, bound = _within(tag, stretch)
    sql = f"SELECT {x} AS x, {y} AS y FROM {queries.relation(tag)}{condition} GROUP BY ALL ORDER BY x"
    rows = queries.ask(tag.line, sql, bound).rows
    return [float(row[1]) for row in rows if isinstance(row[1], int | float | Decimal)]


def _comparison(tag: Tag, queries: Queries, stretch: Stretch) -> Comparison | None:
    wanted = tag.entries("comparison")
    if not wanted:
        return None
    kind = str(wanted.get("compare_vs") or "")
    if kind == "target":
        if "metric" in tag.attributes and str(wanted.get("target")) in queries.metrics:
            points = queries.ask_metric(tag, str(wanted["target"]), None, None)
            value: object = points[0].value if points else None
        else:
            value = _target(tag, queries, stretch, wanted.get("target"))
    elif kind:
        try:
            value = _value(tag, queries, compared(stretch, kind))
        except ValueError as error:
            raise queries.wrong(tag, str(error)) from error
    else:
        raise queries.wrong(tag, "'comparison' needs the entry 'compare_vs'")
    display = str(wanted.get("display_type") or "pct")
    return Comparison(value, display, str(wanted.get("text") or f"vs {kind}"), wanted.get("down_is_good") is True)


def _target(tag: Tag, queries: Queries, stretch: Stretch, target: object) -> object:
    if target is None:
        raise queries.wrong(tag, "'comparison' with a target needs the entry 'target'")
    if isinstance(target, int | float):
        return target
    if "metric" in tag.attributes:
        raise queries.wrong(tag, f"the target '{target}' must be a metric or a number")
    return _value(tag, queries, stretch, read_expression(str(target)).sql)


def _card(tag: Tag, title: str, value: object, trend: list[float], comparison: Comparison | None) -> str:
    shown = format_value(value, tag.text("fmt"))
    kind = str(tag.entries("sparkline").get("type") or "line")
    label = f"{title} over time" + (f", from {trend[0]:,.0f} to {trend[-1]:,.0f}" if trend else "")
    return (
        f'<div class="card big-value"><p class="label">{escape(title)}</p><p class="figure">{escape(shown)}</p>'
        f"{_compared(tag, value, comparison)}{draw_sparkline(trend, kind, label)}</div>"
    )


def _compared(tag: Tag, value: object, comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    text = escape(comparison.text)
    if comparison.display == "compared_value":
        return f'<p class="comparison">{text} {escape(format_value(comparison.value, tag.text("fmt")))}</p>'
    if not isinstance(value, int | float | Decimal) or not isinstance(comparison.value, int | float | Decimal):
        return f'<p class="comparison">no earlier value {text}</p>'
    change, fmt = Decimal(str(value)) - Decimal(str(comparison.value)), tag.text("fmt")
    if comparison.display == "pct":
        if not comparison.value:
            return f'<p class="comparison">no earlier value {text}</p>'
        change, fmt = change / abs(Decimal(str(comparison.value))), "pct1"
    tone = "same" if not change else "good" if (change > 0) != comparison.down_is_good else "bad"
    arrow = "▲" if change > 0 else "▼" if change < 0 else "="
    return f'<p class="comparison"><span class="{tone}">{arrow} {escape(format_value(change, fmt))}</span> {text}</p>'

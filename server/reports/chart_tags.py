"""The chart tags: what they ask and how their answer becomes a figure."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from html import escape

from server.reports.expressions import Expression, read_expression, truncated
from server.reports.formats import GRAIN_DATES, format_value
from server.reports.queries import Queries, Result
from server.reports.tag_syntax import Tag

MOST_POINTS = 5_000
WIDE, HALF, NARROW = (1010, 280), (430, 240), (290, 220)
Render = Callable[[], str]
Point = tuple[object, str, Decimal]


def prepare_chart(tag: Tag, queries: Queries, in_row: bool, name: str) -> Render:
    """Ask what a chart shows; the function returned draws it. Raise QueryError with file and line."""
    points, y_title, grain = _from_metrics(tag, queries) if "metric" in tag.attributes else _from_data(tag, queries)
    if len(points) > MOST_POINTS:
        raise queries.wrong(tag, f"{len(points)} points are too many for a chart; give it a date_grain or a limit")
    return lambda: _figure(tag, points, y_title, grain, in_row, name)


def _from_metrics(tag: Tag, queries: Queries) -> tuple[list[Point], str, str]:
    names = tag.texts("metric")
    grain = tag.text("date_grain", "month")
    if len(names) > 1 and "series" in tag.attributes:
        raise queries.wrong(tag, "a chart takes several metrics or a series, not both")
    points: list[Point] = []
    for metric in names:
        label = queries.metric_label(metric)
        for found in queries.ask_metric(tag, metric, grain, tag.text("series") or None):
            if found.value is not None:
                points.append((found.time, found.split or label, Decimal(found.value)))
    return points, ", ".join(map(queries.metric_label, names)), grain


def _from_data(tag: Tag, queries: Queries) -> tuple[list[Point], str, str]:
    grain = tag.text("date_grain")
    x = read_expression(tag.text("x"))
    ys = [read_expression(text) for text in tag.texts("y")]
    if not ys or (len(ys) > 1 and "series" in tag.attributes):
        raise queries.wrong(tag, "a chart takes one y, several y without a series, or one y with a series")
    result = queries.ask(tag.line, _chart_sql(tag, queries, x, ys))
    for at in range(2, len(result.columns)):
        if result.rows and not result.is_number(at):
            raise queries.wrong(tag, f"y '{ys[at - 2].sql}' isn't a number")
    if grain and result.rows and not result.is_date(0):
        raise queries.wrong(tag, f"x '{x.sql}' isn't a date, so it has no date_grain")
    points = _melted(result, [y.title for y in ys], "series" in tag.attributes)
    return points, ", ".join(y.title for y in ys), grain or _guessed_grain(result)


def _chart_sql(tag: Tag, queries: Queries, x: Expression, ys: list[Expression]) -> str:
    series = read_expression(tag.text("series")).sql if "series" in tag.attributes else "NULL"
    columns = [f"{truncated(x.sql, tag.text('date_grain'))} AS x", f"{series} AS series"]
    columns += [f"{y.sql} AS y{at}" for at, y in enumerate(ys)]
    plain = all(y.is_column for y in ys)
    order = tag.text("order") or ("" if plain and "date_grain" not in tag.attributes else "x, series")
    sql = f"SELECT {', '.join(columns)} FROM {queries.relation(tag)}"
    sql += "" if plain else " GROUP BY ALL"
    sql += f" ORDER BY {order}" if order else ""
    return sql + (f" LIMIT {tag.text('limit')}" if "limit" in tag.attributes else "")


def _melted(result: Result, titles: list[str], has_series: bool) -> list[Point]:
    points: list[Point] = []
    for row in result.rows:
        for at, title in enumerate(titles):
            value = row[2 + at]
            if row[0] is not None and value is not None:
                series = format_value(row[1]) if has_series else title
                points.append((row[0], series, Decimal(str(value))))
    return points


def _guessed_grain(result: Result) -> str:
    if not result.rows or not result.is_date(0):
        return ""
    days = [row[0] for row in result.rows if isinstance(row[0], date)]
    return "month" if all(day.day == 1 for day in days) else "day"


def _figure(tag: Tag, points: list[Point], y_title: str, grain: str, in_row: bool, name: str) -> str:
    title = tag.text("title") or y_title
    subtitle = f'<span class="subtitle">{escape(tag.text("subtitle"))}</span>' if tag.text("subtitle") else ""
    caption = f"<figcaption><strong>{escape(title)}</strong>{subtitle}</figcaption>"
    if not points:
        return f'<figure class="card">{caption}<p class="empty">No data.</p></figure>'
    drawings = "".join(
        f'<div class="{kind}">{_svg(tag, points, title, y_title, grain, size, f"{name}-{kind}")}</div>'
        for kind, size in (("wide", HALF if in_row else WIDE), ("narrow", NARROW))
    )
    return f'<figure class="card">{caption}{drawings}{_numbers(tag, points, grain, title)}</figure>'


def _svg(tag: Tag, points: list[Point], title: str, y_title: str, grain: str, size: tuple[int, int], name: str) -> str:
    from server.reports.charts import (
        Drawing,
        draw_chart,
    )  # Altair takes a second to import: only when drawing

    x_title = "" if grain else read_expression(tag.text("x")).title
    drawn = [(x, series, float(y)) for x, series, y in points]
    drawing = Drawing(tag.name, drawn, title, x_title, y_title, tag.text("y_fmt"), grain)
    height = tag.attributes.get("height")
    return draw_chart(drawing, size[0], height if isinstance(height, int) else size[1], name)


def _numbers(tag: Tag, points: list[Point], grain: str, title: str) -> str:
    """Write the chart's numbers as a table that opens, for those who can't see or want to copy them."""
    names = list(dict.fromkeys(series for _, series, _ in points))
    table: dict[object, dict[str, Decimal]] = {}
    for x, series, y in points:
        table.setdefault(x, {})[series] = y
    x_format = tag.text("x_fmt") or GRAIN_DATES.get(grain, "")
    head = "".join(f'<th scope="col" class="number">{escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{escape(format_value(x, x_format))}</th>'
        + "".join(f'<td class="number">{escape(format_value(row.get(name), _exact(tag)))}</td>' for name in names)
        + "</tr>"
        for x, row in table.items()
    )
    return (
        f'<details class="numbers"><summary>Numbers<span class="hidden"> of {escape(title)}</span></summary>'
        f'<div class="scroll"><table><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        "</details>"
    )


def _exact(tag: Tag) -> str:
    """Write money with its cents in the table, whatever the axis shortens it to."""
    name = tag.text("y_fmt")
    return f"{name}2" if name.isalpha() and len(name) == 3 and name not in ("num", "pct") else name

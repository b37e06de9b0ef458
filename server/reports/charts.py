"""Line, bar and area charts: a tag's answer drawn as SVG by Vega-Lite, without a browser."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import escape
from typing import Any

import altair as alt
import vl_convert

from server.reports.formats import axis_label

PALETTE = ["#2563a8", "#d9822b", "#2f9e6e", "#8456b3", "#c2405a", "#5b7083", "#a88c1d", "#1d8fa8"]
AXIS_WIDTH = 40
TEXT, GRID, AXIS = "#5a6675", "#e3e7ec", "#aab3be"
TIME_UNITS: dict[str, Any] = {
    "day": "utcyearmonthdate",
    "week": "utcyearmonthdate",
    "month": "utcyearmonth",
    "quarter": "utcyearquarter",
    "year": "utcyear",
}
TIME_LABELS = {"day": "%-d %b %y", "week": "%-d %b %y", "month": "%b %y", "quarter": "Q%q %y", "year": "%Y"}
OPENING = re.compile(r"<svg\b[^>]*>")
MARKS = {"line_chart": "line", "bar_chart": "bar", "area_chart": "area"}


@dataclass(frozen=True)
class Drawing:
    """What a chart shows: points (x, series, y) and how its axes are labelled."""

    kind: str
    points: Sequence[tuple[object, str, float]]
    title: str
    x_title: str
    y_title: str
    y_format: str
    grain: str


def draw_chart(drawing: Drawing, width: int, height: int, name: str) -> str:
    """Draw one SVG of this size in pixels; ``name`` makes its ids its own on the page."""
    spec = _chart(drawing, width, height).to_dict()
    svg = vl_convert.vegalite_to_svg(vl_spec=spec)
    return _named(svg, drawing, name)


def _chart(drawing: Drawing, width: int, height: int) -> Any:
    many = len({series for _, series, _ in drawing.points}) > 1
    rows = [{"x": _plain(x), "series": series, "y": y} for x, series, y in drawing.points]
    chart = alt.Chart(alt.InlineData(values=rows), width=width, height=height)
    encoded = _marked(chart, drawing, many).encode(x=_x_axis(drawing, width), y=_y_axis(drawing))
    if many:
        order = list(dict.fromkeys(series for _, series, _ in drawing.points))
        scale = alt.Scale(domain=order, range=[PALETTE[at % len(PALETTE)] for at in range(len(order))])
        columns = max(1, width // 150)
        legend = alt.Legend(orient="top", title=None, columns=columns, symbolType="square", symbolStrokeWidth=0)
        encoded = encoded.encode(color=alt.Color("series:N", scale=scale, legend=legend))
        if drawing.kind == "area_chart" or drawing.kind == "bar_chart":
            encoded = encoded.encode(order=alt.Order("series:N"))
    return _styled(encoded)


def _marked(chart: Any, drawing: Drawing, many: bool) -> Any:
    if drawing.kind == "bar_chart":
        return chart.mark_bar(color=PALETTE[0])
    if drawing.kind == "area_chart":
        line = False if many else {"color": PALETTE[0], "strokeWidth": 2}
        return chart.mark_area(color=PALETTE[0], opacity=0.85 if many else 0.25, line=line)
    plain = {} if many else {"color": PALETTE[0]}
    point = {"size": 30, "filled": True, **plain} if len(drawing.points) <= 60 else False
    return chart.mark_line(color=PALETTE[0], strokeWidth=2.2, point=point)


def _names_axis(drawing: Drawing, width: int) -> Any:
    kept: list[Any] = list(dict.fromkeys(_plain(x) for x, _, _ in drawing.points))
    axis = alt.Axis(
        title=drawing.x_title or None,
        labelAngle=0 if len(kept) * 60 <= width else -40,
        labelLimit=120,
    )
    if drawing.kind != "bar_chart" and all(isinstance(x, int | float) for x in kept):
        return alt.X("x:Q", axis=axis)
    return alt.X("x:N", sort=kept, axis=axis)


def _x_axis(drawing: Drawing, width: int) -> Any:
    timed = all(isinstance(x, date) for x, _, _ in drawing.points)
    return _time_axis(drawing, width) if timed else _names_axis(drawing, width)


def _time_axis(drawing: Drawing, width: int) -> Any:
    grain, bars = drawing.grain or "day", drawing.kind == "bar_chart"
    times = sorted({_milliseconds(x) for x, _, _ in drawing.points if isinstance(x, date)})
    every = -(-len(times) // max(2, width // 72))
    middle = (width - AXIS_WIDTH) / len(times) / 2 if bars else 0  # bars start at their label's time
    axis = alt.Axis(
        title=drawing.x_title or None,
        format=TIME_LABELS[grain],
        values=times[::every],
        labelOffset=middle,
        labelFlush=False,
        ticks=not bars,
    )
    scale = alt.Scale(type="utc")
    if bars:
        return alt.X("x:T", timeUnit=TIME_UNITS[grain], axis=axis, scale=scale)
    return alt.X("x:T", axis=axis, scale=scale)


def _milliseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _y_axis(drawing: Drawing) -> Any:
    axis = alt.Axis(title=None, labelExpr=axis_label(drawing.y_format), tickCount=5)
    return alt.Y("y:Q", axis=axis, stack=drawing.kind != "line_chart", scale=alt.Scale(zero=True, nice=True))


def _styled(chart: Any) -> Any:
    return (
        chart.configure(background="transparent", font="sans-serif", padding=6)
        .configure_view(stroke=None)
        .configure_legend(labelColor=TEXT, labelFontSize=12, offset=6)
        .configure_axis(labelColor=TEXT, titleColor=TEXT, labelFontSize=11, titleFontWeight="normal")
        .configure_axisX(grid=False, labelPadding=5, domainColor=AXIS, tickColor=AXIS)
        .configure_axisY(gridColor=GRID, domain=False, ticks=False, labelPadding=6)
    )


def _plain(value: object) -> str | int | float:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int | float) else str(value)


def _named(svg: str, drawing: Drawing, name: str) -> str:
    """Give the SVG a title and a description for readers who don't see it."""
    described = f"{MARKS[drawing.kind].capitalize()} chart of {drawing.y_title}"
    described += f" by {drawing.x_title}" if drawing.x_title else ""
    opening = OPENING.search(svg)
    if opening is None:  # Vega always writes one
        raise ValueError("the chart has no <svg> element")
    size = re.search(r'viewBox="[^"]*"', opening.group())
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size.group() if size else ""} role="img"'
        f' aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(drawing.title)}</title>'
        f'<desc id="{name}-desc">{escape(described)}</desc>'
    )
    inner = svg[opening.end() :]
    return head + re.sub(r'(id="|url\(#)(?=(?:clip|gradient)\d)', rf"\1{name}-", inner)

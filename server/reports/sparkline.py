"""The small trend beside a big value, drawn as SVG by hand."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, EDGE = 160, 36, 3


def draw_sparkline(values: Sequence[float], kind: str, label: str) -> str:
    """Draw values in their order as a line, an area or bars; ``label`` is what a reader who can't see it hears."""
    if len(values) < 2:
        return ""
    shape = _bars(values) if kind == "bar" else _line(values, filled=kind == "area")
    return (
        f'<svg class="sparkline" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(label)}">{shape}</svg>'
    )


def _line(values: Sequence[float], filled: bool) -> str:
    lowest = min(0.0, *values) if filled else min(values)
    span = (max(values) - lowest) or 1
    step = (WIDTH - 2 * EDGE) / (len(values) - 1)
    points = [
        (EDGE + at * step, HEIGHT - EDGE - (value - lowest) / span * (HEIGHT - 2 * EDGE))
        for at, value in enumerate(values)
    ]
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    line = f'<path class="spark-line" vector-effect="non-scaling-stroke" d="{path}"/>'
    if not filled:
        return line
    return f'<path class="spark-area" d="{path}V{HEIGHT}H{EDGE}Z"/>{line}'


def _bars(values: Sequence[float]) -> str:
    top, bottom = max(0.0, *values), min(0.0, *values)
    scale = HEIGHT / ((top - bottom) or 1)
    step = WIDTH / len(values)
    bars = []
    for at, value in enumerate(values):
        y = (top - max(value, 0)) * scale
        size = f'width="{step * 0.72:.2f}" height="{abs(value) * scale:.2f}"'
        bars.append(f'<rect class="spark-bar" x="{at * step:.2f}" y="{y:.2f}" {size}/>')
    return "".join(bars)

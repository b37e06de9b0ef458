"""The table tag: every column of its data, or the dimensions and measures inside it."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from server.reports.expressions import read_expression, title_of, truncated
from server.reports.formats import GRAIN_DATES, NOTHING, format_value, is_number_format
from server.reports.queries import Queries, Result, Row
from server.reports.tag_syntax import Tag

MOST_ROWS = 500
LONG_TEXT = 28  # letters from which a cell may break into lines
Render = Callable[[], str]


@dataclass(frozen=True)
class Column:
    """One column of the table as the reader sees it."""

    title: str
    fmt: str
    align: str


def prepare_table(tag: Tag, children: list[Tag], queries: Queries) -> Render:
    """Ask for a table's rows; the function returned writes it. Raise QueryError with file and line."""
    limit = tag.attributes.get("limit", MOST_ROWS)
    if not isinstance(limit, int) or not 0 < limit <= MOST_ROWS:
        raise queries.wrong(tag, f"'limit' must be a number from 1 to {MOST_ROWS}")
    relation = queries.relation(tag)
    order = f" ORDER BY {tag.text('order')}" if "order" in tag.attributes else ""
    result = queries.ask(tag.line, f"{_select(relation, children)}{order} LIMIT {limit + 1}")
    total = _total(tag, children, relation, queries)
    cut = len(result.rows) > limit and "limit" not in tag.attributes
    shown = Result(result.columns, result.rows[:limit])
    columns = [_column(shown, at, children) for at in range(len(shown.columns))]
    return lambda: _html(tag, columns, shown, total, cut)


def _select(relation: str, children: list[Tag]) -> str:
    if not children:
        return f"SELECT * FROM {relation}"
    grouped = any(child.name == "measure" for child in children)
    return f"SELECT {', '.join(map(_selected, children))} FROM {relation}{' GROUP BY ALL' if grouped else ''}"


def _selected(child: Tag) -> str:
    expression = read_expression(child.text("value"))
    grain = child.text("date_grain")
    if expression.is_column and not grain:
        return expression.sql
    return f"{truncated(expression.sql, grain)} AS {_quoted(expression.title)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _total(tag: Tag, children: list[Tag], relation: str, queries: Queries) -> Row | None:
    kinds = {child.name for child in children}
    if kinds != {"dimension", "measure"} or "limit" in tag.attributes or tag.attributes.get("show_total_row") is False:
        return None
    values = [_selected(child) if child.name == "measure" else "NULL" for child in children]
    row = queries.ask(tag.line, f"SELECT {', '.join(values)} FROM {relation}").rows[0]
    return ("Total", *row[1:]) if children[0].name == "dimension" else row


def _column(result: Result, at: int, children: list[Tag]) -> Column:
    align = "number" if result.is_number(at) else "text"
    if children and is_number_format(children[at].text("fmt")):
        align = "number"  # also where every value is missing
    if not children:
        return Column(title_of(result.columns[at]), "", align)
    child = children[at]
    fmt = child.text("fmt") or GRAIN_DATES.get(child.text("date_grain"), "")
    chosen = {"left": "text", "right": "number", "center": "center"}.get(child.text("align"), align)
    if fmt == "id" and "align" not in child.attributes:
        chosen = "text"
    return Column(child.text("title") or read_expression(child.text("value")).title, fmt, chosen)


def _html(tag: Tag, columns: list[Column], result: Result, total: Row | None, cut: bool) -> str:
    caption = ""
    if tag.text("title"):
        subtitle = f'<span class="subtitle">{escape(tag.text("subtitle"))}</span>' if tag.text("subtitle") else ""
        caption = f"<caption><strong>{escape(tag.text('title'))}</strong>{subtitle}</caption>"
    head = "".join(f'<th scope="col" class="{column.align}">{escape(column.title)}</th>' for column in columns)
    body = "".join(f"<tr>{_cells(columns, row)}</tr>" for row in result.rows)
    if not result.rows:
        body = f'<tr><td class="empty" colspan="{len(columns)}">No rows.</td></tr>'
    foot = f"<tfoot><tr>{_cells(columns, total, nothing='')}</tr></tfoot>" if total and result.rows else ""
    note = f'<p class="note">The first {len(result.rows)} rows.</p>' if cut else ""
    label = f' aria-label="{escape(tag.text("title") or "Table")}"'
    return (
        f'<div class="card table"><div class="scroll" tabindex="0" role="region"{label}><table>{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>{note}</div>"
    )


def _cells(columns: list[Column], row: Row, nothing: str = NOTHING) -> str:
    cells = []
    for column, value in zip(columns, row, strict=True):
        text = nothing if value is None else value if isinstance(value, str) else format_value(value, column.fmt)
        long = " long" if len(text) > LONG_TEXT else ""
        cells.append(f'<td class="{column.align}{long}">{escape(text)}</td>')
    return "".join(cells)

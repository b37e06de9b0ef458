"""The tags a page can use and the attributes each takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.reports.formats import check_format
from server.reports.tag_syntax import Tag

DATA = frozenset({"data", "metric", "where", "order", "limit"})
CHART = DATA | {"x", "y", "series", "date_grain", "title", "subtitle", "x_fmt", "y_fmt", "height"}
RANGE = frozenset({"range", "date"})
SPARKLINE = frozenset({"type", "x", "date_grain"})
COMPARISON = frozenset({"compare_vs", "display_type", "target", "text", "down_is_good"})
FORMATS = ("fmt", "x_fmt", "y_fmt")
GRAINS = ("day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class TagRule:
    """What one tag takes: attributes, those it can't do without, and whether it encloses others."""

    allowed: frozenset[str]
    required: frozenset[str] = frozenset()
    drawn: bool = True
    block: bool = False
    inline: bool = False
    parent: str = ""


_CHART_RULE = TagRule(CHART)
RULES: dict[str, TagRule] = {
    "line_chart": _CHART_RULE,
    "bar_chart": _CHART_RULE,
    "area_chart": _CHART_RULE,
    "big_value": TagRule(
        DATA - {"order", "limit"} | {"value", "title", "fmt", "sparkline", "comparison", "date_range"}
    ),
    "value": TagRule(DATA - {"order", "limit"} | {"value", "fmt", "date_range"}, inline=True),
    "table": TagRule(DATA - {"metric"} | {"title", "subtitle", "show_total_row"}, frozenset({"data"}), block=True),
    "dimension": TagRule(
        frozenset({"value", "title", "fmt", "align", "date_grain"}),
        frozenset({"value"}),
        False,
        parent="table",
    ),
    "measure": TagRule(frozenset({"value", "title", "fmt", "align"}), frozenset({"value"}), False, parent="table"),
    "row": TagRule(frozenset(), drawn=False, block=True),
    "callout": TagRule(frozenset({"type", "title"}), drawn=False, block=True),
    "details": TagRule(frozenset({"title", "open"}), drawn=False, block=True),
}
OBJECTS = {"sparkline": SPARKLINE, "comparison": COMPARISON, "date_range": RANGE}
CHOICES: dict[str, tuple[str, ...]] = {
    "date_grain": GRAINS,
    "compare_vs": ("prior year", "prior period", "target"),
    "display_type": ("pct", "abs", "compared_value"),
    "align": ("left", "right", "center"),
}
TYPES = {"callout": ("info", "success", "warning", "error"), "sparkline": ("line", "area", "bar")}
INPUTS = frozenset(
    {"dropdown", "button_group", "option", "range_calendar", "slider", "text_input", "input_tabs", "checkbox"}
)


def check_tag(tag: Tag) -> None:
    """Raise ValueError with a clause that says what is wrong with a tag's name or attributes."""
    if tag.name in INPUTS:
        raise ValueError(f"inputs like '{tag.name}' aren't supported yet")
    rule = RULES.get(tag.name)
    if rule is None:
        raise ValueError(f"there is no tag '{tag.name}'; there is {', '.join(sorted(RULES))}")
    for name in tag.attributes:
        if name == "filters":
            raise ValueError("inputs aren't supported yet, so 'filters' can't be used")
        if name not in rule.allowed:
            raise ValueError(f"'{tag.name}' has no attribute '{name}'; it takes {_listed(rule.allowed)}")
    for name in sorted(rule.required - tag.attributes.keys()):
        raise ValueError(f"'{tag.name}' needs the attribute '{name}'")
    _check_source(tag, rule)
    _check_objects(tag)
    _check_choices(tag.name, tag.attributes)
    for name in FORMATS:
        check_format(tag.text(name))


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _check_source(tag: Tag, rule: TagRule) -> None:
    if "metric" not in rule.allowed:
        return
    if ("data" in tag.attributes) == ("metric" in tag.attributes):
        raise ValueError(f"'{tag.name}' needs either 'data' or 'metric'")
    if "metric" in tag.attributes:
        clash = tag.attributes.keys() & {"value", "x", "y", "where", "order", "limit", "date_range"}
        if clash:
            raise ValueError(f"'{tag.name}' with 'metric' can't have '{min(clash)}'")
        return
    for name in ("x", "y") if "x" in rule.allowed else ("value",):
        if name not in tag.attributes:
            raise ValueError(f"'{tag.name}' needs the attribute '{name}'")


def _check_objects(tag: Tag) -> None:
    for name, keys in OBJECTS.items():
        if name not in tag.attributes:
            continue
        value = tag.attributes[name]
        if not isinstance(value, dict):
            raise ValueError(f"'{name}' is an object: {name}={{ {min(keys)}=\"…\" }}")
        if unknown := value.keys() - keys:
            raise ValueError(f"'{name}' has no entry '{min(unknown)}'; it takes {_listed(keys)}")
        _check_choices(name, value)


def _check_choices(owner: str, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        choices = TYPES.get(owner, ()) if name == "type" else CHOICES.get(name, ())
        if choices and value not in choices:
            raise ValueError(f"'{name}' can't be '{value}'; it is one of {', '.join(choices)}")

"""What a page that can't be rendered says: one sentence with its file and line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lake.errors import QueryError, SettingError
from server.reports import SiteResult

Render = Callable[[str], str]
WRONG = {
    "an unknown tag": ("text\n\n{% pie /%}", 3, "there is no tag 'pie'"),
    "an input": ('{% dropdown id="a" /%}', 1, "inputs like 'dropdown' aren't supported yet"),
    "an input's value": ("\n{{ city }}", 2, "inputs aren't supported yet, so '{{ city }}' has no value"),
    "an input's value in SQL": ("```sql a\nselect 1\nwhere {{ city }}\n```", 3, "'{{ city }}' is no SQL block"),
    "filters": ('{% value metric="orders" filters=["a"] /%}', 1, "inputs aren't supported yet"),
    "a missing attribute": ('{% line_chart data="a" x="b" /%}', 1, "'line_chart' needs the attribute 'y'"),
    "no data": ('{% big_value value="b" /%}', 1, "'big_value' needs either 'data' or 'metric'"),
    "an unknown attribute": ('{% value metric="orders" colour="red" /%}', 1, "'value' has no attribute 'colour'"),
    "an unknown entry": ('{% big_value metric="orders" sparkline={ y="a" } /%}', 1, "'sparkline' has no entry 'y'"),
    "an unknown grain": ('{% line_chart metric="orders" date_grain="eon" /%}', 1, "'date_grain' can't be 'eon'"),
    "an unknown format": ('{% value metric="orders" fmt="usb2" /%}', 1, "there is no format 'usb2'"),
    "an unquoted value": ("{% value metric=orders /%}", 1, "the value of 'metric' needs quotes"),
    "an unknown metric": ('\n\n{% value metric="profit" /%}', 3, "There is no metric 'profit'"),
    "an unknown block": ('{% value data="months" value="1" /%}', 1, "there is no SQL block 'months' on this page"),
    "an unknown table": ('{% value data="gold.nope" value="1" /%}', 1, "Table with name nope does not exist"),
    "an unknown column": ('\n{% value data="gold.fact_orders" value="sum(nope)" /%}', 2, '"nope" not found'),
    "a SQL error": ("---\ntitle: A\n---\n\n```sql a\nselect\n  1 frm x\n```", 7, "syntax error"),
    "two statements": ("```sql a\nselect 1; drop table gold.fact_orders\n```", 2, "must be one SELECT"),
    "a change": ("```sql a\ndelete from gold.fact_orders\n```", 2, "must be one SELECT"),
    "two blocks of one name": ("```sql a\nselect 1\n```\n```sql a\nselect 1\n```", 4, "there are two SQL blocks 'a'"),
    "an open fence": ("\n```sql a\nselect 1", 2, "the code fence is never closed"),
    "an open tag": ("\n{% row %}\n", 2, "'row' is never closed"),
    "an open bracket": ("\n{% row", 2, "a tag is never closed with '%}'"),
    "a stray close": ("a\n{% /row %}", 2, "{% /row %} closes nothing"),
    "a measure alone": ('{% measure value="1" /%}', 1, "'measure' belongs inside 'table'"),
    "text for a number": ('{% line_chart data="gold.fact_orders" x="order_date" y="order_id" /%}', 1, "isn't a number"),
    "a bad range": (
        '{% value data="gold.fact_orders" value="1" date_range={ range="soon" date="order_date" } /%}',
        1,
        "there is no date range 'soon'",
    ),
    "bad front matter": ("---\ntitle: [\n---\n", 2, "the front matter isn't YAML"),
    "a link to another protocol": ("\n[x](ftp://example.com)", 2, "a page can't link to 'ftp://example.com'"),
}


@pytest.mark.parametrize(("page", "line", "clause"), WRONG.values(), ids=WRONG.keys())
def test_a_page_with_it_is_refused(render: Render, page: str, line: int, clause: str) -> None:
    with pytest.raises(QueryError) as refused:
        render(page)
    assert str(refused.value).startswith(f"pages/index.md:{line}: ")
    assert clause in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_wrong_page_leaves_the_site_as_it_was(render: Render, tmp_path: Path) -> None:
    render("before")
    with pytest.raises(QueryError):
        render("{% nope /%}")
    assert "before" in (tmp_path / "site" / "index.html").read_text()


def test_a_folder_without_a_first_page_is_refused(build: Callable[..., SiteResult], tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"has no index\.md"):
        build()

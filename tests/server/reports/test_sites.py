"""A folder of pages as a site: what is written, when, and that nothing in it can run."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import duckdb

from server.reports import SiteResult, build_site
from tests.server.reports.conftest import METRICS

Build = Callable[..., SiteResult]
Render = Callable[[str], str]
SHIPPED = Path(__file__).parents[3] / "reports"
TWO = {"index.md": '# Home\n\n{% value metric="orders" /%}\n', "b.md": "---\ntitle: B & co\n---\n\n# B\n"}


def write(folder: Path, pages: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


class Balance(HTMLParser):
    """Fail on markup that isn't closed as it was opened, and collect elements and ids."""

    VOID = ("meta", "link", "br", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_shipped_page_renders_as_whole_html(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    result = build_site(SHIPPED, tmp_path, "r1", shop, METRICS)
    assert result.pages == result.rebuilt == len(list(SHIPPED.glob("*.md")))
    for path in tmp_path.glob("*.html"):
        balance = Balance()
        balance.feed(path.read_text(encoding="utf-8"))
        assert balance.open == []
        assert not balance.seen & {"script", "iframe", "object", "style"}
        assert len(balance.ids) == len(set(balance.ids))


def test_what_is_in_each_currency_has_no_total(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    build_site(SHIPPED, tmp_path, "r1", shop, METRICS)
    page = (tmp_path / "subscriptions.html").read_text(encoding="utf-8")
    assert "Currency" in page
    assert "<tfoot" not in page


def test_failed_and_uncaptured_charges_and_other_currencies_are_in_no_sum(
    shop: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    shop.execute("""
        INSERT INTO gold.fact_payments BY NAME
        SELECT 'ch_failed' AS charge_id, 500 AS amount, 0 AS captured_amount, 'USD' AS currency, 'failed' AS status
        UNION ALL BY NAME
        SELECT
            'ch_authorised' AS charge_id, 300 AS amount, 0 AS captured_amount, 'USD' AS currency,
            'succeeded' AS status, false AS is_captured, '2024-04-01' AS payment_date
        UNION ALL BY NAME
        SELECT
            'ch_yen' AS charge_id, 7000 AS amount, 7000 AS captured_amount, 'JPY' AS currency,
            'succeeded' AS status, true AS is_captured, '2024-04-01' AS payment_date, 45 AS amount_settled, 2 AS fee,
            43 AS net, 'USD' AS settlement_currency;
        INSERT INTO gold.payment_reconciliation BY NAME
        SELECT 'ch_yen' AS charge_id, 7000 AS charge_amount, 'JPY' AS charge_currency, 'JPY' AS currency,
            'charge_without_order' AS status, 'A reason.' AS reason;
    """)
    build_site(SHIPPED, tmp_path, "r1", shop, METRICS)
    page = (tmp_path / "payments.html").read_text(encoding="utf-8")
    assert '<p class="label">Charged</p><p class="figure">$100.50</p>' in page
    assert '<p class="label">Fees</p><p class="figure">$6.00</p>' in page
    assert "7,000.00" in page
    assert "$7,000.00" not in page
    assert "7,100.50" not in page + (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_first_page_shows_the_numbers_of_the_shop(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    build_site(SHIPPED, tmp_path, "r1", shop, METRICS)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    for title, figure in {"Orders": "5", "Customers": "3", "Net revenue": "$100.50"}.items():
        assert f'<p class="label">{title}</p><p class="figure">{figure}</p>' in html


def test_the_shipped_pages_render_for_a_shop_without_orders(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for (table,) in shop.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'gold'").fetchall():
        shop.execute(f"DELETE FROM gold.{table}")
    assert build_site(SHIPPED, tmp_path, "r1", shop, METRICS).pages == len(list(SHIPPED.glob("*.md")))


def test_a_product_named_like_markup_is_shown_as_text(render: Render) -> None:
    name = '<script>alert(1)</script> & "co"'
    sql = f"```sql p\nselect '{name}' as name, 2 as units union all select 'b', 1\n```\n"
    html = render(
        sql
        + """{% table data="p" /%}\n\n{% bar_chart data="p" x="name" y="units" /%}\n
{% bar_chart data="p" x="units" y="units" series="name" title="<i>T" /%}\n
{% big_value data="p" value="max(name)" title="<b>" /%} {% value data="p" value="min(name)" /%}"""
    )
    assert "<script" not in html
    assert "<i>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;co&quot;" in html


def test_no_page_may_run_a_script(render: Render, tmp_path: Path) -> None:
    render("# A\n\na <script>alert(1)</script> b")
    html = (tmp_path / "site" / "index.html").read_text()
    assert "<script" not in html
    assert "default-src 'none'" in html


def test_the_navigation_names_every_page_and_links_follow(build: Build, tmp_path: Path) -> None:
    write(tmp_path / "pages", {**TWO, "index.md": "[b](b.md#x)"})
    build()
    html = (tmp_path / "site" / "index.html").read_text()
    assert '<a href="b.html">B &amp; co</a>' in html
    assert '<a href="b.html#x">b</a>' in html
    assert '<a href="index.html" aria-current="page">' in html


def test_nothing_is_written_again_when_nothing_changed(build: Build, tmp_path: Path) -> None:
    write(tmp_path / "pages", TWO)
    assert build().rebuilt == 2
    before = {path: path.stat().st_ino for path in (tmp_path / "site").iterdir()}
    assert build().rebuilt == 0
    assert {path: path.stat().st_ino for path in (tmp_path / "site").iterdir()} == before


def test_only_the_page_whose_results_changed_is_rendered_again(
    build: Build, tmp_path: Path, shop: duckdb.DuckDBPyConnection
) -> None:
    write(tmp_path / "pages", TWO)
    build()
    shop.execute("DELETE FROM gold.fact_orders WHERE order_id = '1'")
    assert build("r2").rebuilt == 1
    assert '<span class="value">4</span>' in (tmp_path / "site" / "index.html").read_text()


def test_only_the_page_whose_source_changed_is_rendered_again(build: Build, tmp_path: Path) -> None:
    write(tmp_path / "pages", TWO)
    build()
    write(tmp_path / "pages", {"b.md": "# Other"})
    assert build().rebuilt == 1


def test_a_page_names_the_new_release_even_where_its_numbers_stayed(build: Build, tmp_path: Path) -> None:
    write(tmp_path / "pages", TWO)
    build("r1")
    assert build("r2").rebuilt == 0
    assert "Release <code>r2</code>" in (tmp_path / "site" / "b.html").read_text()


def test_a_page_that_is_gone_leaves_the_site_and_other_files_stay(build: Build, tmp_path: Path) -> None:
    write(tmp_path / "pages", TWO)
    build()
    (tmp_path / "site" / "own.html").write_text("mine")
    (tmp_path / "pages" / "b.md").unlink()
    build()
    assert sorted(path.name for path in (tmp_path / "site").iterdir()) == ["index.html", "own.html", "style.css"]


def test_the_shop_s_own_tables_are_left_alone(build: Build, tmp_path: Path, shop: duckdb.DuckDBPyConnection) -> None:
    write(tmp_path / "pages", {"index.md": "```sql fact\nselect 1 as a\n```\n"})
    build()
    assert shop.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'fact'").fetchone() == (0,)

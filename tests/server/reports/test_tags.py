"""What each tag of a page turns into."""

import re
from collections.abc import Callable

import pytest

Render = Callable[[str], str]
MONTHS = "```sql months\nselect date_trunc('month', order_date)::date as month, net_amount from gold.fact_orders\n```\n"


def bars(svg: str) -> int:
    return svg.count('aria-roledescription="bar"')


def wide(html: str) -> str:
    """Return the drawing for wide screens alone; the same chart stands there for phones too."""
    return html.split('<div class="wide">')[1].split('<div class="narrow">')[0]


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


def test_a_value_stands_in_its_sentence(render: Render) -> None:
    html = render('We sold {% value data="gold.fact_orders" value="sum(net_amount)" fmt="usd2" /%} so far.')
    assert html == '<p>We sold <span class="value">$100.50</span> so far.</p>'


def test_a_value_can_name_a_metric(render: Render) -> None:
    assert '<span class="value">5</span>' in render('{% value metric="orders" /%}')


def test_where_narrows_the_data(render: Render) -> None:
    tag = """{% value data="gold.fact_orders" value="count(*)" where="customer_key = 'ann'" /%}"""
    assert '<span class="value">3</span>' in render(tag)


def test_a_big_value_has_title_trend_and_target(render: Render) -> None:
    html = render("""{% big_value
        metric="reconciled_orders" title="Reconciled" fmt="num0"
        sparkline={ type="bar" date_grain="month" }
        comparison={ compare_vs="target" target="chargeable_orders" display_type="compared_value" text="of" }
    /%}""")
    assert '<p class="label">Reconciled</p><p class="figure">4</p><p class="comparison">of 4</p>' in html
    assert html.count('class="spark-bar"') == 4  # January to April, with the two empty months between


def test_a_big_value_is_compared_with_the_period_before(render: Render) -> None:
    html = render("""{% big_value data="gold.fact_orders" value="sum(units)"
        date_range={ range="2024-04-01 to 2024-04-30" date="order_date" }
        comparison={ compare_vs="prior period" text="vs March" } /%}""")
    assert '<p class="figure">8</p><p class="comparison">no earlier value vs March</p>' in html
    html = render("""{% big_value data="gold.fact_orders" value="sum(units)"
        date_range={ range="2024-04-01 to 2024-06-30" date="order_date" }
        comparison={ compare_vs="prior period" display_type="abs" } /%}""")
    assert '<span class="good">▲ 5</span> vs prior period' in html


def test_a_bar_chart_has_a_bar_for_each_month(render: Render) -> None:
    html = render(MONTHS + '{% bar_chart data="months" x="month" y="sum(net_amount)" title="Sales" /%}')
    assert bars(wide(html)) == 2
    assert "sum" not in wide(html).split("<desc")[0]
    assert ["Jan 2024", "30"] in cells(html)
    assert ["Apr 2024", "70.50"] in cells(html)


def test_a_series_makes_a_bar_for_each_of_its_values(render: Render) -> None:
    html = render(
        '{% bar_chart data="gold.fact_orders" x="order_date" y="count(*)" series="customer_key" date_grain="month" /%}'
    )
    assert bars(wide(html)) == 4  # ann in January; ann, bob and cy in April
    assert all(f">{name}</text>" in wide(html) for name in ("ann", "bob", "cy"))


@pytest.mark.parametrize("kind", ["line_chart", "area_chart"])
def test_a_metric_is_drawn_by_month_without_gaps(render: Render, kind: str) -> None:
    html = render(f'{{% {kind} metric="net_revenue" title="Revenue" y_fmt="usd" /%}}')
    assert cells(html)[1:] == [
        ["Jan 2024", "$30.00"],
        ["Feb 2024", "$0.00"],
        ["Mar 2024", "$0.00"],
        ["Apr 2024", "$70.50"],
    ]
    assert 'role="img"' in html
    assert ">Revenue</title>" in html


def test_several_y_are_several_lines(render: Render) -> None:
    html = render('{% line_chart data="gold.daily_shop" x="day" y=["sum(orders) as Orders", "sum(units) as Units"] /%}')
    assert wide(html).count('aria-roledescription="line mark"') == 2


def test_names_stand_on_the_axis_as_they_are_ordered(render: Render) -> None:
    tag = '{% bar_chart data="gold.fact_orders" x="customer_key" y="sum(units)" order="sum(units) desc" /%}'
    assert [row[0] for row in cells(render(tag))[1:]] == ["ann", "bob", "cy"]


def test_a_table_without_columns_named_shows_them_all(render: Render) -> None:
    html = render("```sql pair\nselect 'a' as first_name, 1234.5 as net_total\n```\n{% table data=\"pair\" /%}")
    assert cells(html) == [["First Name", "Net Total"], ["a", "1,234.50"]]
    assert '<td class="number">1,234.50</td>' in html


def test_a_table_groups_by_its_dimensions_and_ends_in_a_total(render: Render) -> None:
    html = render(
        """{% table data="gold.fact_orders" order="order_date" %}
        {% dimension value="order_date" date_grain="month" title="Month" /%}
        {% measure value="sum(net_amount)" title="Net" fmt="usd2" /%}
        {% /table %}""".replace('order_date" %}', 'all" %}')
    )
    assert cells(html) == [["Month", "Net"], ["Jan 2024", "$30.00"], ["Apr 2024", "$70.50"], ["Total", "$100.50"]]


def test_a_table_says_so_when_it_has_no_rows(render: Render) -> None:
    assert "No rows." in render('{% table data="gold.fact_orders" where="false" /%}')


def test_a_row_a_callout_and_details_enclose_what_is_in_them(render: Render) -> None:
    html = render('{% row %}\n{% callout type="warning" title="Mind" %}\nthe *gap*\n{% /callout %}\n{% /row %}')
    assert html.startswith('<div class="row"><aside class="callout warning"><p class="callout-title">Mind</p>')
    assert "<em>gap</em>" in html
    assert "<summary>More</summary><p>text</p>" in render('{% details title="More" %}\n\ntext\n\n{% /details %}')


def test_blocks_read_earlier_blocks_in_each_dialect(render: Render) -> None:
    names = ("months", "${months}", "{{months}}")
    blocks = "".join(f"```sql b{at}\nselect count(*) as n from {name}\n```\n" for at, name in enumerate(names))
    values = "".join(f'{{% value data="b{at}" value="n" /%}}\n' for at in range(3))
    assert render(MONTHS + blocks + values).count('<span class="value">5</span>') == 3


def test_money_is_in_the_currency_of_the_shop(render: Render, shop: object) -> None:
    shop.execute("UPDATE gold.daily_shop SET currency = 'EUR'")  # type: ignore[attr-defined]
    assert "€100.50" in render('{% value metric="net_revenue" fmt="money2" /%}')

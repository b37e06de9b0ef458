"""A toy shop in DuckDB, and one page rendered against it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from lake.metrics import load_metrics
from server.reports import SiteResult, build_site

METRICS = load_metrics()

# Ann orders 10.00 and 20.00 in January and 30.00 in April; Bob 40.50 in April; Cy's order in April is free.
# One subscription is worth 10.00 a month in January and 15.00 in February.
GOLD = """
CREATE SCHEMA gold;
CREATE TABLE gold.fact_orders AS SELECT
    'key' || order_id AS order_key, order_id, customer_key, order_date::date AS order_date, 'closed' AS order_status,
    'paid' AS payment_status, 'fulfilled' AS fulfillment_status, units::bigint AS units,
    amount::decimal(18,2) AS net_amount, amount::decimal(18,2) AS gross_amount, 'USD' AS currency
FROM (VALUES
    ('1', 'ann', '2024-01-01', 1, 10.00), ('2', 'ann', '2024-01-31', 2, 20.00), ('3', 'ann', '2024-04-01', 3, 30.00),
    ('4', 'bob', '2024-04-01', 4, 40.50), ('5', 'cy', '2024-04-08', 1, 0.00)
) AS orders (order_id, customer_key, order_date, units, amount);
CREATE TABLE gold.dim_customers AS SELECT
    customer_key, customer_key AS customer_id, 'Rome' AS city, 'NY' AS state, 'US' AS country,
    count(*) AS total_orders, sum(net_amount) AS lifetime_value, min(order_date) AS first_order_date,
    max(order_date) AS last_order_date, 'smb' AS customer_segment, true AS is_current
FROM gold.fact_orders GROUP BY customer_key;
CREATE TABLE gold.daily_shop AS SELECT
    order_date AS day, currency, count(*) AS orders, count(DISTINCT customer_key) AS customers,
    1::bigint AS new_customers, sum(units)::bigint AS units, sum(net_amount) AS net_revenue
FROM gold.fact_orders GROUP BY ALL;
CREATE TABLE gold.fact_payments AS SELECT
    'ch_' || order_id AS charge_id, order_id, net_amount AS amount, 'USD' AS currency, net_amount AS amount_settled,
    1.00::decimal(18,2) AS fee, net_amount - 1 AS net, 'USD' AS settlement_currency, 'succeeded' AS status,
    true AS is_captured, net_amount AS captured_amount, order_date AS payment_date
FROM gold.fact_orders WHERE net_amount > 0;
CREATE TABLE gold.payment_reconciliation AS SELECT
    order_key, order_id, order_date, net_amount AS order_amount, charge_id, amount AS charge_amount,
    net_amount - coalesce(amount, 0) AS difference, 'USD' AS currency, p.currency AS charge_currency,
    if(charge_id IS NULL, 'not_chargeable', 'reconciled') AS status, 'A reason.' AS reason
FROM gold.fact_orders LEFT JOIN gold.fact_payments AS p USING (order_id);
CREATE TABLE gold.mrr AS SELECT
    month::date AS month, 'USD' AS currency, mrr::decimal(18,2) AS mrr, new_mrr::decimal(18,2) AS new_mrr,
    expansion_mrr::decimal(18,2) AS expansion_mrr, 0::decimal(18,2) AS contraction_mrr,
    0::decimal(18,2) AS churned_mrr, 0::decimal(18,2) AS reactivation_mrr
FROM (VALUES ('2024-01-01', 10, 10, 0), ('2024-02-01', 15, 0, 5)) AS moves (month, mrr, new_mrr, expansion_mrr);
CREATE TABLE gold.subscriptions AS SELECT
    'active' AS status, 'USD' AS currency, 2::bigint AS invoices, 25::decimal(18,2) AS billed_amount,
    15::decimal(18,2) AS mrr;
"""


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(GOLD)
        yield connection


@pytest.fixture
def build(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., SiteResult]:
    """Build the site of the folder ``pages`` into the folder ``site``."""

    def built(release: str = "r1") -> SiteResult:
        return build_site(tmp_path / "pages", tmp_path / "site", release, shop, METRICS)

    return built


@pytest.fixture
def render(build: Callable[..., SiteResult], tmp_path: Path) -> Callable[[str], str]:
    """Render one page and give its main part, without the document around it."""

    def rendered(markdown: str) -> str:
        (tmp_path / "pages").mkdir(exist_ok=True)
        (tmp_path / "pages" / "index.md").write_text(markdown, encoding="utf-8")
        build()
        document = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
        return document.split("<!-- body -->\n")[1].split("\n<!-- end -->")[0]

    return rendered

"""Customers followed from the month of their first order on."""

from typing import Any

from sqlglot import exp, parse_one
from sqlmesh import macro


@macro()
def cohorts(evaluator: Any, orders: exp.Expression) -> exp.Expression:
    """Write the query that follows the customers of ``orders``: one row a cohort, month and currency.

    ``orders`` has a customer, an order_date, a currency and a net_amount in each row.
    """
    ends = ("months.month", "months.cohort")
    since = " - ".join(f"(EXTRACT(YEAR FROM {one}) * 12 + EXTRACT(MONTH FROM {one}))" for one in ends)
    sql = f"""
    WITH dated AS (
      SELECT *, CAST(DATE_TRUNC('MONTH', order_date) AS DATE) AS month,
        CAST(DATE_TRUNC('MONTH', MIN(order_date) OVER (PARTITION BY customer)) AS DATE) AS cohort
      FROM {orders.name}
    ), sizes AS (
      SELECT cohort, COUNT(DISTINCT customer) AS customers
      FROM dated
      GROUP BY cohort
    ), months AS (
      SELECT cohort, month, currency, COUNT(DISTINCT customer) AS active_customers, COUNT(*) AS orders,
        SUM(net_amount) AS net_amount
      FROM dated
      GROUP BY cohort, month, currency
    )
    SELECT months.cohort AS cohort_month, months.month, {since} AS months_since,
      months.currency, sizes.customers AS cohort_customers, months.active_customers, months.orders, months.net_amount,
      SUM(months.net_amount) OVER (
        PARTITION BY months.cohort, months.currency ORDER BY months.month
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS net_amount_so_far
    FROM months
    JOIN sizes ON sizes.cohort = months.cohort
    """
    return parse_one(sql, dialect="duckdb")

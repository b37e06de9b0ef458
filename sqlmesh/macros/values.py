"""Values as the vendors write them: ids, instants, dates and money."""

from typing import Any

from sqlglot import exp, parse_one
from sqlmesh import macro


@macro()
def bare_id(evaluator: Any, gid: exp.Expression) -> exp.Expression:
    """Take the number out of a Shopify global id: ``gid://shopify/Order/123`` is ``123``."""
    return parse_one(f"SPLIT_PART(SPLIT_PART({gid.sql('duckdb')}, '/', -1), '?', 1)", dialect="duckdb")


@macro()
def utc(evaluator: Any, text: exp.Expression) -> exp.Expression:
    """Read an ISO-8601 instant with its offset as a timestamp in UTC; NULL when it is none."""
    if evaluator.gateway == "snowflake":
        sql = f"CAST(CONVERT_TIMEZONE('UTC', TRY_CAST({text.sql('snowflake')} AS TIMESTAMP_TZ)) AS TIMESTAMP_NTZ)"
        return parse_one(sql, dialect="snowflake")
    return parse_one(f"TRY_CAST({text.sql('duckdb')} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'", dialect="duckdb")


@macro()
def epoch(evaluator: Any, seconds: exp.Expression) -> exp.Expression:
    """Read Unix seconds, as text, as a timestamp in UTC; NULL when they are none."""
    if evaluator.gateway == "snowflake":
        # A function of no dialect: sqlglot loses an interval that isn't a constant on its way to Snowflake.
        count = exp.TryCast(this=seconds, to=exp.DataType.build("BIGINT"))
        since = exp.cast(exp.Literal.string("1970-01-01 00:00:00"), "TIMESTAMPNTZ")
        return exp.Anonymous(this="TIMESTAMPADD", expressions=[exp.Literal.string("second"), count, since])
    return parse_one(f"MAKE_TIMESTAMP(TRY_CAST({seconds.sql('duckdb')} AS BIGINT) * 1000000)", dialect="duckdb")


@macro()
def plain(evaluator: Any, instant: exp.Expression) -> exp.Expression:
    """Give an instant with a time zone as a timestamp in UTC without one."""
    if evaluator.gateway == "snowflake":
        sql = f"CAST(CONVERT_TIMEZONE('UTC', {instant.sql('snowflake')}) AS TIMESTAMP_NTZ)"
        return parse_one(sql, dialect="snowflake")
    return parse_one(f"CAST({instant.sql('duckdb')} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'", dialect="duckdb")


@macro()
def local_date(evaluator: Any, instant: exp.Expression, zone: exp.Expression) -> exp.Expression:
    """Give the calendar date that a UTC timestamp falls on in a time zone such as ``America/New_York``."""
    if evaluator.gateway == "snowflake":
        sql = f"CAST(CONVERT_TIMEZONE('UTC', {zone.sql('snowflake')}, {instant.sql('snowflake')}) AS DATE)"
        return parse_one(sql, dialect="snowflake")
    sql = f"CAST({instant.sql('duckdb')} AT TIME ZONE 'UTC' AT TIME ZONE {zone.sql('duckdb')} AS DATE)"
    return parse_one(sql, dialect="duckdb")


@macro()
def date_key(evaluator: Any, day: exp.Expression) -> exp.Expression:
    """Give a date as the integer yyyymmdd."""
    day_sql = day.sql("duckdb")
    sql = (
        f"CAST(EXTRACT(YEAR FROM {day_sql}) * 10000 + EXTRACT(MONTH FROM {day_sql}) * 100 "
        f"+ EXTRACT(DAY FROM {day_sql}) AS INT)"
    )
    return parse_one(sql, dialect="duckdb")


@macro()
def money(evaluator: Any, text: exp.Expression) -> exp.Expression:
    """Read an amount in major units, as text; NULL when it is no number."""
    return parse_one(f"TRY_CAST({text.sql('duckdb')} AS DECIMAL(18, 2))", dialect="duckdb")


@macro()
def minor_money(evaluator: Any, text: exp.Expression, exponent: exp.Expression) -> exp.Expression:
    """Read an amount in a currency's smallest unit, as text, into major units.

    ``exponent`` says how many decimals the currency has: 0 for yen, 2 for dollars, 3 for dinars.
    """
    whole = f"TRY_CAST({text.sql('duckdb')} AS DECIMAL(15, 0))"
    unit = f"CASE {exponent.sql('duckdb')} WHEN 0 THEN 1.000 WHEN 2 THEN 0.010 WHEN 3 THEN 0.001 END"
    return parse_one(f"CAST({whole} * CAST({unit} AS DECIMAL(4, 3)) AS DECIMAL(18, 2))", dialect="duckdb")

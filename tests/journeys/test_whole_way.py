"""The whole way with the CDNOW history: the numbers come out as they are known, however they are read."""

import json
import re
from decimal import Decimal

import httpx
import polars as pl
import pytest

from infra import local
from lake.catalogue import catalogue_properties, open_catalogue
from lake.readers import connect, scan
from lake.releases import Release, current_release
from lake.settings import Settings
from lake.warehouse import gold_tables
from server.serve import serving_here
from tests.journeys.conftest import User

HEADLINE = "orders 69659 · customers 23570 · net revenue 2500315.63 USD · reconciled 69579/69579"
# Purchases, CDs and dollars by month, counted from the published data set.
MONTHS = {
    "1997-01-01": (8928, 19416, "299060.17"),
    "1997-02-01": (11272, 24921, "379590.03"),
    "1997-03-01": (11598, 26159, "393155.27"),
    "1997-04-01": (3781, 9729, "142824.49"),
    "1997-05-01": (2895, 7275, "107933.30"),
    "1997-06-01": (3054, 7301, "108395.87"),
    "1997-07-01": (2942, 8131, "122078.88"),
    "1997-08-01": (2320, 5851, "88367.69"),
    "1997-09-01": (2296, 5729, "81948.80"),
    "1997-10-01": (2562, 6203, "89780.77"),
    "1997-11-01": (2750, 7812, "115448.64"),
    "1997-12-01": (2504, 6418, "95577.35"),
    "1998-01-01": (2032, 5278, "76756.78"),
    "1998-02-01": (2026, 5340, "77096.96"),
    "1998-03-01": (2793, 7431, "108970.15"),
    "1998-04-01": (1878, 4697, "66231.52"),
    "1998-05-01": (1985, 4903, "70989.66"),
    "1998-06-01": (2043, 5287, "76109.30"),
}


def ask(user: User, question: str) -> list[dict[str, object]]:
    done = user.boathouse("query", question, "--format", "json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, object]] = json.loads(done.stdout)
    return rows


def test_a_run_ends_in_the_known_answers(reader: User) -> None:
    lines = (reader.folder / "first-run.txt").read_text(encoding="utf-8").splitlines()
    assert lines[-2] == HEADLINE
    assert re.fullmatch(r"run: ok · release \S+ · [\d.]+ s · report \.boathouse/site/index\.html", lines[-1])
    assert (reader.folder / ".boathouse/site/index.html").is_file()


def test_a_second_run_says_that_nothing_is_new_and_adds_nothing(reader: User) -> None:
    first = (reader.folder / "first-run.txt").read_text(encoding="utf-8").splitlines()[-1]
    release = first.split(" · ")[1]
    before = snapshots(reader)
    done = reader.boathouse("run")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[-2] == HEADLINE
    assert release in lines[-1]
    assert any(line.startswith("nothing new") for line in lines)
    assert snapshots(reader) == before


def snapshots(user: User) -> dict[str, int]:
    """Count the snapshots of every table, gold and bookkeeping included."""
    with local.running(user.state, only={"seaweedfs"}) as live:
        catalogue = open_catalogue(live)
        return {
            ".".join(name): len(catalogue.load_table(name).snapshots())
            for space in ("bronze", "gold", "ops")
            for name in catalogue.list_tables(space)
        }


def test_the_ledger_agrees(reader: User) -> None:
    done = reader.boathouse("prove")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "prove: ok · 28 loads · 443,809 rows as their sources said"


def test_every_month_is_right_in_the_shops_own_zone(reader: User) -> None:
    with local.running(reader.state, only={"seaweedfs", "valkey"}) as live, serving_here(live) as address:
        answers = [
            httpx.get(f"{address}/v1/metrics/{name}", params={"grain": "month"}, timeout=60).json()["data"]
            for name in ("orders", "units", "net_revenue")
        ]
    orders, units, revenue = ({row["time"]: row["value"] for row in data} for data in answers)
    assert {month: (count, units[month], revenue[month]) for month, count in orders.items()} == MONTHS


def test_the_history_of_segments_is_the_datas(reader: User) -> None:
    rows = ask(
        reader,
        "select customer_segment, count(*) n, max(lifetime_value)::varchar most "
        "from dim_customers where is_current group by all order by all",
    )
    counted = {row["customer_segment"]: row["n"] for row in rows}
    assert counted == {"enterprise": 1, "mid_market": 199, "smb": 23370}
    assert max(Decimal(str(row["most"])) for row in rows) == Decimal("13990.93")


def test_units_and_purchases_of_nothing_are_the_datas(reader: User) -> None:
    question = "select sum(units)::bigint units, count(*) filter (net_amount = 0) free from fact_orders"
    assert ask(reader, question) == [{"units": 167881, "free": 80}]


def release_of(live: Settings) -> Release:
    release = current_release(open_catalogue(live))
    assert release is not None
    return release


@pytest.mark.filterwarnings("ignore:Iceberg scan planning with the polars_iceberg plugin")
def test_duckdb_polars_and_pyiceberg_read_the_same_gold(reader: User) -> None:
    with local.running(reader.state, only={"seaweedfs"}) as live:
        release = release_of(live)
        assert sorted(release.gold) == gold_tables()
        for name, pin in release.gold.items():
            with connect(live) as connection:
                ducks = connection.execute(f"SELECT * FROM {scan(pin)}").to_arrow_table()
            bears = pl.scan_iceberg(
                pin.metadata_location, storage_options=storage(live), reader_override="native"
            ).collect()
            snakes = open_catalogue(live).load_table(f"gold.{name}").scan(snapshot_id=pin.snapshot_id).to_arrow()
            frames = [pl.from_arrow(ducks), bears, pl.from_arrow(snakes)]
            assert len({digest(frame) for frame in frames if isinstance(frame, pl.DataFrame)}) == 1, name
            assert all(len(frame) for frame in frames) or name == "fact_refunds"  # CDNOW's customers gave nothing back


def storage(live: Settings) -> dict[str, str]:
    return {key: value for key, value in catalogue_properties(live).items() if key.startswith("s3.")}


def digest(frame: pl.DataFrame) -> tuple[int, tuple[str, ...]]:
    """Sum the rows' texts' hashes, whatever the rows' order and the reader's choice of text and time types."""
    texts = frame.select(
        pl.concat_str([text_of(frame, name) for name in sorted(frame.columns)], separator="|").alias("row")
    )
    return int(texts["row"].hash(seed=1).cast(pl.Decimal(38, 0)).sum()), tuple(sorted(frame.columns))


def text_of(frame: pl.DataFrame, name: str) -> pl.Expr:
    kind = frame.schema[name]
    column = pl.col(name)
    if isinstance(kind, pl.Datetime):
        column = column.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    return column.cast(pl.String).fill_null("∅")


def test_a_question_that_cannot_be_answered_is_one_sentence(reader: User) -> None:
    done = reader.boathouse("query", "select * from gold.fact_nothing")
    assert done.returncode == 1
    assert done.stderr.startswith("boathouse: There is no table 'gold.fact_nothing'")
    assert done.stderr.count("\n") == 1

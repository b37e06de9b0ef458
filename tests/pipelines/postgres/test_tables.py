"""Which tables are followed, what of them, and what they are called in bronze."""

import pytest

from lake.errors import SourceError
from pipelines.postgres import bronze_tables, heaps
from pipelines.postgres.naming import bronze_name
from tests.pipelines.postgres.conftest import Landed, Source


def wanting(source: Source, *patterns: str) -> list[str]:
    return bronze_tables(source.settings.model_copy(update={"postgres_tables": list(patterns)}))


@pytest.fixture
def shop(source: Source) -> Source:
    source.run("CREATE SCHEMA shop", "CREATE TABLE shop.log (line text)")
    source.run(
        *(f"CREATE TABLE shop.{name} (id integer PRIMARY KEY)" for name in ("order_lines", "order_old", "stock"))
    )
    source.run("CREATE TABLE public.other (id integer PRIMARY KEY)")
    return source


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ((), ["other", "order_lines", "order_old", "stock"]),
        (("shop.*",), ["order_lines", "order_old", "stock"]),
        (("shop.order_*", "-shop.order_old"), ["order_lines"]),
        (("-shop.order_old", "shop.order_*"), ["order_lines"]),
        (("-shop.*",), ["other"]),
        (("public.other", "shop.stoc?"), ["other", "stock"]),
    ],
)
def test_tables_are_wanted_by_name_and_by_pattern_and_left_out_with_a_minus(
    shop: Source, patterns: tuple[str, ...], found: list[str]
) -> None:
    assert [name.removeprefix("pg_shop_").removeprefix("pg_public_") for name in wanting(shop, *patterns)] == found


def test_tables_of_an_extension_are_passed_over(shop: Source) -> None:
    shop.run("ALTER EXTENSION plpgsql ADD TABLE shop.stock")
    assert wanting(shop, "shop.*") == ["pg_shop_order_lines", "pg_shop_order_old"]


@pytest.mark.parametrize("pattern", ["shop.stok", "shop.x*", "-shop.stok"])
def test_what_fits_no_table_is_named(shop: Source, pattern: str) -> None:
    with pytest.raises(SourceError, match=r"no table '-?shop\.\S*' in the Postgres .* names such as public\.other"):
        wanting(shop, "shop.*", pattern)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("ALTER TABLE shop.stock REPLICA IDENTITY NOTHING", "REPLICA IDENTITY NOTHING"),
        ("ALTER TABLE shop.stock DROP CONSTRAINT stock_pkey", "no key that tells its rows apart"),
        ("ALTER TABLE shop.stock DROP CONSTRAINT stock_pkey, ADD PRIMARY KEY (id) DEFERRABLE", "no key"),
    ],
)
def test_a_table_whose_updates_cannot_be_told_is_refused_by_name_and_passed_over_by_pattern(
    shop: Source, statement: str, reason: str
) -> None:
    shop.run(statement)
    with pytest.raises(SourceError, match=rf'The table shop\.stock has {reason}.*ALTER TABLE "shop"\."stock"'):
        wanting(shop, "shop.stock")
    assert wanting(shop, "shop.*") == ["pg_shop_order_lines", "pg_shop_order_old"]


def test_names_with_capitals_and_signs_are_plain_in_bronze_and_untouched_in_the_source(
    source: Source, landed: Landed
) -> None:
    source.run('CREATE SCHEMA "My Shop"', 'CREATE TABLE "My Shop"."Order.Lines" ("Id" integer PRIMARY KEY, "a b" text)')
    source.run("""INSERT INTO "My Shop"."Order.Lines" VALUES (1, 'x')""")
    landed.load()
    source.run("""UPDATE "My Shop"."Order.Lines" SET "a b" = 'y'""")
    landed.load()
    rows = landed.tables["pg_my_shop_order_lines"]
    assert [(row["_op"], row["Id"], row["a b"]) for row in rows] == [("r", 1, "x"), ("u", 1, "y")]


def test_two_tables_that_would_land_in_one_are_both_named(source: Source) -> None:
    source.run('CREATE TABLE "Stock" (id integer PRIMARY KEY)', "CREATE TABLE stock (id integer PRIMARY KEY)")
    with pytest.raises(SourceError, match=r"public\.Stock and public\.stock would both land as bronze"):
        wanting(source)
    assert wanting(source, "-public.Stock") == ["pg_public_stock"]


NAMES = [
    (("public", "stock_2"), "pg_public_stock_2"),
    (("My Shop", "Order.Lines-2"), "pg_my_shop_order_lines_2"),
    (("public", "Größe"), "pg_public_gru00f6u00dfe"),
    (("public", "注文"), "pg_public_u6ce8u6587"),
    (("public", "顧客"), "pg_public_u9867u5ba2"),
    (("public", "a\u2013b🛒"), "pg_public_a_b_"),
]


@pytest.mark.parametrize(("given", "name"), NAMES)
def test_a_name_in_bronze_has_small_letters_digits_and_underscores(given: tuple[str, str], name: str) -> None:
    assert bronze_name(*given) == name


def test_tables_whose_names_have_no_latin_letter_are_followed_side_by_side(source: Source, landed: Landed) -> None:
    for table in ("注文", "顧客"):
        source.run(
            f"CREATE TABLE {table} (id integer PRIMARY KEY, 名前 text)", f"INSERT INTO {table} VALUES (1, '{table}')"
        )
    landed.load()
    source.run("UPDATE 注文 SET 名前 = 'x'")
    landed.load()
    assert {name: [row["名前"] for row in rows] for name, rows in landed.tables.items()} == {
        "pg_public_u6ce8u6587": ["注文", "x"],
        "pg_public_u9867u5ba2": ["顧客"],
    }


def test_two_columns_that_differ_by_capitals_alone_are_refused(source: Source, landed: Landed) -> None:
    source.run('CREATE TABLE t (id integer PRIMARY KEY, total integer, "Total" integer)')
    with pytest.raises(SourceError, match=r"The columns Total and total of public\.t differ by capitals alone"):
        landed.load()


def test_only_the_published_columns_and_rows_are_copied_and_followed(source: Source, landed: Landed) -> None:
    name = source.settings.postgres_publication
    source.run("CREATE TABLE t (id integer PRIMARY KEY, kept integer, secret text)")
    source.run("INSERT INTO t VALUES (1, 10, 'x'), (2, 20, 'y')")
    source.run(f"CREATE PUBLICATION {name} FOR TABLE t (id, kept) WHERE (id > 1)")
    landed.load()
    source.run("INSERT INTO t VALUES (0, 5, 'z'), (3, 30, 'z')")
    landed.load()
    rows = landed.tables["pg_public_t"]
    assert [(row["_op"], row["id"], row["kept"], "secret" in row) for row in rows] == [
        ("r", 2, 20, False),
        ("c", 3, 30, False),
    ]


def test_a_list_of_columns_without_the_key_is_refused(source: Source, landed: Landed) -> None:
    name = source.settings.postgres_publication
    source.run("CREATE TABLE t (id integer PRIMARY KEY, kept integer)")
    source.run(f"CREATE PUBLICATION {name} FOR TABLE t (kept)")
    with pytest.raises(SourceError, match=r"leaves out the column id of public\.t, which is part of its key"):
        landed.load()


@pytest.mark.parametrize("via_root", ["true", "false"])
def test_a_partitioned_table_is_one_table_whose_leaves_are_copied_in_ranges(
    source: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch, via_root: str
) -> None:
    monkeypatch.setattr(heaps, "LEAST_BYTES", 4 * 8192)
    name = source.settings.postgres_publication
    source.run(
        "CREATE TABLE t (id integer, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)",
        "CREATE TABLE t_old PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
        # The same columns in another order, and one that went.
        "CREATE TABLE t_new (gone integer, note text, day date NOT NULL, id integer NOT NULL, PRIMARY KEY (id, day))",
        "ALTER TABLE t_new DROP gone",
        "ALTER TABLE t ATTACH PARTITION t_new FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')",
        "INSERT INTO t SELECT n, '2020-06-01', repeat('x', 200) FROM generate_series(1, 1000) n",
        "INSERT INTO t SELECT n, '2021-06-01', 'new' FROM generate_series(1, 500) n",
        f"CREATE PUBLICATION {name} FOR TABLE t WITH (publish_via_partition_root = {via_root})",
    )
    assert landed.load() == 1500
    assert len(landed.batches["pg_public_t"]) > 3
    source.run(
        "UPDATE t SET note = 'changed' WHERE id = 1",
        "UPDATE t SET day = '2020-07-01' WHERE day > '2021-01-01' AND id = 500",
    )
    landed.load()
    assert list(landed.tables) == ["pg_public_t"]
    rows = landed.tables["pg_public_t"]
    state: dict[tuple[object, object], object] = {}
    for row in sorted(rows, key=lambda row: (row["_commit_lsn"], row["_ordinal"])):
        state.pop((row["id"], row["day"]), None)
        if row["_op"] != "d":
            state[row["id"], row["day"]] = row["note"]
    assert state == {(number, day): note for number, day, note in source.rows("SELECT id, day, note FROM t")}


def test_a_partition_is_copied_by_its_own_row_filter_and_one_that_is_not_published_is_not(
    source: Source, landed: Landed
) -> None:
    name = source.settings.postgres_publication
    source.run("CREATE TABLE t (id integer PRIMARY KEY, v integer) PARTITION BY RANGE (id)")
    for number in range(3):
        bounds = f"FROM ({number * 10}) TO ({number * 10 + 10})"
        source.run(f"CREATE TABLE t_{number} PARTITION OF t FOR VALUES {bounds}")
    source.run(
        "INSERT INTO t SELECT n, n % 2 FROM generate_series(0, 29) n",
        "ALTER TABLE t_0 REPLICA IDENTITY FULL",
        f"CREATE PUBLICATION {name} FOR TABLE t_0 WHERE (v = 1), TABLE t_1",
    )
    assert landed.load() == 5 + 10
    source.run("UPDATE t SET v = 5 WHERE id IN (2, 12, 22)")
    landed.load()
    assert landed.current("pg_public_t", "id").keys() == {1, 3, 5, 7, 9, *range(10, 20)}
    assert landed.current("pg_public_t", "id")[12]["v"] == 5

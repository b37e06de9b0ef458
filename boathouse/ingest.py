"""The pull: every source that is set, each in one load."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

from pyiceberg.catalog import Catalog

from lake.settings import Settings
from pipelines import debezium, postgres, shopify, stripe
from pipelines.documents import Load
from pipelines.loads import Loaded, cursors, known_documents, run_load

Pull = Callable[[postgres.Tell], Loaded]


def configured(settings: Settings) -> list[str]:
    """Name the sources that are set, in the order they are pulled."""
    have = {
        "shopify": settings.shopify_shop,
        "stripe": settings.stripe_api_key,
        "postgres": settings.postgres_dsn,
        "debezium": settings.debezium_url,
    }
    return [name for name, value in have.items() if value]


def ingest(settings: Settings, catalogue: Catalog, without: Collection[str] = ()) -> Iterator[tuple[str, Pull]]:
    """Give each configured source's name with the function that pulls it. The functions raise SourceError.

    A function is given what hears of the rows of a database's first copies. Sources named in ``without`` are left out,
    since something else lands them.
    """
    for name in configured(settings):
        if name not in without:
            yield name, partial(pull_source, settings, catalogue, name)


def pull_source(settings: Settings, catalogue: Catalog, name: str, tell: postgres.Tell = postgres.silent) -> Loaded:
    """Pull one source by name, once; ``tell`` hears of the rows of a database's first copies. Raises SourceError."""
    if name == "postgres":
        return _postgres(settings, catalogue, tell)
    pulls = {"shopify": _shopify, "stripe": _stripe, "debezium": _debezium}
    return pulls[name](settings, catalogue)


def _shopify(settings: Settings, catalogue: Catalog) -> Loaded:
    with known_documents(settings, catalogue) as known:

        def source(load: Load) -> Any:
            return shopify.shopify_source(settings, load, cursors(catalogue, shopify.TABLES, shopify.WRITER), known)

        return run_load(settings, catalogue, "shopify", source)


def _stripe(settings: Settings, catalogue: Catalog) -> Loaded:
    with known_documents(settings, catalogue) as known:

        def source(load: Load) -> Any:
            return stripe.stripe_source(settings, load, cursors(catalogue, stripe.TABLES, stripe.WRITER), known)

        return in_slices(catalogue, lambda: run_load(settings, catalogue, "stripe", source))


def in_slices(catalogue: Catalog, pull: Callable[[], Loaded]) -> Loaded:
    """Pull Stripe until each long list has been read to its end, one slice and one commit at a time."""
    loaded = pull()
    before: dict[str, str] = {}
    while stripe.unfinished(stand := cursors(catalogue, stripe.TABLES, stripe.WRITER)) and stand != before:
        before = stand
        loaded = loaded.and_then(pull())
    return loaded


def _postgres(settings: Settings, catalogue: Catalog, tell: postgres.Tell) -> Loaded:
    counted = postgres.pull(settings, postgres.IcebergBronze(catalogue), tell)
    return Loaded("postgres", counted.rows, tuple(postgres.warning(*one) for one in counted.stopped.items()))


def _debezium(settings: Settings, catalogue: Catalog) -> Loaded:
    counted = debezium.pull(settings, catalogue)
    return Loaded("debezium", counted.rows, tuple(counted.stopped.values()))

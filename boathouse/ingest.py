"""The pull: every source that is set, each in one load."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from pyiceberg.catalog import Catalog

from lake.settings import Settings
from pipelines import postgres, shopify, stripe
from pipelines.documents import Load
from pipelines.loads import Loaded, cursors, known_documents, run_load


def configured(settings: Settings) -> list[str]:
    """Name the sources that are set, in the order they are pulled."""
    have = {
        "shopify": settings.shopify_shop,
        "stripe": settings.stripe_api_key,
        "postgres": settings.postgres_dsn,
    }
    return [name for name, value in have.items() if value]


def ingest(
    settings: Settings, catalogue: Catalog, without: Collection[str] = ()
) -> Iterator[tuple[str, Callable[[], Loaded]]]:
    """Give each configured source's name with the function that pulls it. The functions raise SourceError.

    Sources named in ``without`` are left out, since something else lands them.
    """
    pulls = {"shopify": _shopify, "stripe": _stripe, "postgres": _postgres}
    for name in configured(settings):
        if name in without:
            continue
        yield name, lambda pull=pulls[name]: pull(settings, catalogue)  # type: ignore[misc]


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


def _postgres(settings: Settings, catalogue: Catalog) -> Loaded:
    counted = postgres.pull(settings, postgres.IcebergBronze(catalogue))
    return Loaded("postgres", counted.rows, tuple(postgres.warning(*one) for one in counted.stopped.items()))

"""Sources pulled into bronze by name, and nothing built of it."""

from pyiceberg.catalog import Catalog

from boathouse.console import Steps, console
from boathouse.ingest import configured, ingest
from boathouse.refresh import prove_loads
from boathouse.run import pull_as_step, started
from lake.catalogue import open_catalogue
from lake.errors import SettingError
from lake.locks import writing
from lake.settings import Settings

KNOWN = ("shopify", "stripe", "postgres", "debezium")


def pull_sources(settings: Settings, source: str, names: list[str]) -> None:
    """Pull one source, or all that are set, one step each; ``names`` are tables of postgres or objects of shopify.

    Raises BoathouseError; what landed by then stays.
    """
    if source not in (*KNOWN, "all"):
        raise SettingError(f"There is no source '{source}'; there is {', '.join(KNOWN)}, or all of them.")
    if names and source not in ("postgres", "shopify"):
        raise SettingError("Only of postgres can tables be named, and of shopify objects.")
    steps = Steps()
    with writing(settings, f"boathouse ingest {source}"), started(settings, steps) as live:
        there = configured(live)
        if source != "all" and source not in there:
            raise SettingError(f"{source.capitalize()} isn't set; see .env.example.")
        catalogue = open_catalogue(live)
        live = _narrowed(live, catalogue, source, names)
        rows = 0
        for name, load in ingest(live, catalogue, without={one for one in there if source not in (one, "all")}):
            rows += pull_as_step(steps, name, load).total
        with steps.step("prove") as (step, _):
            step.rows = sum(proof.landed_count for proof in prove_loads(live, catalogue))
    console.print()
    console.print(steps.table())
    console.print()
    console.print(f"ingest: ok · {rows:,} rows · {steps.seconds:.1f} s", style="bold", soft_wrap=True)


def _narrowed(settings: Settings, catalogue: Catalog, source: str, names: list[str]) -> Settings:
    """Give the settings with the names; the tables that are followed already stay so, or they would lose changes."""
    if not names:
        return settings
    if source == "shopify":
        return settings.model_copy(update={"shopify_objects": names})
    from pipelines.postgres import names_followed

    known = names_followed(settings, catalogue)
    return settings.model_copy(update={"postgres_tables": list(dict.fromkeys([*known, *names]))})

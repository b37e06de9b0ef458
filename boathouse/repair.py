"""Asking a source again, from the command line: prove one object now, and repair what differs."""

import re
from datetime import UTC, datetime, timedelta

from boathouse.console import console
from boathouse.ingest import configured
from boathouse.refresh import prove_loads
from boathouse.workplace import open_workplace
from lake.catalogue import open_catalogue
from lake.errors import ProofError, SettingError
from lake.locks import writing
from lake.settings import Settings
from pipelines.repair import TABLES, Difference, difference, named, repair

SHOWN = 20
SINCE = re.compile(r"(\d+)\s*([dhm])")
UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def prove_object(settings: Settings, name: str, since: str) -> None:
    """Ask the source again what it holds of one object, and name the ids that differ.

    Raises ProofError when some do, UnknownNameError, SettingError or SourceError.
    """
    table, start = named(name), parse_since(since)
    with writing(settings, "boathouse prove"), open_workplace(settings, lambda _: None) as live:
        _configured(live, table)
        with console.status(f"asking the source for {table} …"):
            found = difference(live, open_catalogue(live), table, start)
    for why, ids in (("bronze lacks", found.missing), ("the source no longer has", found.gone)):
        for identity in ids[:SHOWN]:
            console.print(f"{why} {identity}", soft_wrap=True)
        if len(ids) > SHOWN:
            console.print(f"{why} {len(ids) - SHOWN:,} more")
    if not found.agrees:
        raise ProofError(f"{_told(found)}; `boathouse repair {table} --since {since}` fetches them.")
    console.print(f"prove: ok · {_told(found)}", style="bold", soft_wrap=True)


def repair_objects(settings: Settings, names: list[str], since: str) -> None:
    """Fetch what bronze lacks of some objects, all when none is named, and note what the source no longer has.

    Raises BoathouseError.
    """
    start = parse_since(since)
    with writing(settings, "boathouse repair"), open_workplace(settings, lambda _: None) as live:
        catalogue = open_catalogue(live)
        sources = configured(live)
        known = [table for source, tables in TABLES.items() if source in sources for table in tables]
        tables = [named(name) for name in names] or known
        landed = differing = 0
        for table in tables:
            _configured(live, table)
            with console.status(f"{table}: asking the source …") as status:
                found = difference(live, catalogue, table, start)
                landed += repair(live, catalogue, found, status.update)
            differing += not found.agrees
            console.print(_told(found), soft_wrap=True)
        prove_loads(live, catalogue)
    console.print(
        f"repair: ok · {landed:,} documents landed in {differing} of {len(tables)} tables"
        + ("; `just run` brings them to gold" if landed else ""),
        style="bold",
        soft_wrap=True,
    )


def parse_since(text: str, now: datetime | None = None) -> str:
    """Read ``30d``, ``12h``, ``90m``, ``all`` or an ISO 8601 date or time, into ISO 8601 in UTC; '' for all.

    Raises SettingError.
    """
    if text == "all":
        return ""
    if found := SINCE.fullmatch(text.strip()):
        at = (now or datetime.now(UTC)) - timedelta(**{UNITS[found[2]]: int(found[1])})
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingError(f"--since '{text}' is no time; write one such as 30d, 12h, 2026-01-31 or all.") from None
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(found: Difference) -> str:
    since = f" since {found.since}" if found.since else ""
    return (
        f"{found.table}: the source holds {found.said:,}{since}, bronze lacks {len(found.missing):,} of them"
        f" and shows {len(found.gone):,} that are gone"
    )


def _configured(settings: Settings, table: str) -> None:
    source = table.partition("_")[0]
    if source not in configured(settings):
        raise SettingError(f"{table} can't be asked for, since no {source.capitalize()} is set; see .env.example.")

"""Stripe: each list newest first, then what was created since, and again what an event says has changed."""

from typing import Any

import dlt

from lake.settings import Settings
from pipelines.documents import Known, Landing, Load
from pipelines.stripe.account import WRITER, Account
from pipelines.stripe.cursor import decode, unfinished
from pipelines.stripe.resources import EVENTS, RESOURCES, TABLES

__all__ = ["TABLES", "WRITER", "stripe_source", "unfinished"]


@dlt.source(name="stripe", max_table_nesting=0)
def stripe_source(settings: Settings, load: Load, cursors: dict[str, str], known: Known) -> Any:
    """Read the account since ``cursors`` (table to a Cursor's JSON; a table without one is read whole).

    A long list is read in slices, one a load: load again while the cursors are ``unfinished``. Events are signals: an
    object that an event names is read again, with the event's time as its version. ``known(table, since)`` gives the
    fingerprints of the (id, version) pairs that a table holds from ``since`` on. Yields Arrow tables of bronze
    documents. Raises CredentialsError, SettingError or SourceError.
    """
    account = Account(settings, load, {table: decode(text) for table, text in cursors.items()}, known)
    load.opened.callback(account.client.close)
    account.check()
    landings = [Landing("stripe", resource.table, load, account.client.version) for resource in (EVENTS, *RESOURCES)]
    for resource, landing in zip((EVENTS, *RESOURCES), landings, strict=True):
        rows = account.events(landing) if resource is EVENTS else account.objects(resource, landing)
        yield dlt.resource(rows, name=resource.table)
    yield dlt.resource(account.quarantine(landings), name="quarantine")

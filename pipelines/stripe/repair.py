"""What the account holds now, asked again: to find what bronze lacks, and to fetch it."""

from collections.abc import Iterable, Iterator
from contextlib import closing

from lake.errors import UnknownNameError
from lake.settings import Settings
from pipelines.stripe.account import document
from pipelines.stripe.api import Stripe
from pipelines.stripe.completion import complete
from pipelines.stripe.cursor import KEPT, created_version, iso, unix
from pipelines.stripe.held import Held, held
from pipelines.stripe.resources import EVENTS, RESOURCES, Resource
from pipelines.stripe.sweep import Sweep
from pipelines.stripe.windows import keys_of

_BY_TABLE = {resource.table: resource for resource in (EVENTS, *RESOURCES)}


def versions(settings: Settings, table: str, since: str) -> Iterator[tuple[str, str]]:
    """Give the (id, version) of everything in the account that was created since a time, newest first.

    ``table`` is a bronze table's name, such as ``stripe_charges``; ``since`` is ISO 8601, '' for everything. Stripe's
    objects have no time of change, so whole documents are compared: an object whose document is as bronze last has it
    gets bronze's version; one that differs, or that bronze has not or holds as deleted, gets a version that bronze has
    not. Events never change: theirs is their time, and Stripe lists them for 30 days. Links that Stripe signs anew at
    each reading aren't compared.

    Raises UnknownNameError, CredentialsError or SourceError.
    """
    resource = _resource(table)
    with closing(Stripe(settings)) as client:
        sweep = None if resource is EVENTS else Sweep(client, held(settings, resource.table, since))
        asked = resource.listed() | ({"created[gte]": unix(since)} if since else {})
        for objects in client.pages(resource.path, asked):
            for payload in objects:
                keys = keys_of(payload)
                created = created_version(keys.created)
                if not keys.id or not created:
                    continue
                if sweep is None:
                    yield keys.id, created
                else:
                    yield keys.id, sweep.version(keys.id, created, complete(client, resource, payload))


def read_again(settings: Settings, table: str, ids: Iterable[str]) -> Iterator[tuple[str, str, bytes | None]]:
    """Read objects again, each by its id: id, version and whole document as on the polling lane, None for one gone.

    One that is as bronze last has it keeps bronze's version; else the version is the time of this reading by Stripe's
    clock, later than bronze's last. An event has its own time; one that Stripe keeps no more is left out, for it isn't
    gone from the past.

    Raises UnknownNameError, CredentialsError or SourceError.
    """
    resource, wanted = _resource(table), list(ids)
    here = held(settings, resource.table, ids=wanted)
    with closing(Stripe(settings)) as client:
        if resource is EVENTS:
            yield from _events(client, [one for one in wanted if one not in here or _is_kept(client, here[one])])
            return
        sweep = Sweep(client, here)
        for identity in wanted:
            payload, gone = document(client, resource, identity)
            yield identity, sweep.version(identity, "", b"" if gone else payload), None if gone else payload


def _events(client: Stripe, ids: list[str]) -> Iterator[tuple[str, str, bytes | None]]:
    for identity in ids:
        payload, gone = document(client, EVENTS, identity)
        if not gone:
            yield identity, created_version(keys_of(payload).created), payload


def _is_kept(client: Stripe, event: Held) -> bool:
    """Whether Stripe may still have an event; one that it has no more isn't worth a request."""
    return event.version >= iso(client.now() - KEPT)


def _resource(table: str) -> Resource:
    if table not in _BY_TABLE:
        raise UnknownNameError("table of Stripe's", table, _BY_TABLE)
    return _BY_TABLE[table]

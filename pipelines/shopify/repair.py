"""What a repair asks the shop: which ids and versions it holds now, and the whole documents of some ids."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

import msgspec
import orjson

from lake.errors import SourceError
from lake.settings import Settings
from pipelines.shopify.api import Shopify, TooCostlyError
from pipelines.shopify.documents import decode_line
from pipelines.shopify.nested import drained
from pipelines.shopify.pages import pages, read_keys
from pipelines.shopify.resources import RESOURCES, SHOP, Resource

BATCH = 50
"""Documents asked for at once; a query that costs too much is halved."""


def versions(settings: Settings, table: str, since: str) -> Iterator[tuple[str, str]]:
    """Give the (id, version) of everything of a bronze table that the shop holds now, changed at or after ``since``.

    ``since`` is ISO 8601, '' for everything. An id may come twice when it changes meanwhile. Raises SourceError.
    """
    with _opened(settings) as client:
        if table == SHOP.table:
            identity, version, _ = read_shop(client)
            found: Iterable[tuple[str | None, str | None]] = [(identity, version)]
        else:
            found = ((keys.id, keys.version) for keys in read_keys(client, _resource(table), since))
        for one, changed in found:
            if one and changed and changed >= since:
                yield one, changed


def read_again(client: Settings | Shopify, table: str, ids: Iterable[str]) -> Iterator[tuple[str, str, bytes | None]]:
    """Give (id, version, document) of the ids as the shop holds them now, whole, as the polling lane reads them.

    For one that is gone the version is '' and the document None. Raises SourceError.
    """
    with _opened(client) as opened:
        if table == SHOP.table:
            shop = read_shop(opened)
            yield from (shop if identity == shop[0] else (identity, "", None) for identity in ids)
        else:
            yield from _again(opened, _resource(table), ids)


def read_shop(client: Shopify) -> tuple[str, str, bytes]:
    """Give the shop's own id, version and document; the version is when it was opened where it has no other."""
    shop = orjson.loads(client.graphql(SHOP.query))["data"]["shop"]
    return shop["id"], shop.get("updatedAt") or shop["createdAt"], orjson.dumps(shop)


def _again(client: Shopify, resource: Resource, ids: Iterable[str]) -> Iterator[tuple[str, str, bytes | None]]:
    size = BATCH
    waiting = list(ids)
    while waiting:
        batch, rest = waiting[:size], waiting[size:]
        try:
            documents = _batch(client, resource, batch)
        except TooCostlyError:
            if len(batch) == 1:
                raise
            size = len(batch) // 2
            continue
        for identity, payload in zip(batch, documents, strict=True):
            if payload is None:
                yield identity, "", None
            else:
                yield identity, decode_line(payload).version or "", payload
        waiting = rest


def _batch(client: Shopify, resource: Resource, ids: list[str]) -> list[bytes | None]:
    found: dict[str, bytes | None] = {}
    if resource.dear:
        found.update(_searched(client, resource, ids))
    lacking = [identity for identity in ids if identity not in found]
    found.update(zip(lacking, _singly(client, resource, lacking), strict=True))
    return [found[identity] for identity in ids]


def _searched(client: Shopify, resource: Resource, ids: list[str]) -> Iterator[tuple[str, bytes]]:
    """Give what a search for the ids finds of them; a search that isn't understood finds everything, so it has an end.

    A connection costs far less than as many single objects.
    """
    search = " OR ".join(f"id:{identity.rpartition('/')[2]}" for identity in ids)
    variables = resource.nested | {"query": search}
    for payload in islice(pages(client, resource.query, resource.name, variables, len(ids)), len(ids)):
        identity = decode_line(payload).id
        if identity in ids:
            yield identity, drained(client, resource, payload)


def _singly(client: Shopify, resource: Resource, ids: list[str]) -> list[bytes | None]:
    if not ids:
        return []
    variables = {f"i{n}": identity for n, identity in enumerate(ids)} | resource.nested
    body = _decode(client.graphql(resource.again_query(len(ids)), variables))
    found = [bytes(body.data[f"n{n}"]) for n in range(len(ids))]
    return [None if payload == b"null" else drained(client, resource, payload) for payload in found]


class _Body(msgspec.Struct):
    data: dict[str, msgspec.Raw]


_decode = msgspec.json.Decoder(_Body).decode


def _resource(table: str) -> Resource:
    found = next((resource for resource in RESOURCES if resource.table == table), None)
    if found is None:
        raise SourceError(f"Shopify has no object that lands in {table}.")
    return found


@contextmanager
def _opened(client: Settings | Shopify) -> Iterator[Shopify]:
    if isinstance(client, Shopify):
        yield client
        return
    opened = Shopify(client)
    try:
        yield opened
    finally:
        opened.close()

"""What bronze last has of each object, to compare with what the account holds now."""

from hashlib import md5
from typing import Any, NamedTuple

import orjson

from lake.catalogue import find_table, open_catalogue
from lake.documents import LATEST
from lake.pins import Pin
from lake.readers import connect, scan
from lake.settings import Settings

BATCH = 5_000
SHIFTING = frozenset({"receipt_url", "hosted_invoice_url", "invoice_pdf", "url", "pdf"})
"""Links that Stripe signs anew at each reading (docs.stripe.com/api/charges/object, "receipt_url")."""


class Held(NamedTuple):
    """The last word on one object: its version, a digest of its document (empty for a deletion), when it was made."""

    version: str
    digest: bytes
    created: int | None


def held(settings: Settings, table: str, since: str = "", ids: list[str] | None = None) -> dict[str, Held]:
    """Read what silver takes for the state of each object of a bronze table: id to Held.

    ``since`` (ISO 8601 in UTC) leaves out what has no version from then on, so nothing that was made since; ``ids``
    names the only objects that are wanted. About 400 bytes an object.
    """
    found = find_table(open_catalogue(settings), f"bronze.{table}")
    pin = None if found is None else Pin.of(found)
    if pin is None:
        return {}
    here: dict[str, Held] = {}
    with connect(settings) as connection:
        rows = connection.execute(
            f"SELECT id, version, _op, payload FROM {scan(pin)} "
            "WHERE version >= $since AND ($all OR id IN (SELECT unnest($ids::VARCHAR[]))) "
            f"QUALIFY row_number() OVER (PARTITION BY id ORDER BY {LATEST}) = 1",
            {"since": since, "all": ids is None, "ids": ids or []},
        )
        while batch := rows.fetchmany(BATCH):
            here |= {identity: _held(version, op, payload) for identity, version, op, payload in batch}
    return here


def digest(document: Any) -> bytes:
    """Hash a document's content: the order of its members, white space and links that shift don't matter."""
    steady = {name: value for name, value in document.items() if name not in SHIFTING}
    return md5(orjson.dumps(steady, option=orjson.OPT_SORT_KEYS), usedforsecurity=False).digest()


def _held(version: str, op: str, payload: str) -> Held:
    document = orjson.loads(payload)
    made = document.get("created")
    created = made if isinstance(made, int) else None
    return Held(version, b"" if op == "delete" else digest(document), created)

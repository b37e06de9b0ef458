"""Documents made whole: an embedded list of which Stripe sent the first few is read to its end."""

from typing import Any

import msgspec

from pipelines.stripe.api import Stripe, decode_keys
from pipelines.stripe.resources import Resource

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _Embedded(msgspec.Struct):
    has_more: bool = False


def complete(client: Stripe, resource: Resource, payload: bytes) -> bytes:
    """Give an object with all members of its embedded lists; everything else stays as received.

    Fact: docs.stripe.com/api/invoices/object, "lines": the first ones, and where all are listed. Raises what
    ``Stripe.pages`` raises.
    """
    if not resource.lists or b"has_more" not in payload:
        return payload
    members = _decode_members(payload)
    short = [name for name in resource.lists if name in members and _goes_on(members[name])]
    for name in short:
        members[name] = _whole(client, resource, name, members)
    return msgspec.json.encode(members) if short else payload


def _whole(client: Stripe, resource: Resource, name: str, members: dict[str, msgspec.Raw]) -> msgspec.Raw:
    identity = msgspec.json.decode(members["id"], type=str)
    path, parameters = resource.lists[name]
    asked: dict[str, str | int] = {key: value.format(id=identity) for key, value in parameters.items()}
    found: dict[str | None, msgspec.Raw] = {}
    for page in client.pages(path.format(id=identity), asked):
        found |= {decode_keys(one).id: msgspec.Raw(one) for one in page}
    embedded = _decode_members(members[name])
    return _raw(embedded | {"data": _raw(list(found.values())), "has_more": _raw(False)})


def _goes_on(embedded: msgspec.Raw) -> bool:
    try:
        return msgspec.json.decode(embedded, type=_Embedded).has_more
    except msgspec.DecodeError:
        return False


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))

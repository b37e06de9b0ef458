"""The JSONL of a bulk operation, joined by ``__parentId`` into whole documents while it streams."""

from collections.abc import Iterable, Iterator

import msgspec

from lake.errors import SourceError
from pipelines.shopify.documents import Document, Line, decode_line, gid_type
from pipelines.shopify.resources import Resource

PARENT = b'"__parentId"'


class _Lists(msgspec.Struct, gc=False, rename="camel"):
    """The lists of an order whose connections a bulk operation doesn't give."""

    display_fulfillment_status: str | None = None
    refunds: list[msgspec.Raw] = []
    fulfillments: list[msgspec.Raw] = []


_decode_lists = msgspec.json.Decoder(_Lists).decode


def assemble(resource: Resource, lines: Iterable[bytes]) -> Iterator[Document]:
    """Join each root line with the child lines that follow it.

    A root whose line, or a line of whose children, can't be read is one faulty document with all its lines. Raises
    SourceError when a child doesn't follow its parent.
    """
    group: _Group | None = None
    for line in lines:
        if not line.strip():
            continue
        found, fault = _read(line)
        child = found.parent is not None if found else group is not None and PARENT in line
        if not child:
            if group is not None:
                yield group.document()
            group = _Group(resource, line, found, fault)
        elif group is None or not group.take(line, found, fault):
            apart = found.parent if found else "another object"
            raise SourceError(f"Shopify's bulk result for {resource.name} isn't grouped: a child of {apart} is apart.")
    if group is not None:
        yield group.document()


def children_of(resource: Resource, lines: Iterable[bytes]) -> Iterator[Document]:
    """Give each child line as a document of its own; the roots are only what they hang below."""
    for line in lines:
        if PARENT in line:
            found, fault = _read(line)
            yield Document(found, line, fault)


def _read(line: bytes) -> tuple[Line | None, str]:
    try:
        return decode_line(line), ""
    except msgspec.DecodeError as error:
        return None, f"not a document: {error}"


class _Group:
    """A root line and the child lines that follow it."""

    def __init__(self, resource: Resource, root: bytes, keys: Line | None, fault: str) -> None:
        self._resource = resource
        self._lines = [root]
        self._keys = keys
        self._fault = fault
        self._children: dict[str, list[bytes]] = {}

    def take(self, line: bytes, child: Line | None, fault: str) -> bool:
        """Take a child's line, unless it is another root's; one that can't be read makes the whole unreadable."""
        if child is not None and self._keys is not None and child.parent != self._keys.id:
            return False
        # A discount's application has no id, and a shipping line may have none: their types are asked for by name.
        kind = "" if child is None else child.typename or gid_type(child.id)
        field = self._resource.children.get(kind)
        self._lines.append(line)
        if field is None:
            self._fault = fault or "a nested object of no known kind"
        else:
            self._children.setdefault(field, []).append(line)
        return True

    def document(self) -> Document:
        """Give the whole document."""
        if self._fault:
            return Document(None, b"\n".join(self._lines), self._fault)
        partial = bool(self._resource.apart) and is_partial(self._lines[0])
        return Document(self._keys, splice(self._lines[0], self._resource, self._children), partial=partial)


def is_partial(order: bytes) -> bool:
    """Whether an order's bulk line leaves open what was given back, or what was sent in which of several parcels.

    The lines of a refund are a connection within a list, which bulk operations don't give; so are a fulfilment's, but
    those of the only one of a fulfilled order are the order's own.
    """
    try:
        lists = _decode_lists(order)
    except msgspec.DecodeError:
        return True
    whole = len(lists.fulfillments) == 1 and lists.display_fulfillment_status == "FULFILLED"
    return bool(lists.refunds) or not (whole or not lists.fulfillments)


def splice(root: bytes, resource: Resource, children: dict[str, list[bytes]]) -> bytes:
    """Put the children's JSON into their parent's, as the connections that the paged query would give."""
    parts = [root.rstrip()[:-1]]
    for name in dict.fromkeys(resource.children.values()):
        nodes = b",".join(b'{"node":' + child + b"}" for child in children.get(name, ()))
        parts.append(b',"' + name.encode() + b'":{"edges":[' + nodes + b"]}")
    return b"".join(parts) + b"}"

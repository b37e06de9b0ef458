"""What is read of a document to know it: its id, its version and whose child it is; the rest stays in its bytes."""

import msgspec


class Versioned(msgspec.Struct, gc=False, rename="camel"):
    """What a discount keeps its version in."""

    updated_at: str | None = None


class Line(msgspec.Struct, gc=False, rename="camel"):
    """The keys of one object, or of one JSONL line."""

    id: str | None = None
    updated_at: str | None = None
    parent: str | None = msgspec.field(default=None, name="__parentId")
    typename: str | None = msgspec.field(default=None, name="__typename")
    discount: Versioned | None = None

    @property
    def version(self) -> str | None:
        """When the object last changed; a discount's node has it one level down."""
        return self.updated_at or (self.discount.updated_at if self.discount else None)


class Document(msgspec.Struct, gc=False):
    """One object: its keys (None when they can't be read), its JSON, and what is wrong with it.

    ``partial`` says that more belongs to it than could be read with it.
    """

    keys: Line | None
    payload: bytes
    fault: str = ""
    partial: bool = False


decode_line = msgspec.json.Decoder(Line).decode


def gid_type(gid: str | None) -> str:
    """Give the type in a global id: ``gid://shopify/LineItem/1`` is a LineItem."""
    parts = (gid or "").split("/")
    return parts[3] if len(parts) > 4 else ""

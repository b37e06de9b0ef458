"""A field's value that is another document, made only when somebody looks into it."""

from typing import NamedTuple


class Reference(NamedTuple):
    """The document of ``kind`` with the number ``number``."""

    kind: str
    number: int

"""How one tag is written: its name and its attributes, with lists and objects."""

import re
from dataclasses import dataclass, field

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
SPACE = re.compile(r"[\s,]*")
WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Tag:
    """One tag of a page; ``parent`` is the index of the block tag around it."""

    name: str
    line: int
    attributes: dict[str, Value] = field(default_factory=dict)
    parent: int | None = None

    def text(self, name: str, default: str = "") -> str:
        """Return an attribute as text, or the default when it isn't given."""
        value = self.attributes.get(name)
        return default if value is None else str(value)

    def entries(self, name: str) -> dict[str, Value]:
        """Return an object attribute, or an empty one when it isn't given."""
        value = self.attributes.get(name)
        return value if isinstance(value, dict) else {}

    def texts(self, name: str) -> list[str]:
        """Return an attribute that is one text or a list of texts as a list."""
        value = self.attributes.get(name)
        if value is None:
            return []
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def tag_end(text: str, start: int) -> int:
    """Return the index just after the ``%}`` that closes the tag at ``start``; -1 when none does."""
    quote = ""
    position = start + 2
    while position < len(text):
        letter = text[position]
        if quote:
            if letter == "\\":
                position += 1
            elif letter == quote:
                quote = ""
        elif letter in "\"'":
            quote = letter
        elif text.startswith("%}", position):
            return position + 2
        position += 1
    return -1


def read_attributes(text: str) -> dict[str, Value]:
    """Read ``a="b" c={ d=1 }`` as a dictionary; raise ValueError with a clause that says what is wrong."""
    return _Reader(text).pairs(closer="")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def pairs(self, closer: str) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not self._finished(closer):
            name = self._name()
            self._sign(name)
            if name in found:
                raise ValueError(f"attribute '{name}' is given twice")
            found[name] = self._value(name)
        return found

    def _finished(self, closer: str) -> bool:
        self._match(SPACE)
        if self.position >= len(self.text):
            if closer:
                raise ValueError(f"'{closer}' is missing")
            return True
        if closer and self.text[self.position] == closer:
            self.position += 1
            return True
        return False

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match.group()

    def _name(self) -> str:
        if self.text[self.position] in "\"'":
            return self._quoted()
        name = self._match(NAME)
        if not name:
            raise ValueError(f"an attribute's name was expected at '{self._rest()}'")
        return name

    def _sign(self, name: str) -> None:
        self._match(SPACE)
        if self.position >= len(self.text) or self.text[self.position] not in "=:":
            raise ValueError(f"attribute '{name}' has no value (write {name}=\"…\")")
        self.position += 1
        self._match(SPACE)

    def _value(self, name: str) -> Value:
        letter = self.text[self.position : self.position + 1]
        if letter and letter in "\"'":
            return self._quoted()
        if letter == "{":
            self.position += 1
            return self.pairs(closer="}")
        if letter == "[":
            self.position += 1
            return self._items(name)
        if number := self._match(NUMBER):
            return float(number) if "." in number else int(number)
        word = self._match(NAME)
        if word not in WORDS:
            raise ValueError(f"the value of '{name}' needs quotes")
        return WORDS[word]

    def _items(self, name: str) -> list[Value]:
        items: list[Value] = []
        while not self._finished("]"):
            items.append(self._value(name))
        return items

    def _quoted(self) -> str:
        quote = self.text[self.position]
        self.position += 1
        letters: list[str] = []
        while self.position < len(self.text):
            letter = self.text[self.position]
            self.position += 1
            if letter == quote:
                return "".join(letters)
            if letter == "\\" and self.position < len(self.text):
                letter = self.text[self.position]
                self.position += 1
            letters.append(letter)
        raise ValueError("a quote isn't closed")

    def _rest(self) -> str:
        return self.text[self.position : self.position + 20].strip()

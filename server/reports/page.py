"""A page as it was written: front matter, SQL blocks, tags and the Markdown around them."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from lake.errors import QueryError
from server.reports.formats import in_currency
from server.reports.tag_syntax import NAME, Tag, read_attributes, tag_end
from server.reports.vocabulary import FORMATS, RULES, check_tag

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*(.*?)\s*$")
INPUT_VALUE = re.compile(r"\{\{\s*([\w.$/-]+)\s*\}\}")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A named SQL block; ``line`` is that of its first line of SQL."""

    name: str
    sql: str
    line: int


@dataclass(frozen=True)
class Page:
    """One page; ``body`` is plain Markdoc in which a tag keeps only its index, ``{% name at=3 /%}``."""

    path: Path
    source: str
    title: str
    description: str
    position: float
    blocks: dict[str, Block]
    tags: list[Tag]
    body: str

    @property
    def name(self) -> str:
        """Return the page's name, which its HTML file carries."""
        return self.path.stem


def page_error(path: Path, line: int, clause: str) -> QueryError:
    """Make the one sentence for something wrong on a page, with file and line."""
    return QueryError(f"{path.parent.name}/{path.name}:{line}: {clause.rstrip('.')}.")


def read_page(path: Path, currency: str = "USD") -> Page:
    """Read a page, its ``money`` formats in a currency; raise QueryError with file and line when it is wrong."""
    source = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    front, body_line = _front_matter(path, source)
    reader = _BodyReader(path, currency)
    body = reader.read(source.split("\n")[body_line - 1 :], body_line)
    return Page(
        path=path,
        source=source,
        title=str(front.get("title") or path.stem.replace("_", " ").replace("-", " ").capitalize()),
        description=str(front.get("description") or ""),
        position=_position(path, front),
        blocks=reader.blocks,
        tags=reader.tags,
        body=body,
    )


def _front_matter(path: Path, source: str) -> tuple[dict[str, object], int]:
    lines = source.split("\n")
    if lines[0].strip() != "---":
        return {}, 1
    end = next((at for at, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        raise page_error(path, 1, "the front matter has no closing '---'")
    try:
        front = yaml.safe_load("\n".join(lines[1:end])) or {}
    except yaml.MarkedYAMLError as error:
        line = 2 + (error.problem_mark.line if error.problem_mark else 0)
        raise page_error(path, line, f"the front matter isn't YAML: {error.problem}") from error
    if not isinstance(front, dict):
        raise page_error(path, 2, "the front matter must be 'name: value' lines")
    return front, end + 2


def _position(path: Path, front: dict[str, object]) -> float:
    value = front.get("sidebar_position", 1000)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise page_error(path, 1, "'sidebar_position' in the front matter must be a number")
    return float(value)


class _BodyReader:
    def __init__(self, path: Path, currency: str) -> None:
        self.path = path
        self.currency = currency
        self.blocks: dict[str, Block] = {}
        self.tags: list[Tag] = []
        self.open: list[int] = []

    def read(self, lines: list[str], first_line: int) -> str:
        out: list[str] = []
        prose: list[str] = []
        at = 0
        while at < len(lines):
            fence = FENCE.match(lines[at])
            if fence is None:
                prose.append(lines[at])
                at += 1
                continue
            out.append(self._prose("\n".join(prose), first_line + at - len(prose)))
            prose = []
            end = self._fence_end(lines, at, fence.group(1), first_line)
            if not self._take_sql(fence.group(2), lines[at + 1 : end], first_line + at + 1):
                out.append("\n".join(lines[at : end + 1]))
            at = end + 1
        out.append(self._prose("\n".join(prose), first_line + len(lines) - len(prose)))
        if self.open:
            tag = self.tags[self.open[-1]]
            raise page_error(self.path, tag.line, f"'{tag.name}' is never closed with {{% /{tag.name} %}}")
        return "\n".join(out)

    def _fence_end(self, lines: list[str], at: int, mark: str, first_line: int) -> int:
        for end in range(at + 1, len(lines)):
            text = lines[end].strip()
            if text.startswith(mark) and not text.strip(mark[0]):
                return end
        raise page_error(self.path, first_line + at, "the code fence is never closed")

    def _take_sql(self, info: str, lines: list[str], line: int) -> bool:
        words = info.split()
        if len(words) < 2 or words[0] != "sql":
            return False
        name = words[1]
        if len(words) > 2 or not NAME.fullmatch(name):
            raise page_error(self.path, line - 1, f"'{info}' isn't 'sql' and one name of letters and digits")
        if name in self.blocks:
            raise page_error(self.path, line - 1, f"there are two SQL blocks '{name}'")
        self.blocks[name] = Block(name, "\n".join(lines), line)
        return True

    def _prose(self, text: str, line: int) -> str:
        text = COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)
        out: list[str] = []
        at = 0
        while (start := text.find("{%", at)) >= 0:
            out.append(self._plain(text[at:start], line + text.count("\n", 0, at)))
            tag_line = line + text.count("\n", 0, start)
            end = tag_end(text, start)
            if end < 0:
                raise page_error(self.path, tag_line, "a tag is never closed with '%}'")
            out.append(self._tag(text[start + 2 : end - 2].strip(), tag_line))
            at = end
        out.append(self._plain(text[at:], line + text.count("\n", 0, at)))
        return "".join(out)

    def _plain(self, text: str, line: int) -> str:
        if match := INPUT_VALUE.search(text):
            at = line + text.count("\n", 0, match.start())
            raise page_error(self.path, at, f"inputs aren't supported yet, so '{match.group()}' has no value")
        return text

    def _tag(self, inner: str, line: int) -> str:
        if inner.startswith("/"):
            return self._close(inner[1:].strip(), line)
        alone = inner.endswith("/")
        inner = inner.removesuffix("/").strip()
        name = NAME.match(inner)
        if name is None:
            raise page_error(self.path, line, f"'{{% {inner[:30]} %}}' isn't a tag")
        try:
            if match := INPUT_VALUE.search(inner):
                raise ValueError(f"inputs aren't supported yet, so '{match.group()}' has no value")
            tag = Tag(name.group(), line, read_attributes(inner[name.end() :]))
            check_tag(tag)
            return self._place(self._in_currency(tag), alone)
        except ValueError as error:
            raise page_error(self.path, line, str(error)) from error

    def _in_currency(self, tag: Tag) -> Tag:
        formats = {name: in_currency(tag.text(name), self.currency) for name in FORMATS if name in tag.attributes}
        return replace(tag, attributes={**tag.attributes, **formats})

    def _place(self, tag: Tag, alone: bool) -> str:
        rule = RULES[tag.name]
        parent = self.open[-1] if self.open else None
        around = "" if parent is None else self.tags[parent].name
        if rule.parent and around != rule.parent:
            raise ValueError(f"'{tag.name}' belongs inside '{rule.parent}'")
        if around == "table" and rule.parent != "table":
            raise ValueError(f"'{tag.name}' can't stand inside 'table'")
        self.tags.append(replace(tag, parent=parent))
        index = len(self.tags) - 1
        if not alone:
            if not rule.block:
                raise ValueError(f"'{tag.name}' must end with '/%}}'")
            self.open.append(index)
        if rule.parent:  # drawn by its parent
            return ""
        return f"{{% {tag.name} at={index} {'/' if alone else ''}%}}"

    def _close(self, name: str, line: int) -> str:
        if not self.open or self.tags[self.open[-1]].name != name:
            raise page_error(self.path, line, f"{{% /{name} %}} closes nothing that is open here")
        self.open.pop()
        return f"{{% /{name} %}}"

"""A page's Markdown as HTML, with what its tags drew in their places."""

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any
from urllib.parse import urlsplit

import markdocpy

from server.reports.page import Page, page_error
from server.reports.vocabulary import RULES

ELEMENTS = {
    "paragraph": "p",
    "strong": "strong",
    "em": "em",
    "s": "s",
    "blockquote": "blockquote",
    "item": "li",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
}
SCHEMES = ("", "http", "https", "mailto")
PAGE_LINK = re.compile(r"^(?!\w+:|/)([^#?]+)\.md(?=$|[#?])")
Drawn = Mapping[int, Callable[[], str]]


def render_prose(page: Page, drawn: Drawn) -> str:
    """Render a page's body; ``drawn`` gives the HTML of each tag by its index."""
    return _Prose(page, drawn).children(markdocpy.parse(page.body))


class _Prose:
    def __init__(self, page: Page, drawn: Drawn) -> None:
        self.page = page
        self.drawn = drawn

    def children(self, node: Any) -> str:
        return "".join(map(self.node, node.children))

    def node(self, node: Any) -> str:
        special = getattr(self, f"_{node.type}", None)
        if special is not None:
            return str(special(node))
        inner = self.children(node)
        element = ELEMENTS.get(node.type)
        return f"<{element}>{inner}</{element}>" if element else inner

    def _text(self, node: Any) -> str:
        return escape(node.attributes["content"])

    def _softbreak(self, node: Any) -> str:
        return "\n"

    def _hardbreak(self, node: Any) -> str:
        return "<br>"

    def _hr(self, node: Any) -> str:
        return "<hr>"

    def _heading(self, node: Any) -> str:
        level, inner = node.attributes["level"], self.children(node)
        words = re.sub(r"<[^>]*>|&\w+;", "", inner).lower()
        anchor = re.sub(r"[^\w]+", "-", words).strip("-")
        return f'<h{level} id="{escape(anchor)}">{inner}</h{level}>'

    def _paragraph(self, node: Any) -> str:
        inner = self.children(node)
        block = any(child.type == "tag" and not RULES[child.tag].inline for child in node.children)
        return f"<div>{inner}</div>" if block else f"<p>{inner}</p>"

    def _list(self, node: Any) -> str:
        element = "ol" if node.attributes.get("ordered") else "ul"
        return f"<{element}>{self.children(node)}</{element}>"

    def _code_inline(self, node: Any) -> str:
        return f"<code>{escape(node.attributes['content'])}</code>"

    _code = _code_inline

    def _fence(self, node: Any) -> str:
        return f"<pre><code>{escape(node.attributes['content'])}</code></pre>"

    _code_block = _fence

    def _link(self, node: Any) -> str:
        target = str(node.attributes.get("href") or "")
        if urlsplit(target).scheme.lower() not in SCHEMES:
            raise page_error(self.page.path, self._line_of(target), f"a page can't link to '{target}'")
        href = PAGE_LINK.sub(r"\1.html", target)
        return f'<a href="{escape(href)}">{self.children(node)}</a>'

    def _image(self, node: Any) -> str:
        source = str(node.attributes.get("src") or "")
        raise page_error(self.page.path, self._line_of(source), f"images like '{source}' aren't supported yet")

    def _table(self, node: Any) -> str:
        return f'<div class="scroll"><table class="prose">{self.children(node)}</table></div>'

    def _th(self, node: Any) -> str:
        return self._cell("th", node)

    def _td(self, node: Any) -> str:
        return self._cell("td", node)

    def _cell(self, element: str, node: Any) -> str:
        kind = {"right": "number", "center": "center"}.get(node.attributes.get("align") or "", "text")
        return f'<{element} class="{kind}">{self.children(node)}</{element}>'

    def _tag(self, node: Any) -> str:
        at = node.attributes["at"]
        if at in self.drawn:
            return self.drawn[at]()
        tag, inner = self.page.tags[at], self.children(node)
        if tag.name == "row":
            return f'<div class="row">{inner}</div>'
        title = escape(tag.text("title"))
        if tag.name == "details":
            opened = " open" if tag.attributes.get("open") is True else ""
            return f"<details{opened}><summary>{title or 'Details'}</summary>{inner}</details>"
        heading = f'<p class="callout-title">{title}</p>' if title else ""
        return f'<aside class="callout {escape(tag.text("type", "info"))}">{heading}{inner}</aside>'

    def _line_of(self, text: str) -> int:
        found = self.page.source.find(text)
        return 1 + self.page.source.count("\n", 0, max(found, 0))

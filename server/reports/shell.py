"""The HTML document around a page's body: head, navigation and footer."""

import re
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from server.reports.page import Page

POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
DIGEST = re.compile(r'<meta name="boathouse-digest" content="([0-9a-f]+)">')
TIME = re.compile(r"<span>Rendered (.*?)</span>")
BODY = re.compile(r"<!-- body -->\n(.*)\n<!-- end -->", re.DOTALL)


class Stamp(NamedTuple):
    """What a page was rendered from: the release, when that was cut or read, and the digest of its results."""

    release_id: str
    time: str
    digest: str


def write_document(page: Page, pages: Sequence[Page], body: str, stamp: Stamp) -> str:
    """Put a body into a complete document without scripts."""
    description = f'<meta name="description" content="{escape(page.description)}">\n' if page.description else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="boathouse-digest" content="{stamp.digest}">
{description}<title>{escape(page.title)} · Boathouse</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><div class="inner"><a class="brand" href="index.html">Boathouse</a>
<nav aria-label="Pages">{_navigation(page, pages)}</nav></div></header>
<main id="content">
<!-- body -->
{body}
<!-- end -->
</main>
<footer><div class="inner"><span>Release <code>{escape(stamp.release_id)}</code></span>
<span>Rendered {escape(stamp.time)}</span></div></footer>
</body>
</html>
"""


def kept_body(document: str, digest: str) -> str | None:
    """Return the body of an earlier document when it was made from the same results."""
    found = DIGEST.search(document)
    body = BODY.search(document)
    return body.group(1) if found and body and found.group(1) == digest else None


def rendered_time(document: str) -> str:
    """Return when an earlier document says it was rendered."""
    found = TIME.findall(document)
    return found[-1] if found else ""


def _navigation(page: Page, pages: Sequence[Page]) -> str:
    links = []
    for other in pages:
        here = ' aria-current="page"' if other.name == page.name else ""
        links.append(f'<a href="{escape(other.name)}.html"{here}>{escape(other.title)}</a>')
    return "".join(links)

"""A folder of pages rendered into a static site that shows one release."""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import duckdb

from lake.errors import DiskFullError, SettingError
from lake.metrics import Metric
from server.reports.chart_tags import prepare_chart
from server.reports.page import Page, read_page
from server.reports.prose import render_prose
from server.reports.queries import Queries
from server.reports.shell import DIGEST, Stamp, kept_body, rendered_time, write_document
from server.reports.table_tag import prepare_table
from server.reports.value_tags import prepare_big_value, prepare_value

HERE = Path(__file__).parent
CURRENCY = re.compile(r"[A-Z]{3}")
STYLE = HERE / "style.css"


class SiteResult(NamedTuple):
    """What a build did: pages in the site, questions asked, seconds taken, pages rendered anew."""

    pages: int
    queries: int
    seconds: float
    rebuilt: int


def build_site(
    pages_dir: Path,
    site_dir: Path,
    release_id: str,
    connection: duckdb.DuckDBPyConnection,
    metrics: Mapping[str, Metric],
) -> SiteResult:
    """Render every page of a folder to HTML, atomically, one file a page and one style sheet.

    ``connection`` has the release's tables as views ``gold.<table>``. A page whose source and results are as they
    were keeps its body; only its release changes. Raises QueryError with file and line for a page that can't be
    rendered; then no page is replaced.
    """
    started = time.perf_counter()
    pages = _read_pages(pages_dir, shop_currency(connection))
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    asked = rebuilt = 0
    documents: dict[str, str] = {}
    for page in pages:
        queries = Queries(connection, page, metrics)
        try:
            drawn = _prepare(page, queries)
            digest = _digest(queries)
            earlier = _earlier(site_dir / f"{page.name}.html")
            body = kept_body(earlier, digest)
            rebuilt += body is None
            body = render_prose(page, drawn) if body is None else body
        finally:
            asked += queries.asked
            queries.close()
        documents[f"{page.name}.html"] = _document(page, pages, body, Stamp(release_id, now, digest), earlier)
    documents[STYLE.name] = STYLE.read_text(encoding="utf-8")
    _write(site_dir, documents)
    return SiteResult(len(pages), asked, time.perf_counter() - started, rebuilt)


def shop_currency(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the currency that most days of the shop are in; USD when there is none."""
    sql = "SELECT currency FROM gold.daily_shop GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1"
    try:
        row = connection.cursor().execute(sql).fetchone()
    except duckdb.CatalogException:
        row = None
    return str(row[0]) if row and CURRENCY.fullmatch(str(row[0])) else "USD"


def _read_pages(pages_dir: Path, currency: str) -> list[Page]:
    pages = [read_page(path, currency) for path in sorted(pages_dir.glob("*.md"))]
    if not any(page.name == "index" for page in pages):
        raise SettingError(f"The reports folder '{pages_dir}' has no index.md; it is the site's first page.")
    return sorted(pages, key=lambda page: (page.name != "index", page.position, page.title))


def _prepare(page: Page, queries: Queries) -> dict[int, Callable[[], str]]:
    """Ask everything a page shows; the functions returned draw it, by the tag's index."""
    drawn: dict[int, Callable[[], str]] = {}
    for at, tag in enumerate(page.tags):
        if tag.name.endswith("_chart"):
            in_row = tag.parent is not None and page.tags[tag.parent].name == "row"
            drawn[at] = prepare_chart(tag, queries, in_row, f"chart-{at}")
        elif tag.name == "big_value":
            drawn[at] = prepare_big_value(tag, queries)
        elif tag.name == "value":
            drawn[at] = prepare_value(tag, queries)
        elif tag.name == "table":
            drawn[at] = prepare_table(tag, [child for child in page.tags if child.parent == at], queries)
    return drawn


def _digest(queries: Queries) -> str:
    digest = queries.digest.copy()
    digest.update(repr(queries.page.tags).encode())
    digest.update(_renderer_digest())
    return digest.hexdigest()


@cache
def _renderer_digest() -> bytes:
    """Hash this package's own code, so that a newer Boathouse renders every page anew."""
    digest = hashlib.sha256()
    for path in sorted(HERE.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


def _earlier(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _document(page: Page, pages: Sequence[Page], body: str, stamp: Stamp, earlier: str) -> str:
    """Keep the earlier document, with its time, when nothing else in it would change."""
    document = write_document(page, pages, body, stamp)
    same = write_document(page, pages, body, stamp._replace(time=rendered_time(earlier)))
    return earlier if same == earlier else document


def _write(site_dir: Path, documents: Mapping[str, str]) -> None:
    """Write each file beside its place and move it there, so that a reader never sees half of one."""
    try:
        site_dir.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            target = site_dir / name
            if _earlier(target) != text:
                _replace(target, text)
        for path in site_dir.glob("*.html"):
            if path.name not in documents and DIGEST.search(_earlier(path)):
                path.unlink()  # a page whose source is gone; other files in the folder aren't ours
    except OSError as error:
        raise DiskFullError(f"The reports can't be written to '{site_dir}': {error.strerror}.") from error


def _replace(target: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)

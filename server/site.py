"""The reports' site: static files from the state folder, and nothing else of it."""

import mimetypes
from pathlib import Path

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

HEADERS = {
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'self' 'unsafe-inline' data:; frame-ancestors 'self'",
}


def site_router(folder: Path) -> Router:
    """Serve ``folder`` at /reports; a folder's page is its index.html."""

    @get("/", include_in_schema=False, sync_to_thread=False)
    def index() -> Redirect:
        return Redirect("/reports/index.html", status_code=307)

    @get("/{name:path}", include_in_schema=False, sync_to_thread=True)
    def page(name: FromPath[str]) -> Response[bytes]:
        file = find_file(folder, name)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return Response(file.read_bytes(), media_type=kind, headers=HEADERS)

    return Router("/reports", route_handlers=[index, page])


def find_file(folder: Path, name: str) -> Path:
    """Find a file of the site by its address.

    Raises NotFoundException when there is no site and for what isn't a file inside it.
    """
    root = folder.resolve()
    if not (root / "index.html").is_file():
        raise NotFoundException("The report isn't built yet; `just run` builds it.")
    try:
        file = (root / name.lstrip("/")).resolve()
        if file.is_dir():
            file = file / "index.html"
        if file.is_relative_to(root) and file.is_file():
            return file
    except (ValueError, OSError):
        pass
    raise NotFoundException

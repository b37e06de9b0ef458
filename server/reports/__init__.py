"""The shop's pages: Markdown with SQL and chart tags, rendered to static HTML."""

from server.reports.site import SiteResult, build_site

__all__ = ["SiteResult", "build_site"]

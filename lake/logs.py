"""Logs: one structured line an event on standard error, as text for people or as JSON."""

import logging
import sys

import structlog

from lake.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Set up structlog for this process as ``log_level`` and ``log_format`` say."""
    as_json = settings.log_format == "json"
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.dict_tracebacks] if as_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        # Standard error as it is when something is said: it may be another than when this was set up.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )

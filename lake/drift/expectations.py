"""What silver relies on in the documents of each bronze table: ``expectations.yaml``, read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("expectations.yaml")
WEBHOOK = "webhook"
CASTS = {
    "money": "TRY_CAST({} AS DECIMAL(18, 2))",
    "instant": "TRY_CAST({} AS TIMESTAMPTZ)",
    "integer": "TRY_CAST({} AS BIGINT)",
}
"""How silver casts each kind, in DuckDB's words."""


@dataclass(frozen=True)
class Expected:
    """Of one table and lane: path to kind for what must and what should cast, and path to the values known."""

    required: Mapping[str, str] = field(default_factory=dict)
    casts: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def all_casts(self) -> dict[str, str]:
        """Give every path that is cast, with its kind."""
        return {**self.required, **self.casts}


@cache
def expectations() -> dict[str, dict[str, Any]]:
    """Read the file: table to what it says."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def expected(table: str, lane: str) -> Expected:
    """Give what is expected of a bronze table's documents on a lane; nothing of a table that the file doesn't name.

    A webhook of Shopify's has a shape of its own.
    """
    said = expectations().get(table, {})
    if lane == WEBHOOK and WEBHOOK in said:
        said = said[WEBHOOK]
    return Expected(said.get("required", {}), said.get("casts", {}), said.get("values", {}))

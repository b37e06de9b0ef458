"""Messages as Debezium's connector for Postgres writes them, with Connect's schemas and without."""

import json
from typing import Any, NamedTuple

PLACEHOLDER = "__debezium_unavailable_value"
AT = 1_767_225_600_000_000
"""Midnight of the first of January 2026, in microseconds since 1970."""


class Said(NamedTuple):
    """A message: key, value, headers."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes] = {}  # noqa: RUF012


def said(
    op: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    commit: int | None,
    lsn: int,
    fields: list[dict[str, Any]] | None = None,
    moved: str = "",
    table: str = "stock",
    key: str = "sku",
) -> Said:
    """Make an event; ``commit`` is the position of the commit before, ``fields`` are the columns' schemas."""
    source = {
        "version": "3.0.0.Final",
        "connector": "postgresql",
        "name": "shop",
        "ts_ms": AT // 1000,
        "ts_us": AT,
        "snapshot": "true" if op == "r" else "false",
        "db": "shop",
        "sequence": json.dumps([commit and str(commit), str(lsn)]),
        "schema": "public",
        "table": table,
        "txId": 700,
        "lsn": lsn,
        "xmin": None,
    }
    payload = {"before": before, "after": after, "source": source, "op": op, "ts_ms": AT // 1000}
    row = after or before or {}
    keys: dict[str, Any] = {key: row[key]} if key in row else {}
    headers = {f"__debezium.{moved}": b"{}"} if moved else {}
    if fields is None:
        return Said(json.dumps(keys).encode(), json.dumps(payload).encode(), headers)
    parts = [{"type": "struct", "fields": fields, "optional": True, "field": name} for name in ("before", "after")]
    schema = {"type": "struct", "fields": parts, "name": "shop.public.stock.Envelope"}
    own = {"type": "struct", "fields": [one for one in fields if one["field"] == key]}
    return Said(
        json.dumps({"schema": own, "payload": keys}).encode(),
        json.dumps({"schema": schema, "payload": payload}).encode(),
        headers,
    )


def tombstone(key: str) -> Said:
    """Make what follows a deletion, so that Kafka may forget the key."""
    return Said(json.dumps({"sku": key}).encode(), None)

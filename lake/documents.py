"""The columns of bronze documents, the same for every vendor and every lane."""

import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("version", pa.string()),
        ("payload", pa.string()),
        ("_op", pa.string()),
        ("_lane", pa.string()),
        ("_api_version", pa.string()),
        ("_received_at", pa.timestamp("us", tz="UTC")),
        ("_load_id", pa.string()),
    ]
)
"""What a vendor sent, whole (``payload``), beside what identifies and orders it (``id``, ``version``)."""

LATEST = "version DESC, _op = 'delete' DESC, _lane = 'webhook', _received_at DESC, _load_id DESC"
"""The order in which silver takes the last word on an id (sqlmesh/macros/documents.py, is_latest)."""

QUARANTINE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("object", pa.string()),
        ("reason", pa.string()),
        ("payload", pa.string()),
        ("_received_at", pa.timestamp("us", tz="UTC")),
        ("_load_id", pa.string()),
    ]
)
"""What couldn't be identified, and why."""

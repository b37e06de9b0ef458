"""Where a table's loads stand: two marks around what is still to be read, and how far events were heeded."""

from datetime import UTC, datetime, timedelta

import msgspec

from lake.errors import SettingError
from lake.settings import Settings

OVERLAP = timedelta(minutes=5)
"""How long Stripe may take to list what it made, or to tell of what happened."""
KEPT = timedelta(days=30) - timedelta(hours=1)
"""How long Stripe keeps events, less the time that reading takes (docs.stripe.com/api/events/list: 30 days)."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = 253_402_300_800
"""The year 10000, in Unix seconds."""


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor that travels in a table's commits; times are ISO 8601 in UTC, to the second.

    Everything created up to ``created`` is in the table. While a list is being read, from the newest on, ``high`` is
    where that began and ``low`` where it stands: what was created between ``created`` and ``low`` is still to come,
    and only when it has come does ``created`` move up to ``high``. A crash in between so leaves no hole. ``event`` is
    the time from which on events must be heeded. ``sweep`` is when a gap made the list be read again whole. ``mode``
    (``live`` or ``test``) and ``account`` say whose documents the table holds.
    """

    created: str = ""
    event: str = ""
    high: str = ""
    low: str = ""
    sweep: str = ""
    mode: str = ""
    account: str = ""

    @property
    def known_from(self) -> str:
        """Give the earliest version that the next load may meet again."""
        return min(self.created, self.event)

    def after_a_gap(self, now: datetime) -> bool:
        """Whether events that should have been heeded may be gone."""
        return bool(self.event) and self.event < iso(now - KEPT)


def decode(text: str) -> Cursor:
    """Read a cursor from its JSON."""
    return msgspec.json.decode(text, type=Cursor)


def unfinished(cursors: dict[str, str]) -> bool:
    """Whether any table (table to a cursor's JSON) is still being read for the first time, or again."""
    return any(decode(text).low for text in cursors.values())


def mode_of(settings: Settings) -> str:
    """Tell from the key whether it reads live or test data; empty for a key that doesn't say (docs.stripe.com/keys)."""
    key = settings.stripe_api_key.get_secret_value() if settings.stripe_api_key else ""
    parts = key.split("_")[:2]
    return parts[1] if len(parts) == 2 and parts[1] in ("live", "test") else ""


def refuse_another_account(settings: Settings, marks: dict[str, Cursor]) -> None:
    """Raise SettingError when the lake holds another mode's or another account's documents."""
    mode, account = mode_of(settings), settings.stripe_account or ""
    for table, mark in marks.items():
        if mode and mark.mode and mode != mark.mode:
            raise SettingError(
                f"BOATHOUSE_STRIPE_API_KEY is a {mode}-mode key, but bronze.{table} holds {mark.mode}-mode documents; "
                f"use a {mark.mode}-mode key, or another BOATHOUSE_CATALOG_WAREHOUSE for the {mode} mode."
            )
        if (mark.mode or mark.account) and account != mark.account:
            raise SettingError(
                f"BOATHOUSE_STRIPE_ACCOUNT is '{account}', but bronze.{table} holds the documents of "
                f"'{mark.account}'; set it back, or use another BOATHOUSE_CATALOG_WAREHOUSE for another account."
            )


def iso(at: datetime) -> str:
    """Write a time as bronze's versions are: ISO 8601 in UTC, to the second."""
    return f"{at.astimezone(UTC).isoformat()[:19]}Z"


def read_version(at: datetime) -> str:
    """Write the version of a document that no event dates: when it was read, before what happened in that second."""
    return f"{at.astimezone(UTC).isoformat()[:19]}.000Z"


def created_version(created: int | None) -> str:
    """Write Unix seconds as a version; empty when they are none."""
    return iso(EPOCH + timedelta(seconds=created)) if created is not None and 0 <= created < NEVER else ""


def unix(since: str) -> int:
    """Read a version's time as Unix seconds."""
    return int(datetime.fromisoformat(since).timestamp())

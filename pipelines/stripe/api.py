"""Stripe's REST API on the wire: pages newest first, single objects, and every way it says no."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from lake.errors import CredentialsError, SettingError, SourceError
from lake.settings import Settings
from pipelines.vendor import RetryableError, persistently, raise_if_passing

PAGE = 100
STUCK = 8
"""Pages in a row that bring nothing new before a list counts as broken."""
PERMISSION = re.compile(r"'((?:rak_)?\w+_read)'")
"""The permission that a refusal names: ``Enabling "Prices Read" ('plan_read')`` or, before, ``'rak_plan_read'``."""

Parameters = dict[str, str | int]


class Keys(msgspec.Struct, gc=False):
    """The keys of one object; the rest of it stays in its bytes."""

    id: str | None = None
    created: int | None = None
    deleted: bool = False
    livemode: bool | None = None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


decode_page = msgspec.json.Decoder(_Page).decode
decode_keys = msgspec.json.Decoder(Keys).decode


class Stripe:
    """A client of Stripe's API at one pinned version, for the key's own account or a connected one.

    Facts: docs.stripe.com/api, "Pagination" (``starting_after``, ``has_more``, newest first), "Errors",
    "Versioning" (the ``Stripe-Version`` header), "Connected Accounts" (the ``Stripe-Account`` header).
    """

    def __init__(self, settings: Settings) -> None:
        """Read the key from the settings. Raises SettingError when there is none."""
        if not settings.stripe_api_key:
            raise SettingError("BOATHOUSE_STRIPE_API_KEY is not set; give a secret or restricted key.")
        self.version = settings.stripe_api_version
        headers = {
            "Authorization": f"Bearer {settings.stripe_api_key.get_secret_value()}",
            "Stripe-Version": self.version,
        }
        if settings.stripe_account:
            headers["Stripe-Account"] = settings.stripe_account
        self._http = httpx.Client(base_url=settings.stripe_url, headers=headers, timeout=httpx.Timeout(80, connect=10))
        self._said_at: datetime | None = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def now(self) -> datetime:
        """Give the time of the last answer by Stripe's own clock; this machine's while Stripe hasn't told it."""
        return self._said_at or datetime.now(UTC)

    def pages(self, path: str, parameters: Parameters | None = None) -> Iterator[list[bytes]]:
        """Page through a list, newest first: each object's JSON. An object may come twice.

        When the object that a page ends with is deleted before the next page is asked for, the list goes on from
        that object's second. Raises CredentialsError or SourceError.
        """
        asked: Parameters = {"limit": PAGE, **(parameters or {})}
        last, stuck = Keys(), 0
        while True:
            try:
                page = self._page(path, asked)
            except RefusedError as error:
                if error.param != "starting_after" or last.created is None:
                    raise
                asked = {name: value for name, value in asked.items() if name != "starting_after"}
                asked["created[lte]"] = last.created
                continue
            objects = [bytes(item) for item in page.data]
            yield objects
            if not page.has_more:
                return
            ended = last.id
            last = _last(path, objects)
            stuck = stuck + 1 if last.id == ended else 0
            if stuck == STUCK:
                raise SourceError(f"Stripe's {path} sends the same page again and again; try later.")
            asked["starting_after"] = str(last.id)

    def get(self, path: str, parameters: Parameters | None = None) -> bytes:
        """Get a path and give the body as received. Raises CredentialsError or SourceError."""
        body: bytes = persistently("Stripe", lambda: self._get(path, parameters or {}))
        return body

    def find(self, path: str, identity: str, parameters: Parameters | None = None) -> bytes | None:
        """Get one object, or None when Stripe has it no more."""
        try:
            return self.get(f"{path}/{identity}", parameters)
        except MissingError:
            return None

    def _page(self, path: str, parameters: Parameters) -> _Page:
        page: _Page = persistently("Stripe", lambda: _decoded(self._get(path, parameters)))
        return page

    def _get(self, path: str, parameters: Parameters) -> bytes:
        response = self._http.get(path, params=httpx.QueryParams(parameters))
        self._said_at = _date(response) or self._said_at
        if response.status_code == 200:
            return response.content
        raise_if_passing("Stripe", response)
        raise _refusal(path, response)


class MissingError(SourceError):
    """Stripe answered 404."""


class RefusedError(SourceError):
    """Stripe took a request for wrong; ``param`` is the parameter that it named."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


class ForbiddenError(CredentialsError):
    """The key may not read this; ``permission`` is the one that Stripe named, such as ``plan_read``."""

    def __init__(self, message: str, permission: str) -> None:
        super().__init__(message)
        self.permission = permission


def _refusal(path: str, response: httpx.Response) -> SourceError:
    error = _error(response)
    said = str(error.get("message") or f"{response.status_code} {response.reason_phrase}")[:200]
    if response.status_code == 403 and error.get("code") == "account_invalid":
        return CredentialsError(f"Stripe refused the account for {path}: {said}; check BOATHOUSE_STRIPE_ACCOUNT.")
    if response.status_code in (401, 403):
        told = f"Stripe refused the key for {path}: {said}; check BOATHOUSE_STRIPE_API_KEY."
        named = PERMISSION.search(str(error.get("message")))
        if response.status_code == 403:
            return ForbiddenError(told, named[1] if named else "")
        return CredentialsError(told)
    if response.status_code == 404:
        return MissingError(f"Stripe has no {path}: {said}")
    return RefusedError(f"Stripe refused {path} ({response.status_code}): {said}", str(error.get("param") or ""))


def _error(response: httpx.Response) -> dict[str, Any]:
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def _decoded(body: bytes) -> _Page:
    try:
        page: _Page = decode_page(body)
    except msgspec.DecodeError as error:
        raise RetryableError(f"Stripe sent a page that can't be read ({error}); run again.") from error
    return page


def _last(path: str, objects: list[bytes]) -> Keys:
    try:
        last: Keys = decode_keys(objects[-1]) if objects else Keys()
    except msgspec.DecodeError:
        last = Keys()
    if last.id is None:
        raise SourceError(f"Stripe's {path} has more pages, but its last object has no id to go on from.")
    return last


def _date(response: httpx.Response) -> datetime | None:
    try:
        at = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)

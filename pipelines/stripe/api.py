"""Stripe's REST API on the wire: pages newest first, single objects, and every way it says no."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from lake.errors import CredentialsError, SettingError, SourceError
from lake.settings import Settings
from pipelines.vendor import RetryableError, persistently, raise_if_passing

PAGE = 100


class Keys(msgspec.Struct, gc=False):
    """The keys of one object; the rest of it stays in its bytes."""

    id: str | None = None
    created: int | None = None
    deleted: bool = False


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


decode_page = msgspec.json.Decoder(_Page).decode
decode_keys = msgspec.json.Decoder(Keys).decode


class Stripe:
    """A client of Stripe's API at one pinned version.

    Facts: docs.stripe.com/api, "Pagination" (``starting_after``, ``has_more``, newest first), "Errors",
    "Versioning" (the ``Stripe-Version`` header).
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
        self._http = httpx.Client(base_url=settings.stripe_url, headers=headers, timeout=httpx.Timeout(80, connect=10))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def pages(self, path: str, since: int | None = None) -> Iterator[list[bytes]]:
        """Page through a list, newest first, from ``since`` (Unix seconds, inclusive) on: each object's JSON.

        Raises CredentialsError or SourceError.
        """
        parameters: dict[str, str | int] = {"limit": PAGE}
        if since is not None:
            parameters["created[gte]"] = since
        while True:
            page = _decoded(self.get(path, parameters))
            objects = [bytes(item) for item in page.data]
            yield objects
            if not page.has_more:
                return
            last = decode_keys(objects[-1]).id if objects else None
            if last is None:
                raise SourceError(f"Stripe's {path} has more pages, but its last object has no id to go on from.")
            parameters["starting_after"] = last

    def get(self, path: str, parameters: dict[str, str | int] | None = None) -> bytes:
        """Get a path and give the body as received. Raises CredentialsError or SourceError."""
        body: bytes = persistently("Stripe", lambda: self._get(path, parameters or {}))
        return body

    def find(self, path: str, identity: str) -> bytes | None:
        """Get one object, or None when Stripe has it no more."""
        try:
            return self.get(f"{path}/{identity}")
        except _MissingError:
            return None

    def _get(self, path: str, parameters: dict[str, str | int]) -> bytes:
        response = self._http.get(path, params=parameters)
        if response.status_code == 200:
            return response.content
        raise_if_passing("Stripe", response)
        said = _message(response)
        if response.status_code in (401, 403):
            raise CredentialsError(f"Stripe refused the key for {path}: {said}; check BOATHOUSE_STRIPE_API_KEY.")
        if response.status_code == 404:
            raise _MissingError(f"Stripe has no {path}: {said}")
        raise SourceError(f"Stripe refused {path} ({response.status_code}): {said}")


class _MissingError(SourceError):
    """Stripe answered 404."""


def _decoded(body: bytes) -> _Page:
    try:
        page: _Page = decode_page(body)
    except msgspec.DecodeError as error:
        raise RetryableError(f"Stripe sent a page that can't be read ({error}); run again.") from error
    return page


def _message(response: httpx.Response) -> str:
    try:
        body: dict[str, Any] = response.json()
        text = str(body["error"]["message"])
    except (ValueError, KeyError, TypeError):
        text = f"{response.status_code} {response.reason_phrase}"
    return text[:200]

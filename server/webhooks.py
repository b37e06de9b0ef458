"""Webhooks: what a vendor signed goes to the bus, and nothing else does."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response, Router, get, post
from litestar.exceptions import HTTPException
from pydantic import SecretStr

from lake.bus import Bus, Event, open_bus
from lake.errors import BoathouseError
from lake.settings import Settings
from server.problems import MEDIA_TYPE
from server.signatures import signed_by_shopify, signed_by_stripe

AnyRequest = Request[Any, Any, Any]
TRY_AGAIN_SECONDS = 10
HEADERS = {"cache-control": "no-store"}
MOST_SIGNATURES = 8 * 1024

log = structlog.get_logger("server")


class _StripeEvent(msgspec.Struct):
    id: str
    type: str
    created: int | None = None
    api_version: str | None = None
    livemode: bool | None = None


_decode_stripe = msgspec.json.Decoder(_StripeEvent).decode


class Webhooks:
    """Takes deliveries; ``counts`` says how many of each vendor ended how.

    The ends are accepted, repeated, refused (401), too_large (413), bus_away (503) and other_mode: Stripe's test events
    where its key is a live one, or the other way, which are answered and left out.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bus: Bus | None = None
        self.counts: Counter[tuple[str, str]] = Counter()
        client_secret = [settings.shopify_client_secret] if settings.shopify_client_secret else []
        self._shopify = _plain(settings.shopify_webhook_secrets or client_secret)
        self._stripe = _plain(settings.stripe_webhook_secrets)
        self._mode = _mode(settings.stripe_api_key)

    async def shopify(self, request: AnyRequest) -> Response[bytes]:
        """Take a delivery of Shopify."""

        def signed(body: bytes) -> bool:
            return signed_by_shopify(body, _only(request, "x-shopify-hmac-sha256"), self._shopify)

        return await self._take("shopify", request, signed, shopify_event)

    async def stripe(self, request: AnyRequest) -> Response[bytes]:
        """Take a delivery of Stripe."""

        def signed(body: bytes) -> bool:
            return signed_by_stripe(body, _only(request, "stripe-signature"), self._stripe, time.time())

        return await self._take("stripe", request, signed, stripe_event)

    async def close(self) -> None:
        """Let go of the bus."""
        if self._bus is not None:
            await self._bus.close()

    async def _take(
        self,
        vendor: str,
        request: AnyRequest,
        signed: Callable[[bytes], bool],
        event_of: Callable[[AnyRequest, bytes], Event],
    ) -> Response[bytes]:
        try:
            body = await request.body()
        except HTTPException as error:
            self.counts[vendor, "too_large" if error.status_code == 413 else "refused"] += 1
            raise
        if not signed(body):
            self.counts[vendor, "refused"] += 1
            return _bare(HTTPStatus.UNAUTHORIZED)
        if vendor == "stripe" and self._is_of_the_other_mode(body):
            self.counts[vendor, "other_mode"] += 1
            return Response(b"", status_code=200, headers=HEADERS)
        try:
            if self._bus is None:
                self._bus = open_bus(self._settings)
            new = await self._bus.publish(event_of(request, body))
        except BoathouseError as error:
            self.counts[vendor, "bus_away"] += 1
            log.error("a webhook could not be kept, the vendor tries again", vendor=vendor, reason=str(error))
            return _bare(HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": str(TRY_AGAIN_SECONDS)})
        self.counts[vendor, "accepted" if new else "repeated"] += 1
        return Response(b"", status_code=200, headers=HEADERS)

    def _is_of_the_other_mode(self, body: bytes) -> bool:
        """Whether an event of Stripe's says that it is test where the key is live, or the other way."""
        try:
            live = _decode_stripe(body).livemode
        except msgspec.DecodeError:
            return False
        return live is not None and self._mode == ("test" if live else "live")


def shopify_event(request: AnyRequest, body: bytes) -> Event:
    """Make the event of a signed delivery; the headers aren't signed, so what they say is only taken as a hint."""
    triggered = _instant(_only(request, "x-shopify-triggered-at"))
    return Event(
        source="shopify",
        topic=_only(request, "x-shopify-topic")[:100],
        delivery_id=_only(request, "x-shopify-webhook-id")[:200] or _digest(body),
        received_at=datetime.now(UTC),
        body=body,
        triggered_at=triggered,
        api_version=_only(request, "x-shopify-api-version")[:20],
    )


def stripe_event(_: AnyRequest, body: bytes) -> Event:
    """Make the event of a signed delivery; one that can't be read goes on, to the dead letters."""
    now = datetime.now(UTC)
    try:
        said = _decode_stripe(body)
        created = datetime.fromtimestamp(said.created, UTC) if said.created is not None else None
    except (msgspec.DecodeError, ValueError, OverflowError, OSError):
        return Event("stripe", "unreadable", _digest(body), now, body)
    return Event("stripe", said.type, said.id, now, body, created, said.api_version or "")


def webhooks_router(webhooks: Webhooks, settings: Settings) -> Router:
    """Serve /webhooks/shopify and /webhooks/stripe, and at /webhooks how the deliveries ended."""

    @post("/shopify", request_max_body_size=settings.webhook_max_body, summary="Take a webhook of Shopify")
    async def shopify(request: AnyRequest) -> Response[bytes]:
        return await webhooks.shopify(request)

    @post("/stripe", request_max_body_size=settings.webhook_max_body, summary="Take a webhook of Stripe")
    async def stripe(request: AnyRequest) -> Response[bytes]:
        return await webhooks.stripe(request)

    @get("/", summary="Count the webhooks by how they ended", sync_to_thread=False)
    def counted() -> Response[bytes]:
        counts: dict[str, dict[str, int]] = {"shopify": {}, "stripe": {}}
        for (vendor, end), count in webhooks.counts.items():
            counts[vendor][end] = count
        return Response(msgspec.json.encode(counts), media_type="application/json", headers=HEADERS)

    return Router("/webhooks", route_handlers=[shopify, stripe, counted], tags=["webhooks"])


def _bare(status: HTTPStatus, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Answer with a problem that says nothing but its status."""
    body = msgspec.json.encode({"type": "about:blank", "title": status.phrase, "status": status.value})
    return Response(body, status_code=status.value, media_type=MEDIA_TYPE, headers=HEADERS | (headers or {}))


def _only(request: AnyRequest, name: str) -> str:
    """Give a header's value; empty when it is absent, given twice, or not text."""
    wanted = name.encode()
    found = [value for key, value in request.scope["headers"] if key == wanted]
    if len(found) != 1 or len(found[0]) > MOST_SIGNATURES or not found[0].isascii():
        return ""
    return found[0].decode().strip()


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _mode(key: SecretStr | None) -> str:
    """Tell a key's mode, ``live`` or ``test``, by its name; '' where it doesn't say."""
    name = key.get_secret_value().split("_") if key else []
    return name[1] if len(name) > 2 and name[1] in ("live", "test") else ""


def _plain(secrets: list[SecretStr]) -> list[str]:
    return [secret.get_secret_value() for secret in secrets if secret.get_secret_value()]

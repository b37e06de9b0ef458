"""Vendors' signatures over a webhook's raw body, checked in constant time."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

TOLERANCE_SECONDS = 300
STRIPE_TIME = re.compile(r"[0-9]{1,12}")
STRIPE_SIGNATURE = re.compile(r"[0-9a-f]{64}")
SHOPIFY_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{43}=")


def signed_by_shopify(body: bytes, signature: str, secrets: Iterable[str]) -> bool:
    """Say whether ``signature`` is the base64 of the body's HMAC-SHA256 under any of the secrets.

    Fact: shopify.dev, "Verify webhooks", header ``X-Shopify-Hmac-Sha256``.
    """
    if not SHOPIFY_SIGNATURE.fullmatch(signature):
        return False
    given = signature.encode()
    matches = [
        hmac.compare_digest(base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)), given)
        for secret in secrets
    ]
    return any(matches)


def signed_by_stripe(body: bytes, header: str, secrets: Iterable[str], now: float) -> bool:
    """Say whether any ``v1`` of the header signs its time and the body, and the time is near ``now`` (Unix).

    Fact: docs.stripe.com/webhooks, "Verify manually": ``t=<seconds>,v1=<hex>[,v1=<hex>…]``, the HMAC-SHA256 of
    ``<t>.<body>``; other schemes, such as ``v0``, are ignored.
    """
    times, given = [], []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            times.append(value)
        elif name == "v1" and STRIPE_SIGNATURE.fullmatch(value):
            given.append(value.encode())
    if len(times) != 1 or not STRIPE_TIME.fullmatch(times[0]) or abs(now - int(times[0])) > TOLERANCE_SECONDS:
        return False
    signed = times[0].encode() + b"." + body
    wanted = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    matches = [hmac.compare_digest(one, other) for one in wanted for other in given]
    return any(matches)

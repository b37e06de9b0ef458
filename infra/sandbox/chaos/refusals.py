"""Refusals: each as the vendor words it."""

from typing import Any

from infra.sandbox.answer import Answer, json_answer
from infra.sandbox.chaos.strike import Strike
from infra.sandbox.stripe.failures import InvalidRequestError

_TOKEN = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
_STRIPE_429 = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."


def rate_limited(strike: Strike) -> Answer:
    """Answer 429, with the seconds to wait if the fault names them."""
    after = strike.fault.retry_after
    headers = {} if after is None else {"retry-after": f"{after:g}"}
    if strike.call.vendor == "stripe":
        error = {"message": _STRIPE_429, "type": "invalid_request_error", "code": "rate_limit"}
        return json_answer(429, {"error": error}, headers)
    return json_answer(429, {"errors": "Exceeded 2 calls per second for api client."}, headers)


def throttled(strike: Strike) -> Answer:
    """Answer as Shopify does when the bucket of cost points is empty: 200, and THROTTLED in the body."""
    bucket = {"maximumAvailable": 2000.0, "currentlyAvailable": 0, "restoreRate": 1000.0}
    cost = {"requestedQueryCost": 100, "actualQueryCost": None, "throttleStatus": bucket}
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    return json_answer(200, {"errors": [error], "extensions": {"cost": cost}})


def status(strike: Strike) -> Answer:
    """Answer with an HTTP status and a page of HTML, as a proxy before the vendor does."""
    code = int(strike.fault.code)
    return Answer(code, b"<html><body><h1>Error</h1></body></html>", {"content-type": "text/html"})


def revoked(strike: Strike) -> Answer:
    """Refuse the token or key."""
    if strike.call.vendor == "stripe":
        return InvalidRequestError("Expired API Key provided: sk_test_****", status=401).answer()
    return json_answer(401, _TOKEN)


def expired_cursor(strike: Strike) -> Answer:
    """Refuse the cursor of a later page."""
    if strike.call.vendor == "stripe":
        return InvalidRequestError(
            "No such object: the starting_after cursor has expired", "starting_after", "resource_missing"
        ).answer()
    return _graphql_error("Invalid cursor for current pagination sort: expired.", {"code": "BAD_REQUEST"})


def too_costly(strike: Strike) -> Answer:
    """Refuse a page that asks for more than ``count`` documents."""
    text = f"Query cost is {strike.fault.count + 1_000}, which exceeds the single query max cost limit (1000)."
    return _graphql_error(text, {"code": "MAX_COST_EXCEEDED", "maxCost": 1_000})


def _graphql_error(message: str, extensions: dict[str, Any]) -> Answer:
    return json_answer(200, {"errors": [{"message": message, "extensions": extensions}]})

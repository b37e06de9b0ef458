"""Stripe's HTTP surface: keys, versions, lists and single objects."""

import base64
import binascii
import hmac
import itertools
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from infra.sandbox import credentials
from infra.sandbox.answer import Answer, Request, json_answer
from infra.sandbox.shop import Shop
from infra.sandbox.stripe import failures
from infra.sandbox.stripe.failures import InvalidRequestError
from infra.sandbox.stripe.lists import RESOURCES, find, members, page
from infra.sandbox.stripe.parameters import bounds, expansions
from infra.sandbox.stripe.sold import VERSION

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?(; .*)?")
_PATH = re.compile(r"/v1/(checkout/[a-z]+|[a-z_]+)(?:/([^/]+))?(?:/([a-z_]+))?/?")


class StripeApi:
    """Answers as Stripe for one shop's account."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._requests = itertools.count(1)

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, or nothing if its path is none of Stripe's."""
        if not request.path.startswith("/v1/"):
            return None
        version = request.headers.get("stripe-version", VERSION)
        try:
            _authorise(request)
            if not _VERSION.fullmatch(version):
                raise InvalidRequestError(f"Invalid Stripe API version: {version}")
            answer = json_answer(200, self._content(request))
        except InvalidRequestError as error:
            answer = error.answer()
        headers = {"stripe-version": version, "request-id": f"req_{next(self._requests):014d}"}
        return answer._replace(headers=answer.headers | headers)

    def _content(self, request: Request) -> dict[str, Any]:
        match = _PATH.fullmatch(request.path)
        name, identifier, below = match.groups() if match else ("", None, None)
        query = request.query
        if name == "subscription_items" and not identifier:
            name, below = "subscriptions", "items"
            query, identifier = _without(query, "subscription")
        if name not in RESOURCES or request.method != "GET" or (below and below not in RESOURCES[name].lists):
            raise failures.unknown_address(request.method, request.path)
        resource = RESOURCES[name]
        if identifier is None:
            wanted = bounds(query, tuple(resource.filters), resource.expandable)
            data, more = page(self.shop, resource, wanted)
            sent = [resource.sent(one, wanted.expanded) for one in data]
            return {"object": "list", "data": sent, "has_more": more, "url": f"/v1/{name}"}
        found = find(self.shop, resource, identifier)
        if found is None:
            raise failures.missing(resource.kind, identifier, "id", 404)
        if below:
            return members(found[below], bounds(query, ()), request.path)
        return resource.sent(found, expansions(query, resource.expandable))


def _without(query: str, name: str) -> tuple[str, str]:
    """Take a parameter out of a query that must have it."""
    given = parse_qsl(query)
    value = dict(given).get(name)
    if value is None:
        raise InvalidRequestError(f"Missing required param: {name}.", name, "parameter_missing")
    return urlencode([(key, text) for key, text in given if key != name]), value


def _authorise(request: Request) -> None:
    """Let in who has the key, as a bearer token or as the name in basic authentication."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    key = value.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key).decode("utf-8", "replace").partition(":")[0]
        except binascii.Error:
            key = ""
    if not key:
        raise failures.no_key()
    if not hmac.compare_digest(key.encode(), credentials.STRIPE_API_KEY.encode()):
        raise failures.wrong_key(key)

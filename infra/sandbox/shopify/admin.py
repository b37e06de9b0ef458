"""Shopify's HTTP surface: tokens, the GraphQL endpoint and the files of bulk operations."""

import hashlib
import hmac
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
from graphql import GraphQLError

from infra.sandbox import credentials
from infra.sandbox.answer import Answer, Request, json_answer
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.bulk import BulkOperations, Pieces
from infra.sandbox.shopify.bulk_lines import BulkQueryError, line_plan, write_lines
from infra.sandbox.shopify.cost import PLANS, Bucket
from infra.sandbox.shopify.execution import Executor, InvalidQueryError, load_schema
from infra.sandbox.shopify.nodes import Nodes
from infra.sandbox.shopify.projection import is_connection
from infra.sandbox.shopify.roots import LISTED, SCOPES, Roots

VERSION = "2025-10"
_LIVES = 86_399
_GRAPHQL = re.compile(r"/admin/api/([^/]+)/graphql\.json")
_REFUSED = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


class Admin:
    """Answers as Shopify for one shop, under the rate limit of one of the plans."""

    def __init__(self, shop: Shop, state_dir: Path, plan: str = "standard") -> None:
        self.nodes = Nodes(shop)
        self.bulk = BulkOperations(state_dir, shop.now)
        self.roots = Roots(self.nodes, self.bulk)
        self.roots.pieces = self.pieces
        self.executor = Executor(self.nodes, self.roots, Bucket(PLANS[plan]), load_schema())

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, or nothing if its path is none of Shopify's."""
        if request.path == "/admin/oauth/access_token":
            return _token(request)
        if request.path.startswith("/bulk/"):
            path = self.bulk.file(request.path.removeprefix("/bulk/"))
            if path is None:
                return json_answer(404, {"errors": "Not Found"})
            return Answer(200, b"", {"content-type": "application/jsonl"}, path)
        if match := _GRAPHQL.fullmatch(request.path):
            return self._graphql(request, match[1])
        return json_answer(404, {"errors": "Not Found"}) if request.path.startswith("/admin/") else None

    def _graphql(self, request: Request, asked: str) -> Answer:
        """Answer a query; there is one version, and any other falls to it, as unsupported ones fall forward."""
        version = {"x-shopify-api-version": VERSION}
        if asked != VERSION:
            version["x-shopify-api-deprecated-reason"] = "https://shopify.dev/api/usage/versioning"
        if not _known(request.headers.get("x-shopify-access-token", "")):
            return json_answer(401, _REFUSED, version)
        try:
            body = orjson.loads(request.body)
            query, variables = body["query"], body.get("variables") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            return json_answer(400, {"errors": {"query": "Required parameter missing or invalid"}}, version)
        host = request.headers.get("host", "127.0.0.1")
        return json_answer(200, self.executor.execute(query, variables, body.get("operationName"), host), version)

    def pieces(self, query: str) -> Pieces:
        """Make the lines of a bulk query.

        Raises BulkQueryError if the query isn't valid or isn't for bulk.
        """
        try:
            operation, kind, projector = self.executor.prepare(query, {}, None)
        except (GraphQLError, InvalidQueryError) as error:
            raise BulkQueryError(f"Invalid bulk query: {error}") from None
        fields = [group[0] for group in projector.fields(kind, [operation.selection_set]).values()]
        if not any(is_connection(kind, field) for field in fields):
            raise BulkQueryError("Bulk queries must contain at least one connection.")
        if len(fields) > 1 or fields[0].name.value not in LISTED:
            raise BulkQueryError("Bulk queries cannot contain more than one top level field.")
        listing = self.roots.listing(fields[0].name.value, projector.arguments(kind, fields[0]))
        return write_lines(self.nodes, listing, line_plan(projector, kind, fields[0]))


def _token(request: Request) -> Answer:
    """Exchange client credentials for a token that lives a day; the token itself says until when."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    if request.headers.get("content-type", "").startswith("application/json"):
        form = _json_form(request.body)
    if form.get("grant_type") != "client_credentials":
        return _oauth_error("unsupported_grant_type", "The grant type is not supported by the authorization server.")
    client = form.get("client_id", "")
    if client != credentials.SHOPIFY_CLIENT_ID:
        text = f"Could not find Shopify API application with api_key {client}"
        return _oauth_error("application_cannot_be_found", text)
    if not hmac.compare_digest(form.get("client_secret", ""), credentials.SHOPIFY_CLIENT_SECRET):
        return _oauth_error("invalid_client", "Client authentication failed: the client secret is not valid.")
    token = _signed(int(time.time()) + _LIVES + 1)
    return json_answer(200, {"access_token": token, "scope": SCOPES, "expires_in": _LIVES})


def _json_form(body: bytes) -> dict[str, Any]:
    try:
        form = orjson.loads(body)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in form.items()} if isinstance(form, dict) else {}


def _oauth_error(error: str, description: str) -> Answer:
    return json_answer(400, {"error": error, "error_description": description})


def _signed(expires: int) -> str:
    start = f"{expires:08x}"
    secret = credentials.SHOPIFY_CLIENT_SECRET.encode()
    return f"shpat_{start}{hmac.new(secret, start.encode(), hashlib.sha256).hexdigest()[:24]}"


def _known(token: str) -> bool:
    """Say whether a token is the shop's and hasn't run out."""
    if hmac.compare_digest(token.encode(), credentials.SHOPIFY_ACCESS_TOKEN.encode()):
        return True
    start = token.removeprefix("shpat_")[:8]
    try:
        expires = int(start, 16)
    except ValueError:
        return False
    return expires > time.time() and hmac.compare_digest(token.encode(), _signed(expires).encode())

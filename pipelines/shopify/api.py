"""Shopify's Admin GraphQL API on the wire: the token, the cost-aware pace, and every way it says no."""

import re
import time
from collections.abc import Iterator
from threading import Lock
from typing import Any

import httpx
import msgspec
import orjson

from lake.errors import CredentialsError, SettingError, SourceError
from lake.settings import Settings
from pipelines.shopify.answer import STEERING, A, read_answer
from pipelines.shopify.pace import Pace
from pipelines.vendor import RetryableError, persistently, raise_if_passing

DOWNLOADS = 5
PASSING = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})


def shop_domain(name: str) -> str:
    """Turn a shop's name, in any form a user types it, into ``<shop>.myshopify.com``.

    Takes ``my-shop``, ``my-shop.myshopify.com``, ``https://my-shop.myshopify.com/admin?x=1`` and
    ``https://admin.shopify.com/store/my-shop``, quoted or not. Raises SettingError for anything else.
    """
    text = re.sub(r"^(https?://)?(www\.)?", "", name.strip().strip("'\"<>@").lower())
    found = re.fullmatch(r"admin\.shopify\.com/store/([a-z0-9][a-z0-9-]*)([/?#].*)?", text) or re.fullmatch(
        r"([a-z0-9][a-z0-9-]*)(/|\.myshopify\.com(:\d+)?([/?#].*)?)?", text
    )
    if not found:
        raise SettingError(
            f"BOATHOUSE_SHOPIFY_SHOP is '{name}'; it takes the name before .myshopify.com, such as 'my-shop'."
        )
    return f"{found[1]}.myshopify.com"


class TooCostlyError(SourceError):
    """A query costs more points than Shopify allows one query; a smaller page costs less."""


class Shopify:
    """A client of one shop's Admin GraphQL API.

    Facts: shopify.dev, GraphQL Admin API, "Rate limits" (cost and throttleStatus) and "Client credentials grant".
    """

    def __init__(self, settings: Settings) -> None:
        """Read the shop and the credentials from the settings. Raises SettingError when one is missing."""
        if not settings.shopify_shop:
            raise SettingError("BOATHOUSE_SHOPIFY_SHOP is not set; give the name before .myshopify.com.")
        self.domain = shop_domain(settings.shopify_shop)
        self.version = settings.shopify_api_version
        self._settings = settings
        base = settings.shopify_url or f"https://{self.domain}"
        self._http = httpx.Client(base_url=base, timeout=httpx.Timeout(60, connect=10))
        self._headers: dict[str, str] = {}
        self._expires = 0.0
        self._pace = Pace()
        # What a query costs is known after it: of two at once, one would be turned away.
        self._one_at_a_time = Lock()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def graphql(self, query: str, variables: dict[str, Any] | None = None) -> bytes:
        """Run one GraphQL query and give the answer's body as received, once it holds data.

        Waits when the shop's bucket of cost points is empty, and retries what passes by itself. Raises
        CredentialsError for a refused token or shop, SettingError for a version of the API that isn't supported any
        more, and SourceError with Shopify's own message otherwise.
        """
        return self.ask(query, variables or {}, STEERING)[0]

    def ask(self, query: str, variables: dict[str, Any], decoder: "msgspec.json.Decoder[A]") -> tuple[bytes, A]:
        """Run one GraphQL query as ``graphql`` does, and give the answer's body and what a decoder reads of it."""
        body = orjson.dumps({"query": query, "variables": variables})
        with self._one_at_a_time:
            time.sleep(max(0.0, self._pace.wait(query)))
            answer: tuple[bytes, A] = persistently("Shopify", lambda: self._post(query, body, decoder))
        return answer

    def download(self, url: str, size: int | None = None) -> Iterator[bytes]:
        """Stream a bulk operation's result of ``size`` bytes; what breaks off is fetched again and goes on there.

        Raises SourceError when it can't be had, or never to its end.
        """
        taken = 0
        for _ in range(DOWNLOADS):
            skip = taken
            try:
                for chunk in self._stream(url):
                    fresh, skip = chunk[skip:], max(0, skip - len(chunk))
                    taken += len(fresh)
                    if fresh:
                        yield fresh
            except httpx.TransportError:
                continue
            if size is None or taken == size:
                return
        raise SourceError("Shopify's bulk result broke off again and again; run again to ask for a new one.")

    def _stream(self, url: str) -> Iterator[bytes]:
        request = self._http.build_request("GET", url)
        response: httpx.Response = persistently("Shopify", lambda: self._open(request))
        try:
            if response.status_code != 200:
                code = response.status_code
                raise SourceError(f"Shopify's bulk result answered {code}; run again to ask for a new one.")
            yield from response.iter_bytes(1 << 20)
        finally:
            response.close()

    def _open(self, request: httpx.Request) -> httpx.Response:
        response = self._http.send(request, stream=True)
        if response.status_code != 200:
            response.close()
            raise_if_passing("Shopify", response)
        return response

    def _post(self, query: str, body: bytes, decoder: "msgspec.json.Decoder[A]") -> tuple[bytes, A]:
        fresh = self._authorize()
        response = self._http.post(f"/admin/api/{self.version}/graphql.json", content=body, headers=self._headers)
        if response.status_code == 401 and not fresh:
            # The token ran out before its time, or the app's credentials were rotated: ask for another, once.
            self._expires = 0.0
            self._authorize()
            response = self._http.post(response.request.url, content=body, headers=self._headers)
        self._refuse(response)
        raise_if_passing("Shopify", response)
        self._check_version(response)
        answer = read_answer(response.content, decoder)
        self._pace.learn(query, answer.requested, answer.bucket)
        if "THROTTLED" in answer.codes:
            wait = self._pace.wait(query, at_least=0.1)
            raise RetryableError("Shopify kept answering THROTTLED; try later or lower the load.", wait)
        if answer.codes & PASSING:
            raise RetryableError(f"Shopify kept failing: {answer.told}; try later.")
        if "MAX_COST_EXCEEDED" in answer.codes:
            raise TooCostlyError(f"Shopify refused a query as too costly: {answer.told}")
        if answer.listed:
            raise SourceError(f"Shopify refused a query: {answer.told}")
        return response.content, answer

    def _check_version(self, response: httpx.Response) -> None:
        """See to it that the answer is in the version that was asked for.

        Fact: shopify.dev, "API versioning": a version that isn't supported any more falls forward to one that is.
        """
        answered = response.headers.get("X-Shopify-Api-Version") or self.version
        if answered != self.version:
            raise SettingError(
                f"Shopify doesn't support its API version {self.version} any more and answered as {answered}; set "
                "BOATHOUSE_SHOPIFY_API_VERSION to a supported one and see docs/shopify.md."
            )

    def _refuse(self, response: httpx.Response) -> None:
        if response.status_code in (401, 403):
            raise CredentialsError(
                f"Shopify refused the token for {self.domain}: {_message(response)}; check the app's "
                "credentials and scopes (BOATHOUSE_SHOPIFY_CLIENT_ID, _CLIENT_SECRET or _ACCESS_TOKEN)."
            )
        if response.status_code in (402, 404, 423):
            raise CredentialsError(
                f"Shopify knows no open shop {self.domain}: {_message(response)}; check BOATHOUSE_SHOPIFY_SHOP."
            )

    def _authorize(self) -> bool:
        """See to it that there is a token, and say whether another one would be no better."""
        settings = self._settings
        if settings.shopify_access_token:
            token = settings.shopify_access_token.get_secret_value()
        elif time.monotonic() < self._expires:
            return False
        else:
            token = self._fetch_token()
        self._headers = {"X-Shopify-Access-Token": token, "Content-Type": "application/json"}
        return True

    def _fetch_token(self) -> str:
        settings = self._settings
        if not (settings.shopify_client_id and settings.shopify_client_secret):
            raise SettingError(
                "Shopify's credentials are not set; give BOATHOUSE_SHOPIFY_CLIENT_ID and "
                "BOATHOUSE_SHOPIFY_CLIENT_SECRET, or BOATHOUSE_SHOPIFY_ACCESS_TOKEN."
            )
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.shopify_client_id,
            "client_secret": settings.shopify_client_secret.get_secret_value(),
        }
        response = self._http.post("/admin/oauth/access_token", data=form)
        raise_if_passing("Shopify", response)
        if response.status_code == 404:
            self._refuse(response)
        if response.status_code != 200:
            raise CredentialsError(
                f"Shopify gave no token for {self.domain}: {_message(response)}; check "
                "BOATHOUSE_SHOPIFY_CLIENT_ID and BOATHOUSE_SHOPIFY_CLIENT_SECRET."
            )
        granted = response.json()
        self._expires = time.monotonic() + float(granted.get("expires_in", 3600)) - 300
        return str(granted["access_token"])


def _message(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return f"{response.status_code} {response.reason_phrase}"
    told = body if isinstance(body, dict) else {"errors": body}
    text = told.get("errors") or told.get("error_description") or told.get("error") or response.reason_phrase
    return str(text)[:200]

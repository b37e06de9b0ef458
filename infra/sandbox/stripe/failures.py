"""Stripe's error bodies."""

from typing import Any

from infra.sandbox.answer import Answer, json_answer

_CODES = "https://stripe.com/docs/error-codes/"


class InvalidRequestError(Exception):
    """A request that Stripe wouldn't take; holds what it answers."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        self.message = message
        self.param = param
        self.code = code
        self.status = status
        super().__init__(message)

    def answer(self) -> Answer:
        """Make Stripe's answer of it."""
        error: dict[str, Any] = {"message": self.message, "type": "invalid_request_error"}
        if self.param:
            error["param"] = self.param
        if self.code:
            error |= {"code": self.code, "doc_url": _CODES + self.code.replace("_", "-")}
        return json_answer(self.status, {"error": error})


def missing(kind: str, identifier: str, param: str, status: int) -> InvalidRequestError:
    """An object that doesn't exist."""
    return InvalidRequestError(f"No such {kind}: '{identifier}'", param, "resource_missing", status)


def no_key() -> InvalidRequestError:
    """A request without an API key."""
    return InvalidRequestError(
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer "
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for "
        "details, or we can help at https://support.stripe.com/.",
        status=401,
    )


def wrong_key(key: str) -> InvalidRequestError:
    """A request with another's API key, of which only the ends are shown."""
    shown = f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}" if len(key) > 16 else "*" * len(key)
    return InvalidRequestError(f"Invalid API Key provided: {shown}", status=401)


def unknown_address(method: str, path: str) -> InvalidRequestError:
    """A path that isn't Stripe's."""
    return InvalidRequestError(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
        status=404,
    )

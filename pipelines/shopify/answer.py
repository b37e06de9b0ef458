"""What a GraphQL answer says beside its data: errors, and what the query cost."""

from typing import Any, TypeVar

import msgspec

from pipelines.vendor import RetryableError


class Answer(msgspec.Struct):
    """The parts of a GraphQL answer that steer the client; its data stays in its bytes."""

    errors: Any = None
    extensions: dict[str, Any] | None = None

    @property
    def listed(self) -> list[dict[str, Any]]:
        """The errors, also where there is but one text."""
        return self.errors if isinstance(self.errors, list) else [{"message": str(self.errors)}] if self.errors else []

    @property
    def told(self) -> str:
        """The errors in Shopify's own words."""
        return "; ".join(str(error.get("message")) for error in self.listed)

    @property
    def codes(self) -> set[object]:
        """The codes of the errors."""
        return {(error.get("extensions") or {}).get("code") for error in self.listed}

    @property
    def requested(self) -> float:
        """What the query costs at most, in points."""
        return float(self._cost.get("requestedQueryCost") or 0)

    @property
    def bucket(self) -> tuple[float, float] | None:
        """The points available, and those restored a second."""
        status = self._cost.get("throttleStatus") or {}
        return (
            (float(status["currentlyAvailable"]), float(status["restoreRate"])) if status.get("restoreRate") else None
        )

    @property
    def _cost(self) -> dict[str, Any]:
        return (self.extensions or {}).get("cost") or {}


A = TypeVar("A", bound=Answer)


STEERING = msgspec.json.Decoder(Answer)
"""Reads what steers the client alone."""


def read_answer(content: bytes, decoder: "msgspec.json.Decoder[A]") -> A:
    """Read an answer's body, once: what steers the client, and as much of the data as the decoder's type names.

    Raises RetryableError when it isn't JSON.
    """
    try:
        return decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RetryableError("Shopify's answers were not JSON, again and again; try later.") from error

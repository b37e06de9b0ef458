"""The sandbox's own requests, below /sandbox/: sell, how far it is, stop, what was sold; delete and save documents."""

from typing import Any

import msgspec

from infra.sandbox.answer import Answer, Request, json_answer
from infra.sandbox.identifiers import split_gid
from infra.sandbox.selling.sales import Fate
from infra.sandbox.selling.seller import Order, Seller, Spoil
from infra.sandbox.selling.truth import truth
from infra.sandbox.shop import Shop

MOST = 5_000
"""Orders a second; more than any machine manages."""


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    rate: float
    seconds: float
    webhook_url: str | None = None
    postgres_dsn: str | None = None
    backoff: float = 0.25


class _Edited(msgspec.Struct, forbid_unknown_fields=True):
    id: str


class Control:
    """Lets one shop sell, one turn at a time."""

    def __init__(self, shop: Shop, spoil: Spoil = list) -> None:
        self.shop = shop
        self._spoil = spoil
        self._seller: Seller | None = None

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, or nothing if its path is not below /sandbox/."""
        asked = (request.method, request.path)
        if asked == ("GET", "/sandbox/truth"):
            with self.shop.sales.lock:
                return json_answer(200, truth(self.shop))
        if asked == ("GET", "/sandbox/sell"):
            return json_answer(200, self._progress())
        if asked == ("POST", "/sandbox/sell"):
            return self._start(request.body)
        if asked[0] == "POST" and asked[1] in ("/sandbox/delete", "/sandbox/save"):
            return self._edit(request.body, asked[1].rpartition("/")[2])
        if asked == ("DELETE", "/sandbox/sell"):
            self.stop(0)
            return json_answer(200, self._progress())
        return json_answer(404, {"error": "Not Found"}) if request.path.startswith("/sandbox/") else None

    def _edit(self, body: bytes, how: str) -> Answer:
        """Delete the document with a Shopify id, or save it again."""
        try:
            wanted = msgspec.json.decode(body, type=_Edited)
        except msgspec.DecodeError:
            return json_answer(400, {"error": "id must be a Shopify id."})
        parts = split_gid(wanted.id)
        if parts is None or (how == "save" and parts[0] in ("Order", "Customer")):
            return json_answer(404, {"error": f"The sandbox shop has no {wanted.id} to {how}."})
        kind = "DiscountNode" if parts[0].startswith("Discount") else parts[0]
        with self.shop.sales.lock:
            (self.shop.edits.remove if how == "delete" else self.shop.edits.save)(kind, parts[1])
        return json_answer(200, {"id": wanted.id})

    def stop(self, patience: float) -> None:
        """End the turn that is under way, and wait at most ``patience`` seconds for its end."""
        if self._seller and self._seller.busy:
            self._seller.stop(patience)

    def _start(self, body: bytes) -> Answer:
        if self._seller and self._seller.busy:
            return json_answer(409, {"error": "The sandbox shop is selling already."})
        try:
            wanted = msgspec.json.decode(body, type=_Wanted)
        except msgspec.DecodeError:
            return json_answer(400, {"error": "rate and seconds must be numbers, webhook_url and postgres_dsn texts."})
        if not (0 < wanted.rate <= MOST and wanted.seconds > 0):
            return json_answer(400, {"error": f"rate must be over 0 and at most {MOST}, seconds over 0."})
        order = Order(wanted.rate, wanted.seconds, wanted.webhook_url, wanted.postgres_dsn, wanted.backoff)
        self._seller = Seller(self.shop, order, self._spoil)
        return json_answer(202, self._progress())

    def _progress(self) -> dict[str, Any]:
        seller = self._seller
        if seller is None:
            return {"state": "idle"}
        deliveries = seller.deliveries
        return {
            "state": seller.state,
            "error": seller.error,
            "wanted": seller.order.total,
            "orders": seller.placed,
            "cancelled": seller.changed[Fate.CANCELLED],
            "refunded": seller.changed[Fate.REFUNDED] + seller.changed[Fate.PARTLY_REFUNDED],
            "failed_payments": seller.declined,
            "webhooks": deliveries.delivered if deliveries else 0,
            "refused": deliveries.refused if deliveries else 0,
            "under_way": deliveries.under_way if deliveries else 0,
            "answered_in": _quantiles(deliveries.answered_in if deliveries else []),
        }


def _quantiles(seconds: list[float]) -> dict[str, float]:
    """Give the median and the 99th percentile in milliseconds; nothing of nothing."""
    known = sorted(seconds)
    return {f"p{share}": round(1000 * known[len(known) * share // 100], 1) for share in (50, 99) if known}

"""The requests below /chaos: begin a script, see what it did, end it, and write to the shop."""

import msgspec

from infra.sandbox.answer import Answer, Request, json_answer
from infra.sandbox.chaos.script import Script, read_script
from infra.sandbox.chaos.stage import Chaos
from infra.sandbox.chaos.writes import described, write
from infra.sandbox.shop import Shop
from lake.errors import SettingError

MOST = 10_000


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    orders: int = 0
    changes: int = 0


class ChaosRoutes:
    """Lets one shop's chaos be told what to do."""

    def __init__(self, shop: Shop, chaos: Chaos) -> None:
        self.shop = shop
        self.chaos = chaos

    def begin(self, script: Script) -> None:
        """Play a script; the shop's clock goes by it."""
        self.chaos.begin(script)
        self.shop.skew = self.chaos.skew

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, or nothing if its path is not /chaos or below it."""
        asked = (request.method, request.path)
        if asked == ("GET", "/chaos"):
            return json_answer(200, msgspec.to_builtins(self.chaos.told()))
        if asked == ("POST", "/chaos"):
            return self._begin(request.body)
        if asked == ("DELETE", "/chaos"):
            told = msgspec.to_builtins(self.chaos.told())
            self.begin(Script([]))
            return json_answer(200, told)
        if asked == ("POST", "/chaos/writes"):
            return self._write(request.body)
        return json_answer(404, {"error": "Not Found"}) if request.path.split("/")[1] == "chaos" else None

    def _begin(self, body: bytes) -> Answer:
        try:
            self.begin(read_script(body))
        except SettingError as error:
            return json_answer(400, {"error": str(error)})
        return json_answer(200, msgspec.to_builtins(self.chaos.told()))

    def _write(self, body: bytes) -> Answer:
        try:
            wanted = msgspec.json.decode(body, type=_Written)
        except msgspec.DecodeError as error:
            return json_answer(400, {"error": f"orders and changes must be whole numbers: {error}."})
        if not (0 <= wanted.orders <= MOST and 0 <= wanted.changes <= MOST):
            return json_answer(400, {"error": f"orders and changes must be between 0 and {MOST}."})
        made = write(self.shop, wanted.orders, wanted.changes)
        sent = sorted(self.chaos.webhooks(made), key=lambda webhook: webhook.delay)
        return json_answer(200, {"webhooks": described(sent)})

"""Where the faults of a script are played: every request to a vendor passes here, and every webhook."""

import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from infra.sandbox.answer import Answer, Request
from infra.sandbox.chaos import bulk_faults, endings, pages, refusals
from infra.sandbox.chaos.calls import CHANGING, Call, classify
from infra.sandbox.chaos.script import Fault, Script
from infra.sandbox.chaos.strike import Memory, Strike, content
from infra.sandbox.chaos.webhook_faults import spoil
from infra.sandbox.selling.webhooks import Webhook

Ask = Callable[[Request], Answer]

REFUSALS: dict[str, Callable[[Strike], Answer]] = {
    "rate_limited": refusals.rate_limited,
    "throttled": refusals.throttled,
    "status": refusals.status,
    "revoked": refusals.revoked,
    "expired_cursor": refusals.expired_cursor,
    "too_costly": refusals.too_costly,
}
SPOILED: dict[str, Callable[[Strike], Answer]] = {
    "reset": endings.reset,
    "cut": endings.cut,
    "truncated": endings.truncated,
    "slow": endings.slow,
    "repeated": pages.repeated,
    "shifted": pages.shifted,
    "hidden": pages.hidden,
    "bulk_failed": bulk_faults.bulk_failed,
    "bulk_truncated": bulk_faults.bulk_truncated,
}
_NUMBER = re.compile(r"\d{6,}")
_KEPT = 1_000


class Chaos:
    """Plays a script; without one every answer passes as it is.

    ``bulk_object`` names the object of a bulk operation by its number, ``write`` sells and changes so many orders.
    """

    def __init__(self, bulk_object: Callable[[str], str], write: Callable[[int, int], Any]) -> None:
        self._bulk_object = bulk_object
        self._write = write
        self.begin(Script([]))

    def begin(self, script: Script) -> None:
        """Play this script from its start, in place of any other."""
        self.script = script
        self.faults = [(fault, Memory()) for fault in script.faults]
        self.struck: deque[dict[str, str]] = deque(maxlen=_KEPT)
        self._revoked: set[str] = set()
        self._before: dict[tuple[str, str], Answer] = {}

    @property
    def skew(self) -> float:
        """How many seconds the vendors' clocks are ahead."""
        return sum(fault.seconds for fault, _ in self.faults if fault.fault == "skew")

    def answer(self, request: Request, ask: Ask) -> Answer:
        """Answer a request as the vendor does (``ask``), unless a fault is in its way."""
        call = self._call(request) if self.faults else None
        if call is None:
            return ask(request)
        if call.vendor in self._revoked and call.step not in ("token", "bulk_file"):
            return refusals.revoked(Strike(_NONE, Memory(), call, request, None, ask, None))
        answer = None if call.step in CHANGING else ask(request)
        before = self._before.get(call[:2])
        for fault, memory in self.faults:
            strike = Strike(fault, memory, call, request, answer, ask, before)
            if not _meets(strike):
                continue
            answer = self._play(strike)
            if fault.fault in REFUSALS:
                return answer
        return self._remember(call, answer or ask(request))

    def webhooks(self, sent: Sequence[Webhook]) -> list[Webhook]:
        """Give the webhooks that really go out in place of these."""
        found = list(sent)
        for fault, memory in self.faults:
            found = spoil(fault, memory, found)
        return found

    def told(self) -> dict[str, Any]:
        """Say which faults are on, how often each met and struck, and the latest thousand strikes."""
        faults = [
            {"fault": fault.fault, "met": memory.met, "struck": memory.struck, "script": fault}
            for fault, memory in self.faults
        ]
        return {"faults": faults, "struck": list(self.struck)}

    def _call(self, request: Request) -> Call | None:
        call = classify(request)
        if call is None or call.object or not call.step.startswith("bulk"):
            return call
        about = request.path if call.step == "bulk_file" else request.body.decode("utf-8", "replace")
        number = _NUMBER.search(about)
        return call._replace(object=self._bulk_object(number[0] if number else ""))

    def _play(self, strike: Strike) -> Answer:
        fault, call = strike.fault, strike.call
        self.struck.append({"fault": fault.fault, "vendor": call.vendor, "object": call.object, "step": call.step})
        if fault.fault == "write":
            self._write(fault.orders, fault.changes)
            return strike.ask(strike.request)
        if fault.fault == "revoked":
            self._revoked.add(call.vendor)
        return (REFUSALS | SPOILED)[fault.fault](strike)

    def _remember(self, call: Call, answer: Answer) -> Answer:
        if call.step == "token":
            self._revoked.discard(call.vendor)
        if call.step == "page" and answer.status == 200:
            self._before[call[:2]] = answer
        return answer


_NONE = Fault(fault="revoked")


def _meets(strike: Strike) -> bool:
    """Say whether a fault strikes at a request, and count the request if it is one of those that it is aimed at."""
    fault, call, memory = strike.fault, strike.call, strike.memory
    aimed = (fault.vendor, fault.object, fault.step)
    if any(wanted and wanted != found for wanted, found in zip(aimed, call[:3], strict=True)):
        return False
    if fault.page and fault.page not in strike.places:
        return False
    if not _possible(strike):
        return False
    memory.met += 1
    if memory.met <= fault.skip or (fault.times and memory.struck >= fault.times):
        return False
    memory.struck += 1
    return True


def _possible(strike: Strike) -> bool:
    """Say whether a fault can happen at such a request."""
    call, kind = strike.call, strike.fault.fault
    if kind in ("skew",) or kind.startswith("webhook_"):
        return False
    if kind == "hidden":
        return call.step == "page" or (call.step == "count" and bool(strike.memory.hidden))
    if kind in ("repeated", "shifted"):
        return call.step == "page" and call.later and strike.before is not None
    if kind == "expired_cursor":
        return call.step == "page" and call.later
    if kind == "too_costly":
        return call.step == "page" and _size(strike.request) > strike.fault.count
    if kind == "bulk_failed":
        return call.step == "bulk_poll" and bool(bulk_faults.ended(content(strike.whole)))
    if kind == "bulk_truncated":
        return call.step == "bulk_file"
    return kind != "throttled" or (call.vendor == "shopify" and call.step not in ("token", "bulk_file"))


def _size(request: Request) -> int:
    """Say how many documents a page of Shopify's asks for."""
    if request.method != "POST":
        return 0
    return int((orjson.loads(request.body).get("variables") or {}).get("first") or 0)

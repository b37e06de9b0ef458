"""A fault that meets a request: all that is needed to spoil the answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from infra.sandbox.answer import Answer, Request
from infra.sandbox.chaos.calls import Call, page_of
from infra.sandbox.chaos.script import Fault


@dataclass
class Memory:
    """What one fault remembers: how many requests it met and struck, and the documents that it keeps back."""

    met: int = 0
    struck: int = 0
    hidden: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Strike:
    """One fault at one request; ``ask`` has the vendor answer a request as it is now, ``before`` is the last page."""

    fault: Fault
    memory: Memory
    call: Call
    request: Request
    answer: Answer | None
    ask: Callable[[Request], Answer]
    before: Answer | None

    @property
    def places(self) -> set[str]:
        """Which of first, mid and last the page is, if it is one."""
        return page_of(self.call, self.answer)

    @property
    def whole(self) -> Answer:
        """The vendor's answer."""
        return self.answer or self.ask(self.request)


def content(answer: Answer) -> dict[str, Any]:
    """Read an answer's JSON."""
    found: dict[str, Any] = orjson.loads(answer.body)
    return found


def changed(answer: Answer, body: Any) -> Answer:
    """Give the answer with another JSON body."""
    return answer._replace(body=orjson.dumps(body))

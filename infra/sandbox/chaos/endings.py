"""Answers that don't end well on the wire: slow ones, and connections that end in the middle of a body."""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.sandbox.answer import Answer, Ending
from infra.sandbox.chaos.strike import Strike

Send = Callable[[dict[str, Any]], Awaitable[None]]

PIECES = 8
_NO_LINGER = struct.pack("ii", 1, 0)


class BrokenOffError(ConnectionError):
    """Raised to have the server let go of a connection whose answer isn't whole."""


def reset(strike: Strike) -> Answer:
    """Reset the connection after the share ``keep`` of the body."""
    return _bytes(strike)._replace(ending=Ending("reset", strike.fault.keep))


def cut(strike: Strike) -> Answer:
    """Close the connection after the share ``keep`` of the body."""
    return _bytes(strike)._replace(ending=Ending("cut", strike.fault.keep))


def truncated(strike: Strike) -> Answer:
    """Send the share ``keep`` of the body as if that were all."""
    whole = _bytes(strike)
    return whole._replace(body=whole.body[: int(len(whole.body) * strike.fault.keep)])


def slow(strike: Strike) -> Answer:
    """Take ``seconds`` for the body."""
    return _bytes(strike)._replace(ending=Ending("slow", 1.0, strike.fault.seconds))


async def send_badly(
    answer: Answer, client: tuple[str, Any], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Send the body of an answer whose head is sent, and end as it says.

    Raises BrokenOffError where the connection must end.
    """
    assert answer.ending is not None
    body = answer.body[: int(len(answer.body) * answer.ending.keep)]
    size = max(1, -(-len(body) // PIECES))
    for start in range(0, len(body), size):
        await asyncio.sleep(answer.ending.seconds / PIECES)
        await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
    if answer.ending.how == "slow":
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    # What was sent is let out first.
    await asyncio.sleep(0.01)
    if answer.ending.how == "reset":
        _reset_when_closed((client[0], int(client[1])))
    raise BrokenOffError


def _bytes(strike: Strike) -> Answer:
    """Give the answer with its file's content as its body."""
    whole = strike.whole
    return whole if whole.file is None else whole._replace(body=whole.file.read_bytes(), file=None)


def _reset_when_closed(peer: tuple[str, int]) -> None:
    """Have the close of this process's connection with ``peer`` be a reset: the server doesn't show its sockets."""
    for name in Path("/dev/fd").iterdir():
        with suppress(OSError):
            if name.is_socket():
                _set_reset(int(name.name), peer)


def _set_reset(number: int, peer: tuple[str, int]) -> None:
    with socket.socket(fileno=os.dup(number)) as own:
        if own.family == socket.AF_INET and own.getpeername() == peer:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)

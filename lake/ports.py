"""Ports that one process of this machine holds alone: two servers of Granian would share one (SO_REUSEPORT)."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on the port now, and none of ours is about to."""
    guard = _claim(port, host)
    if guard is None:
        return False
    guard.close()
    return True


@contextmanager
def holding(ports: Iterable[int], host: str = LOOPBACK) -> Iterator[int | None]:
    """Hold the first of ``ports`` that is free while the block runs, and give it; None when none is.

    Whoever else asks ``is_free`` or ``holding`` passes it over, also before anything listens there. Port 0 is any
    free one.
    """
    for port in ports:
        wanted = port or _any(host)
        if (guard := _claim(wanted, host)) is not None:
            with guard:
                yield wanted
            return
    yield None


def _claim(port: int, host: str) -> socket.socket | None:
    """Claim a port with a datagram socket of the same number, which can't be shared and ends with the process."""
    guard = socket.socket(_family(host), socket.SOCK_DGRAM)
    try:
        guard.bind((host, port))
        with socket.socket(_family(host)) as probe:
            # As servers do: a connection that lingers after its server stopped doesn't hold the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError:
        guard.close()
        return None
    return guard


def _any(host: str) -> int:
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET

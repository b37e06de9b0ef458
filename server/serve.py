"""Serving: the API under Granian on loopback, in this process or as a child of it."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from lake.errors import BoathouseError, PortTakenError, ServiceError
from lake.handover import dump, load
from lake.logs import configure_logs
from lake.ports import holding
from lake.settings import Settings
from server.app import create_app
from server.live import Live

PORTS_TRIED = 100
READY_SECONDS = 60.0
STOP_SECONDS = 10.0

StopWhen = Callable[[asyncio.AbstractEventLoop, Callable[[], None]], None]


def serve(settings: Settings, port: int | None = None, ready: Callable[[str], None] = lambda _: None) -> None:
    """Serve in this process until SIGINT or SIGTERM; ``ready`` gets the address once it answers.

    Without ``port`` it is the first free one from ``server_port`` on. Raises PortTakenError when there is
    none or ``port`` is taken.
    """
    with _holding(settings, port) as held:
        asyncio.run(_serve(settings, held, lambda: ready(address(settings, held)), _signalled))


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve in a child process while the block runs, and give the address.

    The child gets the settings through its standard input and ends when that closes, so that it never
    outlives this process. Raises ServiceError when it doesn't come up.
    """
    command = [sys.executable, "-P", "-m", "server.serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(dump(settings) + "\n")
            child.stdin.flush()
            found = _first_line(child)
            yield found
        finally:
            with suppress(OSError):
                child.stdin.close()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()


@contextmanager
def serving_here(settings: Settings) -> Iterator[str]:
    """Serve from a thread of this process while the block runs, and give the address.

    It is up at once where a child has to import everything again, but shares the processor with whatever
    else this process does. Raises what ``serve`` raises.
    """
    up, down = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def stop_when(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
        threading.Thread(target=lambda: _stop_after(down, loop, stop), daemon=True).start()

    def run(port: int) -> None:
        try:
            asyncio.run(_serve(settings, port, up.set, stop_when))
        except BaseException as error:
            failed.append(error)
        finally:
            up.set()

    with _holding(settings) as held:
        thread = threading.Thread(target=run, args=(held,), name="server", daemon=True)
        thread.start()
        try:
            up.wait(READY_SECONDS)
            if failed or not up.is_set():
                raise failed[0] if failed else ServiceError("The API didn't start in time.")
            yield address(settings, held)
        finally:
            down.set()
            thread.join(STOP_SECONDS)


@contextmanager
def _holding(settings: Settings, port: int | None = None) -> Iterator[int]:
    """Hold ``port``, or the first free one from ``server_port`` on. Raises PortTakenError when there is none."""
    first = settings.server_port
    ports = range(first, min(first + PORTS_TRIED, 65536)) if port is None else [port]
    with holding(ports, settings.server_host) as held:
        if held is None and port is not None:
            raise PortTakenError(
                f"Port {port} on {settings.server_host} belongs to something else; set BOATHOUSE_SERVER_PORT."
            )
        if held is None:
            raise PortTakenError(f"All ports from {first} on are taken; set BOATHOUSE_SERVER_PORT to a free one.")
        yield held


def address(settings: Settings, port: int) -> str:
    """Write the address that a reader on this machine uses."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.server_host, settings.server_host)  # noqa: S104
    return f"http://{host}:{port}"


def _first_line(child: subprocess.Popen[str]) -> str:
    watch = threading.Timer(READY_SECONDS, child.kill)
    watch.start()
    try:
        line = child.stdout.readline().strip() if child.stdout else ""
    finally:
        watch.cancel()
    if not line:
        raise ServiceError("The API didn't start; its own lines above say why.")
    return line


async def _told(host: str, port: int, ready: Callable[[], None]) -> None:
    """Call ``ready`` once connections are taken; the application is ready a moment before its socket is."""
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.005)
        else:
            writer.close()
            return ready()


async def _serve(settings: Settings, port: int, ready: Callable[[], None], stop_when: StopWhen) -> None:
    opening: list[asyncio.Future[None]] = []
    app = create_app(settings, lambda: opening.append(asyncio.ensure_future(_told(settings.server_host, port, ready))))
    server = Server(
        app,
        address=settings.server_host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        log_enabled=False,
    )

    def stop() -> None:
        """End the live streams first: the server waits for all answers."""
        live: Live = app.state.live
        live.stop()
        server.stop()  # type: ignore[no-untyped-call]

    stop_when(asyncio.get_running_loop(), stop)
    await server.serve()


def _signalled(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _left_alone(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Stop when standard input ends, as it does when the parent closes it or dies; Ctrl-C is the parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGTERM, stop)

    def wait() -> None:
        sys.stdin.read()
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(stop)

    threading.Thread(target=wait, daemon=True).start()


def _stop_after(down: threading.Event, loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    down.wait()
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(stop)


def _child() -> None:
    """Serve for a parent: settings from standard input, the address to standard output, until input ends."""
    settings = load(sys.stdin.readline())
    configure_logs(settings)
    try:
        with _holding(settings) as held:
            asyncio.run(_serve(settings, held, lambda: print(address(settings, held), flush=True), _left_alone))
    except BoathouseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _child()

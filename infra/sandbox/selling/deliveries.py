"""Delivers webhooks: many at once, in no order, and again after a refusal."""

import heapq
import http.client
import itertools
import random
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from infra.sandbox.selling.webhooks import Webhook

WORKERS = 8
TRIES = 5
_TIMEOUT = 5.0


class Deliveries:
    """What is on its way to the webhooks' receiver at ``url``.

    A try that isn't answered with 2xx within five seconds is repeated up to four times, after ``backoff`` seconds,
    twice as many, and so on (Shopify repeats eight times in four hours, Stripe for three days). Counts what was
    ``delivered``, with the seconds to each answer in ``answered_in``, and what was ``refused`` to the last.
    """

    def __init__(self, url: str, backoff: float = 0.25) -> None:
        self.delivered = 0
        self.refused = 0
        self.answered_in: list[float] = []
        self._url = urlsplit(url.rstrip("/"))
        self._backoff = backoff
        self._order = itertools.count()
        self._shuffle = random.Random(1997)  # noqa: S311
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, int, Webhook]] = []
        self._busy = 0
        self._closed = False
        for _ in range(WORKERS):
            threading.Thread(target=self._work, name="webhooks", daemon=True).start()

    @property
    def under_way(self) -> int:
        """How many are neither delivered nor refused."""
        with self._changed:
            return len(self._waiting) + self._busy

    def send(self, webhooks: Iterable[Webhook]) -> None:
        """Deliver these soon, not necessarily in their order."""
        now = time.monotonic()
        with self._changed:
            for webhook in webhooks:
                due = now + webhook.delay + self._shuffle.random() * self._backoff / 2
                heapq.heappush(self._waiting, (due, next(self._order), 1, webhook))
            self._changed.notify_all()

    def drain(self, stop: threading.Event) -> None:
        """Wait until nothing is under way, or ``stop`` is set."""
        with self._changed:
            while (self._waiting or self._busy) and not stop.is_set():
                self._changed.wait(0.2)

    def close(self) -> None:
        """Let go of what is still under way."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        connection = self._connection()
        while taken := self._take():
            _, _, attempt, webhook = taken
            began = time.monotonic()
            status = self._try(connection, webhook)
            with self._changed:
                self._busy -= 1
                if 200 <= status < 300:
                    self.delivered += 1
                    self.answered_in.append(time.monotonic() - began)
                elif attempt == TRIES:
                    self.refused += 1
                else:
                    due = time.monotonic() + self._backoff * 2 ** (attempt - 1)
                    heapq.heappush(self._waiting, (due, next(self._order), attempt + 1, webhook))
                    self._changed.notify()
                if not self._waiting and not self._busy:
                    self._changed.notify_all()
        connection.close()

    def _take(self) -> tuple[float, int, int, Webhook] | None:
        """Wait for what is due; nothing when closed."""
        with self._changed:
            while not self._closed:
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    self._busy += 1
                    return heapq.heappop(self._waiting)
                self._changed.wait(wait)
            return None

    def _connection(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(self._url.hostname or "127.0.0.1", self._url.port, timeout=_TIMEOUT)

    def _try(self, connection: http.client.HTTPConnection, webhook: Webhook) -> int:
        """Send once and give the status, 0 if there was none; a connection gone stale is opened anew."""
        for _ in range(2):
            fresh = connection.sock is None
            try:
                connection.request("POST", self._url.path + webhook.path, webhook.body, webhook.headers())
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                with suppress(OSError):
                    connection.close()
                if fresh or isinstance(error, TimeoutError):
                    return 0
                continue
            return answer.status
        return 0

"""Shopify's bulk operations: start one or find it again after a crash, wait for it, and stream its result.

Facts: shopify.dev, "Perform bulk operations with the GraphQL Admin API": results are kept for seven days;
``rootObjectCount`` counts the objects that aren't children; partial data is offered apart and never taken here.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from tenacity import RetryCallState, Retrying, retry_if_result

from lake.errors import SourceError
from pipelines.shopify.api import Shopify
from pipelines.shopify.bulk_lines import assemble, children_of
from pipelines.shopify.documents import Document
from pipelines.shopify.resources import Resource, query_text

TRIES = 3
DONE = frozenset({"COMPLETED", "FAILED", "CANCELED", "EXPIRED"})
BUSY = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})


class Bulk:
    """The bulk operation of one object's load; ``note`` remembers its id until its result has landed."""

    def __init__(self, client: Shopify, resource: Resource, folder: Path) -> None:
        self._client = client
        self._resource = resource
        self._query, self._purpose = resource.bulk_query, resource.bulk_query
        self.note = folder / f"{client.domain}-{resource.table}.bulk"

    def narrow(self, search: str, held: int) -> None:
        """Ask for what a search finds alone; ``held`` is how many versions of that bronze has.

        When bronze has more of them, the result of an operation noted before has landed: it is not taken again.
        """
        self._query = self._resource.bulk_query_of(search)
        self._purpose = f"{self._query}\n{held}"

    def run(self) -> dict[str, Any]:
        """Run the operation to its end and give it (``url``, ``rootObjectCount``, ``createdAt`` …).

        One that a killed run started is found again. Raises SourceError when Shopify won't start it or it doesn't
        complete; partial data is never used.
        """
        operation = self._noted() or _wait(partial(_poll, self._client, self._start()))
        if operation["status"] != "COMPLETED":
            self.forget()
            raise SourceError(
                f"Shopify's bulk operation for {self._resource.name} ended as {operation['status']} "
                f"({operation.get('errorCode')}); run again to start a new one."
            )
        return operation

    def read(self, operation: dict[str, Any]) -> Iterator[Document]:
        """Stream the operation's JSONL as whole documents, children spliced in as the paged query nests them.

        Raises SourceError when a child doesn't follow its parent, or when the result can't be had any more.
        """
        if operation["url"]:
            lines = self._lines(operation["url"], int(operation.get("fileSize") or 0) or None)
            join = children_of if self._resource.below else assemble
            yield from join(self._resource, lines)

    def forget(self) -> None:
        """Start anew next time."""
        self.note.unlink(missing_ok=True)

    def _noted(self) -> dict[str, Any] | None:
        """Find the operation again that a killed run noted, and wait for its end; None when there is none of use."""
        if not self.note.exists():
            return None
        purpose, _, operation_id = self.note.read_text(encoding="utf-8").rpartition("\n")
        if purpose != self._purpose or not _poll(self._client, operation_id):
            return None
        operation = _wait(partial(_poll, self._client, operation_id))
        return operation if operation["status"] == "COMPLETED" else None

    def _start(self) -> str:
        """Start the operation and give its id; one of the same query that runs already is joined."""
        query = self._query
        for _ in range(TRIES):
            answer = orjson.loads(self._client.graphql(query_text("bulk_start"), {"query": query}))
            started = answer["data"]["bulkOperationRunQuery"]
            if not started["userErrors"]:
                return self._remember(str(started["bulkOperation"]["id"]))
            if all(error.get("code") not in BUSY for error in started["userErrors"]):
                break
            running = _current(self._client)
            if running.get("query") == query and running["status"] not in DONE:
                return self._remember(str(running["id"]))
            _wait(partial(_current, self._client))
        said = "; ".join(error["message"] for error in started["userErrors"])
        raise SourceError(f"Shopify didn't start the bulk operation for {self._resource.name}: {said}")

    def _remember(self, operation_id: str) -> str:
        self.note.parent.mkdir(parents=True, exist_ok=True)
        self.note.write_text(f"{self._purpose}\n{operation_id}", encoding="utf-8")
        return operation_id

    def _lines(self, url: str, size: int | None) -> Iterator[bytes]:
        rest = b""
        try:
            for chunk in self._client.download(url, size):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
        except SourceError:
            self.forget()
            raise
        yield rest


def _current(client: Shopify) -> Any:
    data = orjson.loads(client.graphql(query_text("bulk_current")))["data"]
    return data["currentBulkOperation"] or {"status": "COMPLETED"}


def _poll(client: Shopify, operation_id: str) -> dict[str, Any]:
    node: dict[str, Any] = orjson.loads(client.graphql(query_text("bulk_poll"), {"id": operation_id}))["data"]["node"]
    return node


def _wait(poll: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    waiting = Retrying(
        wait=_patience,
        retry=retry_if_result(lambda operation: operation["status"] not in DONE),
    )
    operation: dict[str, Any] = waiting(poll)
    return operation


def _patience(state: RetryCallState) -> float:
    """Wait a tenth of the time the operation has taken so far: quick ones are seen at once, long ones asked rarely."""
    return min(10.0, max(0.1, (state.seconds_since_start or 0.0) / 10))

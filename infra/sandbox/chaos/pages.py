"""Pages that aren't what they were: repeated, shifted, or without a document that is there."""

import re
from typing import Any

import orjson

from infra.sandbox.answer import Answer, Request
from infra.sandbox.chaos.calls import Call
from infra.sandbox.chaos.strike import Strike, changed, content

_LIMIT = re.compile(r"(?<![a-z])limit=(\d+)")


def repeated(strike: Strike) -> Answer:
    """Answer with the page before once more."""
    return strike.before or strike.whole


def shifted(strike: Strike) -> Answer:
    """Begin with the last ``count`` documents of the page before, as if so many had been put in front of it."""
    if strike.before is None:
        return strike.whole
    again = _documents(strike.call, content(strike.before))[-strike.fault.count :]
    page = content(strike.ask(_smaller(strike.call, strike.request, len(again))))
    _put(strike.call, page, again + _documents(strike.call, page))
    return changed(strike.whole, page)


def hidden(strike: Strike) -> Answer:
    """Leave out the ``count`` documents next to the newest, chosen once, and don't count them either."""
    page = content(strike.whole)
    if strike.call.step == "count":
        name = f"{strike.call.object}Count"
        page["data"][name]["count"] -= len(strike.memory.hidden)
        return changed(strike.whole, page)
    documents = _documents(strike.call, page)
    if not strike.memory.hidden and ("first" if strike.call.vendor == "stripe" else "last") in strike.places:
        newest_first = documents if strike.call.vendor == "stripe" else documents[::-1]
        strike.memory.hidden.update(_identity(one) for one in newest_first[1 : 1 + strike.fault.count])
    _put(strike.call, page, [one for one in documents if _identity(one) not in strike.memory.hidden])
    return changed(strike.whole, page)


def _documents(call: Call, page: dict[str, Any]) -> list[Any]:
    if call.vendor == "stripe":
        return list(page["data"])
    connection = page["data"][call.object]
    return list(connection["edges"] if "edges" in connection else connection["nodes"])


def _put(call: Call, page: dict[str, Any], documents: list[Any]) -> None:
    if call.vendor == "stripe":
        page["data"] = documents
        return
    connection = page["data"][call.object]
    connection["edges" if "edges" in connection else "nodes"] = documents


def _identity(document: dict[str, Any]) -> str:
    return str(document.get("node", document)["id"])


def _smaller(call: Call, request: Request, by: int) -> Request:
    """Ask for a page that is ``by`` documents smaller."""
    if call.vendor == "stripe":
        return request._replace(query=_LIMIT.sub(lambda found: f"limit={int(found[1]) - by}", request.query))
    asked = orjson.loads(request.body)
    asked["variables"]["first"] -= by
    return request._replace(body=orjson.dumps(asked))

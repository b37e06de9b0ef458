"""What the sandbox holds now, object by object: the truth that a lake is held against."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import md5
from typing import Any

import numpy as np
import orjson

from infra.sandbox.answer import Answer, Request, json_answer
from infra.sandbox.recurring import movements
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.inventory import levels
from infra.sandbox.shopify.money import timestamps
from infra.sandbox.shopify.products import storefront
from infra.sandbox.shopify.roots import LISTED, Roots
from infra.sandbox.statement import statement
from infra.sandbox.stripe.lists import RESOURCES
from infra.sandbox.stripe.resource import Resource
from infra.sandbox.stripe.sold import events
from lake.proofs import Tally

CHUNK = 500
Entry = dict[str, Any]
_CALLED = {"discountNodes": "discounts"}
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Ledger:
    """Answers below /truth: ``/truth`` and ``/truth/<object>`` sum up, ``/truth/<object>.jsonl`` lists.

    ``/truth/statement`` gives the shop's figures by month.

    Objects are called as their bronze tables are (``shopify_orders``, ``stripe_charges``).
    """

    def __init__(self, shop: Shop, roots: Roots) -> None:
        self.shop = shop
        self.roots = roots
        self.objects: dict[str, Callable[[], Iterator[Entry]]] = {"shopify_shop": self._storefront}
        for name in LISTED:
            table = _CALLED.get(name, _CAPITAL.sub("_", name).lower())
            self.objects[f"shopify_{table}"] = partial(self._shopify, name)
        self.objects["shopify_inventory_levels"] = self._levels
        for name, resource in RESOURCES.items():
            self.objects[f"stripe_{name.replace('/', '_')}"] = partial(self._stripe, resource)

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, or nothing if its path is not /truth or below it."""
        _, first, *rest = request.path.split("/")
        if first != "truth":
            return None
        name = "/".join(rest)
        if not name:
            return json_answer(200, {name: self.summed_up(name) for name in self.objects})
        if name == "statement":
            with self.shop.sales.lock:
                return json_answer(200, statement(self.shop) | {"mrr": movements(self.shop)})
        if name in self.objects:
            return json_answer(200, self.summed_up(name))
        if name.removesuffix(".jsonl") in self.objects:
            lines = (orjson.dumps(entry) + b"\n" for entry in self.objects[name.removesuffix(".jsonl")]())
            return Answer(200, b"", {"content-type": "application/jsonl"}, pieces=lines)
        return json_answer(404, {"error": f"There is no such object; there is {', '.join(self.objects)}."})

    def summed_up(self, name: str) -> Entry:
        """Count an object's documents and hash their ids and versions, whatever the order, as a load's proof does."""
        tally = Tally()
        for entry in self.objects[name]():
            tally.add(entry["id"], entry["version"])
        return {"object": name, "count": tally.count, "hash": tally.hash}

    def _storefront(self) -> Iterator[Entry]:
        shop = storefront(self.shop)
        yield {"id": shop["id"], "version": shop.get("updatedAt") or shop["createdAt"]}

    def _shopify(self, name: str) -> Iterator[Entry]:
        """Give id, version (``updatedAt``) and the length of every list in each document."""
        listing = self.roots.listing(name, {})
        for start in range(0, len(listing.numbers), CHUNK):
            with self.shop.sales.lock:
                numbers = np.asarray(listing.numbers[start : start + CHUNK], np.int64)
                nodes = self.roots.nodes.many(listing.kind, numbers)
            for node in nodes:
                lists = {key: len(value) for key, value in node.items() if isinstance(value, list)}
                version = node.get("updatedAt") or node["discount"]["updatedAt"]
                yield {"id": node["id"], "version": version, "lists": lists}

    def _levels(self) -> Iterator[Entry]:
        with self.shop.sales.lock:
            found = levels(self.shop)
        yield from ({"id": level["id"], "version": level["updatedAt"]} for level in found)

    def _stripe(self, resource: Resource) -> Iterator[Entry]:
        """Give id, version (of the last event about it, else when it was created) and the MD5 of each object."""
        told = self._told(resource.kind)
        numbers = resource.numbers(self.shop)
        for start in range(0, len(numbers), CHUNK):
            with self.shop.sales.lock:
                objects = resource.make(self.shop, np.asarray(numbers[start : start + CHUNK], np.int64))
            versions = timestamps(np.array([told.get(one["id"], one["created"]) for one in objects], np.int64))
            for one, version in zip(objects, versions, strict=True):
                yield {"id": one["id"], "version": version, "md5": digest(one)}

    def _told(self, kind: str) -> dict[str, int]:
        """Find when an event last told of each object of a kind."""
        with self.shop.sales.lock:
            found = events(self.shop, np.array(self.shop.sales.account.event_numbers, np.int64))
        about = ((event["data"]["object"], event["created"]) for event in found)
        return {one["id"]: at for one, at in about if one["object"] == kind}


def digest(document: Any) -> str:
    """Hash a JSON document, whatever the order of its keys; an embedded list counts as its members."""
    text = orjson.dumps(_plain(document), option=orjson.OPT_SORT_KEYS)
    return md5(text, usedforsecurity=False).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and value.get("object") == "list":
        value = value["data"]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value

import json
from typing import Any

import pytest

from lake.errors import SourceError
from pipelines.shopify.bulk_lines import assemble
from pipelines.shopify.documents import Document, gid_type
from pipelines.shopify.resources import RESOURCES

ORDERS = next(resource for resource in RESOURCES if resource.name == "orders")


def line(kind: str, number: int, parent: int | None = None, **more: object) -> bytes:
    content: dict[str, Any] = {"id": f"gid://shopify/{kind}/{number}"} | more
    if parent is not None:
        content["__parentId"] = f"gid://shopify/Order/{parent}"
    return json.dumps(content).encode()


def assembled(*lines: bytes) -> list[Document]:
    return list(assemble(ORDERS, lines))


def items(document: Document) -> list[str]:
    return [gid["node"]["id"].rsplit("/", 1)[-1] for gid in json.loads(document.payload)["lineItems"]["edges"]]


def test_children_are_nested_in_the_parent_they_follow() -> None:
    first, second, third = assembled(
        line("Order", 1), line("LineItem", 11, 1), line("LineItem", 12, 1), line("Order", 2), line("Order", 3),
        line("LineItem", 31, 3), b"",
    )  # fmt: skip
    assert [items(document) for document in (first, second, third)] == [["11", "12"], [], ["31"]]
    assert first.keys is not None
    assert first.keys.id == "gid://shopify/Order/1"


@pytest.mark.parametrize("lines", [[line("LineItem", 11, 1)], [line("Order", 2), line("LineItem", 11, 1)]])
def test_a_child_apart_from_its_parent_stops_the_load(lines: list[bytes]) -> None:
    with pytest.raises(SourceError, match=r"for orders isn't grouped: a child of gid://shopify/Order/1 is apart\.$"):
        assembled(*lines)


def test_a_root_that_cannot_be_read_keeps_its_children() -> None:
    before, bad, after = assembled(line("Order", 1), b'{"id": 2', line("LineItem", 21, 2), line("Order", 3))
    assert bad.keys is None
    assert bad.fault.startswith("not a document: ")
    assert b"LineItem/21" in bad.payload
    assert before.keys
    assert after.keys


def test_an_order_of_which_a_line_item_cannot_be_read_is_no_order_without_it() -> None:
    broken = line("LineItem", 12, 1).replace(b'"id"', b'"id')
    bad, good = assembled(line("Order", 1), line("LineItem", 11, 1), broken, line("LineItem", 13, 1), line("Order", 2))
    assert bad.keys is None
    assert all(f"LineItem/{number}".encode() in bad.payload for number in (11, 12, 13))
    assert items(good) == []


def test_a_child_of_an_unknown_kind_makes_its_parent_unreadable() -> None:
    (bad,) = assembled(line("Order", 1), line("Fulfillment", 5, 1))
    assert (bad.keys, bad.fault) == (None, "a nested object of no known kind")


def test_what_is_between_the_braces_is_kept_byte_for_byte() -> None:
    text = '{"id":"gid://shopify/Order/1",  "note":"a\\u00e9 }{ \\"q\\"", "n":1.10}'
    (whole,) = assembled(text.encode())
    assert whole.payload.decode().startswith(text[:-1] + ',"lineItems":{"edges":[]},"shippingLines":{"edges":[]},')


@pytest.mark.parametrize(
    ("gid", "kind"), [("gid://shopify/LineItem/1", "LineItem"), ("gid://shopify", ""), ("", ""), (None, "")]
)
def test_a_global_id_tells_its_kind(gid: str | None, kind: str) -> None:
    assert gid_type(gid) == kind


@pytest.mark.parametrize(
    ("order", "partial"),
    [
        ({"refunds": [], "fulfillments": []}, False),
        ({"refunds": [], "fulfillments": [{"id": "1"}], "displayFulfillmentStatus": "FULFILLED"}, False),
        ({"refunds": [], "fulfillments": [{"id": "1"}], "displayFulfillmentStatus": "PARTIALLY_FULFILLED"}, True),
        ({"refunds": [], "fulfillments": [{}, {}], "displayFulfillmentStatus": "FULFILLED"}, True),
        ({"refunds": [{"id": "1"}], "fulfillments": []}, True),
    ],
)
def test_an_order_of_which_bulk_gives_not_all_is_told_apart(order: dict[str, Any], partial: bool) -> None:
    (document,) = assembled(line("Order", 1, **order))
    assert document.partial is partial


def test_a_discount_of_an_order_is_known_by_its_type_since_it_has_no_id() -> None:
    applied = {"__parentId": "gid://shopify/Order/1", "__typename": "ManualDiscountApplication", "index": 0}
    nameless = {"__parentId": "gid://shopify/Order/1", "__typename": "ShippingLine", "id": None}
    (whole,) = assembled(line("Order", 1), *(json.dumps(child).encode() for child in (applied, nameless)))
    found = json.loads(whole.payload)
    assert [edge["node"]["index"] for edge in found["discountApplications"]["edges"]] == [0]
    assert len(found["shippingLines"]["edges"]) == 1

"""Locations, and the inventory items that lie there at their levels."""

from collections.abc import Sequence
from typing import Any

from infra.sandbox.identifiers import gid, legacy_id
from infra.sandbox.products import Product
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.money import stamp
from infra.sandbox.shopify.references import Reference

Node = dict[str, Any]

LOCATIONS = ("Warehouse", "Old shop")
"""All that is in stock lies in the first; the second is closed."""


def locations(shop: Shop) -> list[Node]:
    """Make the locations."""
    times = shop.edits.times("Location", len(LOCATIONS), shop.content.opened).tolist()
    return [_location(shop, number, name, stamp(times[number])) for number, name in enumerate(LOCATIONS)]


def _location(shop: Shop, number: int, name: str, at: str) -> Node:
    opened = stamp(shop.content.opened)
    return {
        "id": gid("Location", number),
        "legacyResourceId": str(legacy_id("Location", number)),
        "name": name,
        "isActive": number == 0,
        "fulfillsOnlineOrders": number == 0,
        "hasActiveInventory": number == 0,
        "shipsInventory": number == 0,
        "address": {
            "address1": f"{number + 1} Harbour Street",
            "address2": None,
            "city": "Boston",
            "province": "Massachusetts",
            "country": "United States",
            "countryCode": "US",
            "zip": "02110",
        },
        "inventoryLevels": lambda: levels(shop) if number == 0 else [],
        "createdAt": opened,
        "updatedAt": at,
    }


def items(shop: Shop) -> list[Node]:
    """Make the inventory items, one a product."""
    times = shop.edits.times("InventoryItem", len(shop.products), shop.content.opened).tolist()
    return [_item(shop, product, stamp(times[product.number])) for product in shop.products]


def _item(shop: Shop, product: Product, at: str) -> Node:
    return {
        "id": gid("InventoryItem", product.number),
        "legacyResourceId": str(legacy_id("InventoryItem", product.number)),
        "sku": product.sku,
        "tracked": True,
        "requiresShipping": True,
        "countryCodeOfOrigin": None,
        "harmonizedSystemCode": None,
        "unitCost": None,
        "inventoryLevels": [Reference("InventoryLevel", number) for number in _there(shop, [product.number])],
        "createdAt": stamp(shop.content.opened),
        "updatedAt": at,
    }


def levels(shop: Shop) -> list[Node]:
    """Make the levels, one an item."""
    return [level(shop, number) for number in _there(shop, range(len(shop.products)))]


def is_gone(shop: Shop, number: int) -> bool:
    """Whether a level was deleted, by itself or with its item."""
    return not len(_there(shop, [number]))


def _there(shop: Shop, numbers: Sequence[int]) -> Sequence[int]:
    left: Sequence[int] = shop.edits.left("InventoryLevel", shop.edits.left("InventoryItem", numbers))
    return left


def level(shop: Shop, number: int) -> Node:
    """Make the level of one item."""
    at = shop.edits.saved.get(("InventoryLevel", number), shop.content.opened)
    return _level(shop, number, int(shop.on_hand[number]), stamp(at))


def _level(shop: Shop, number: int, on_hand: int, at: str) -> Node:
    counts = {"available": on_hand, "committed": 0, "incoming": 0, "on_hand": on_hand, "reserved": 0}
    of = f"?inventory_item_id={legacy_id('InventoryItem', number)}"
    return {
        "id": gid("InventoryLevel", number) + of,
        "item": Reference("InventoryItem", number),
        "location": Reference("Location", 0),
        "quantities": [
            {"id": f"{gid('InventoryLevel', number)}{of}&name={name}", "name": name, "quantity": count, "updatedAt": at}
            for name, count in counts.items()
        ],
        "createdAt": stamp(shop.content.opened),
        "updatedAt": at,
    }

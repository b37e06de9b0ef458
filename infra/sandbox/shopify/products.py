"""Products with their one variant, and the shop itself."""

from typing import Any

import numpy as np

from infra.sandbox.credentials import SHOP_DOMAIN
from infra.sandbox.history import ZONE
from infra.sandbox.identifiers import gid, legacy_id
from infra.sandbox.products import Product
from infra.sandbox.selling.currencies import CODES
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.money import money, stamp, timestamps
from infra.sandbox.shopify.references import Reference

Node = dict[str, Any]


def products(shop: Shop) -> list[Node]:
    """Make all products; they were listed when the shop opened, and change only when somebody saves them again."""
    opened = shop.content.opened
    times = shop.edits.times("Product", len(shop.products), opened).tolist()
    return [
        _product(product, on_hand, stamp(opened), stamp(changed) if changed != opened else None)
        for product, on_hand, changed in zip(shop.products, shop.on_hand.tolist(), times, strict=True)
    ]


def _product(product: Product, on_hand: int, at: str, saved: str | None) -> Node:
    handle = product.title.lower().replace(" ", "-")
    price = money(_price(product))
    text = f"{product.title} by {product.label}, {product.genre.lower()}, on compact disc."
    return {
        "id": gid("Product", product.number),
        "legacyResourceId": str(legacy_id("Product", product.number)),
        "title": f"{product.title}, remastered" if saved else product.title,
        "handle": handle,
        "vendor": product.label,
        "productType": "CD",
        "description": text,
        "descriptionHtml": f"<p>{text}</p>",
        "status": "ACTIVE",
        "tags": [product.genre],
        "isGiftCard": False,
        "hasOnlyDefaultVariant": True,
        "tracksInventory": True,
        "totalInventory": on_hand,
        "onlineStoreUrl": f"https://{SHOP_DOMAIN}/products/{handle}",
        "publishedAt": at,
        "createdAt": at,
        "updatedAt": saved or at,
        "priceRangeV2": {"minVariantPrice": price, "maxVariantPrice": price},
        "variantsCount": {"count": 1, "precision": "EXACT"},
        "variants": [_variant(product, on_hand, at)],
    }


def _variant(product: Product, on_hand: int, at: str) -> Node:
    return {
        "id": gid("ProductVariant", product.number),
        "legacyResourceId": str(legacy_id("ProductVariant", product.number)),
        "title": "Default Title",
        "displayName": f"{product.title} - Default Title",
        "sku": product.sku,
        "barcode": None,
        "price": _price(product),
        "compareAtPrice": None,
        "position": 1,
        "taxable": True,
        "availableForSale": True,
        "inventoryQuantity": on_hand,
        "inventoryPolicy": "DENY",
        "inventoryItem": Reference("InventoryItem", product.number),
        "selectedOptions": [{"name": "Title", "value": "Default Title"}],
        "product": Reference("Product", product.number),
        "createdAt": at,
        "updatedAt": at,
    }


def _price(product: Product) -> str:
    return f"{product.price // 100}.{product.price % 100:02d}"


def storefront(shop: Shop) -> Node:
    """Make the Shop document; its zone is America/New_York, its currency US dollars."""
    at = timestamps(np.array([shop.content.opened]))[0]
    address = f"https://{SHOP_DOMAIN}"
    return {
        "id": "gid://shopify/Shop/548380009",
        "name": "Boathouse Sandbox",
        "email": "owner@example.com",
        "contactEmail": "hello@example.com",
        "description": None,
        "url": address,
        "myshopifyDomain": SHOP_DOMAIN,
        "primaryDomain": {
            "id": "gid://shopify/Domain/548380010",
            "host": SHOP_DOMAIN,
            "url": address,
            "sslEnabled": True,
        },
        "currencyCode": "USD",
        "enabledPresentmentCurrencies": list(CODES),
        "currencyFormats": {"moneyFormat": "${{amount}}", "moneyWithCurrencyFormat": "${{amount}} USD"},
        "ianaTimezone": ZONE.key,
        "timezoneAbbreviation": "EST",
        "timezoneOffset": "-0500",
        "timezoneOffsetMinutes": -300,
        "taxesIncluded": False,
        "setupRequired": False,
        "plan": {
            "displayName": "Basic",
            "publicDisplayName": "Basic",
            "partnerDevelopment": False,
            "shopifyPlus": False,
        },
        "createdAt": at,
        "updatedAt": at,
    }

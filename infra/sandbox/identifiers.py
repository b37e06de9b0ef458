"""The ids under which the vendors know an order or a customer: each made from its number, and back."""

from typing import Final

_BASE: Final = {
    "Order": 5_100_000_000_001,
    "Customer": 6_200_000_000_001,
    "Product": 7_300_000_000_001,
    "ProductVariant": 41_400_000_000_001,
    "InventoryItem": 43_500_000_000_001,
    "LineItem": 12_600_000_000_001,
    "OrderTransaction": 6_700_000_000_001,
    "MailingAddress": 8_800_000_000_001,
    "Location": 61_700_000_001,
    "InventoryLevel": 99_400_000_000_001,
    "AbandonedCheckout": 29_300_000_000_001,
    "AbandonedCheckoutLineItem": 31_900_000_000_001,
    "DiscountNode": 1_206_000_000_001,
    "DiscountAutomaticNode": 1_206_000_000_001,
    "DiscountCodeNode": 1_206_000_000_001,
    "ShippingLine": 3_800_000_000_001,
    "FulfillmentLineItem": 8_100_000_000_001,
    "Event": 164_000_000_000_001,
    "BasicEvent": 164_000_000_000_001,
    "WebhookSubscription": 1_011_000_000_001,
    "Fulfillment": 4_900_000_000_001,
    "Refund": 930_000_000_001,
    "RefundLineItem": 480_000_000_001,
    "RefundShippingLine": 27_000_000_001,
}
_GID = "gid://shopify/"
_ODD = 0x9E3779B97F4A7C15
_WIDTH = dict.fromkeys("ch txn pi re evt dp po ba cs li in il sub cn cnli price".split(), 64)  # noqa: SIM905
_WIDTH |= dict.fromkeys(("pm", "cus", "si", "prod"), 56)
_MARK = dict.fromkeys(_WIDTH, "1Sandbox") | dict.fromkeys(("ch", "txn", "pi", "re"), "3Sandbox")
_MARK |= {"cus": "", "si": "", "prod": "", "cs": "test_a1Sandbox"}


def legacy_id(kind: str, index: int) -> int:
    """Make Shopify's legacyResourceId."""
    return _BASE[kind] + index


def gid(kind: str, index: int) -> str:
    """Make Shopify's global id, ``gid://shopify/<kind>/<number>``."""
    return f"gid://shopify/{kind}/{_BASE[kind] + index}"


def split_gid(text: str) -> tuple[str, int] | None:
    """Read a global id into its kind and number, or nothing if it is none of the shop's."""
    kind, _, number = text.removeprefix(_GID).partition("/")
    number = number.partition("?")[0]
    if not text.startswith(_GID) or kind not in _BASE or not number.isdigit():
        return None
    return kind, int(number) - _BASE[kind]


def stripe_id(prefix: str, index: int) -> str:
    """Make a Stripe id: the prefix and letters that don't show the number."""
    width = _WIDTH[prefix]
    mixed = (index + 1) * _ODD % 2**width
    return f"{prefix}_{_MARK[prefix]}{mixed:0{width // 4}x}"


def stripe_index(prefix: str, text: str) -> int | None:
    """Read the number out of a Stripe id, or nothing if it can't be one."""
    start = f"{prefix}_{_MARK[prefix]}"
    width = _WIDTH[prefix]
    digits = text.removeprefix(start)
    if not text.startswith(start) or len(digits) != width // 4:
        return None
    try:
        mixed = int(digits, 16)
    except ValueError:
        return None
    return int(mixed * pow(_ODD, -1, 2**width) % 2**width) - 1

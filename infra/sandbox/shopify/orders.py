"""Orders with their line items and transactions."""

from typing import Any, NamedTuple

from infra.sandbox.credentials import SHOP_DOMAIN
from infra.sandbox.identifiers import gid, legacy_id, stripe_id
from infra.sandbox.noise import Ints
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.money import ZERO, amount, bag, timestamps
from infra.sandbox.shopify.references import Reference

Node = dict[str, Any]

_ONE = {"count": 1, "precision": "EXACT"}
_NONE = {"count": 0, "precision": "EXACT"}
_ORDER: Node = {
    "phone": None,
    "note": None,
    "cancelledAt": None,
    "cancelReason": None,
    "closed": True,
    "confirmed": True,
    "edited": False,
    "test": False,
    "fullyPaid": True,
    "unpaid": False,
    "capturable": False,
    "fulfillable": False,
    "requiresShipping": True,
    "sourceName": "web",
    "sourceIdentifier": None,
    "tags": [],
    "displayFinancialStatus": "PAID",
    "displayFulfillmentStatus": "FULFILLED",
    "returnStatus": "NO_RETURN",
    "currencyCode": "USD",
    "presentmentCurrencyCode": "USD",
    "taxesIncluded": False,
    "taxExempt": False,
    "customerLocale": "en",
    "totalTax": "0.00",
    "totalDiscounts": "0.00",
    "totalRefunded": "0.00",
    "totalShippingPrice": "0.00",
    "totalTaxSet": ZERO,
    "totalDiscountsSet": ZERO,
    "totalShippingPriceSet": ZERO,
    "totalRefundedSet": ZERO,
    "totalRefundedShippingSet": ZERO,
    "totalOutstandingSet": ZERO,
    "totalTipReceivedSet": ZERO,
    "currentTotalTaxSet": ZERO,
    "currentTotalDiscountsSet": ZERO,
    "currentShippingPriceSet": ZERO,
    "totalWeight": "0",
    "discountCode": None,
    "discountCodes": [],
    "discountApplications": [],
    "shippingLines": [],
    "refunds": [],
    "taxLines": [],
    "fulfillmentsCount": _ONE,
}
_LINE: Node = {
    "variantTitle": None,
    "unfulfilledQuantity": 0,
    "nonFulfillableQuantity": 0,
    "requiresShipping": True,
    "taxable": True,
    "isGiftCard": False,
    "restockable": True,
    "totalDiscountSet": ZERO,
    "unfulfilledDiscountedTotalSet": ZERO,
    "discountAllocations": [],
    "taxLines": [],
}


def orders(shop: Shop, index: Ints) -> list[Node]:
    """Make the orders with these numbers."""
    rows = shop.orders(index)
    lines = shop.lines(rows)
    columns = zip(
        index.tolist(),
        rows.customer.tolist(),
        shop.names(rows.customer),
        rows.units.tolist(),
        rows.cents.tolist(),
        timestamps(rows.created),
        zip(*(column.tolist() for column in lines), strict=True),
        strict=True,
    )
    return [_order(shop, *row) for row in columns]


def _order(
    shop: Shop, index: int, customer: int, name: Any, units: int, cents: int, at: str, lines: tuple[int, ...]
) -> Node:
    total, plain = bag(amount(cents)), f"{cents // 100}.{cents % 100:02d}"
    address = Reference("MailingAddress", customer)
    mark = stripe_id("pm", index)
    return {
        **_ORDER,
        "id": gid("Order", index),
        "legacyResourceId": str(legacy_id("Order", index)),
        "name": f"#{1001 + index}",
        "number": 1001 + index,
        "confirmationNumber": mark[-9:].upper(),
        "email": name.email,
        "createdAt": at,
        "processedAt": at,
        "updatedAt": at,
        "closedAt": at,
        "refundable": cents > 0,
        "customer": Reference("Customer", customer),
        "billingAddress": address,
        "shippingAddress": address,
        "subtotalPrice": plain,
        "totalPrice": plain,
        "subtotalPriceSet": total,
        "totalPriceSet": total,
        "originalTotalPriceSet": total,
        "totalReceivedSet": total,
        "netPaymentSet": total,
        "currentSubtotalPriceSet": total,
        "currentTotalPriceSet": total,
        "subtotalLineItemsQuantity": units,
        "currentSubtotalLineItemsQuantity": units,
        "paymentGatewayNames": ["stripe"] if cents else [],
        "statusPageUrl": f"https://{SHOP_DOMAIN}/orders/{mark[-14:]}/authenticate",
        "lineItems": (items := _lines(shop, index, lines)),
        "transactions": [_transaction(index, total, at)] if cents else [],
        "transactionsCount": _ONE if cents else _NONE,
        "fulfillments": [_fulfillment(index, units, at, items)],
    }


def _lines(shop: Shop, order: int, lines: tuple[int, ...]) -> list[Node]:
    first = _line(shop, 2 * order, *lines[:3])
    return [first, _line(shop, 2 * order + 1, *lines[3:])] if lines[4] else [first]


def _line(shop: Shop, index: int, product: int, units: int, price: int) -> Node:
    unit, total = bag(amount(price)), bag(amount(price * units))
    sold = shop.products[product]
    return {
        **_LINE,
        "id": gid("LineItem", index),
        "title": sold.title,
        "name": sold.title,
        "sku": sold.sku,
        "vendor": sold.label,
        "quantity": units,
        "currentQuantity": units,
        "refundableQuantity": units,
        "product": Reference("Product", product),
        "variant": Reference("ProductVariant", product),
        "originalUnitPriceSet": unit,
        "originalTotalSet": total,
        "discountedUnitPriceSet": unit,
        "discountedTotalSet": total,
    }


def _transaction(order: int, total: Any, at: str) -> Node:
    return {
        "id": gid("OrderTransaction", order),
        "kind": "SALE",
        "status": "SUCCESS",
        "gateway": "stripe",
        "formattedGateway": "Stripe",
        "accountNumber": None,
        "authorizationCode": stripe_id("ch", order),
        "paymentId": stripe_id("pi", order),
        "errorCode": None,
        "test": False,
        "manualPaymentGateway": False,
        "createdAt": at,
        "processedAt": at,
        "amountSet": total,
        "order": Reference("Order", order),
    }


class _Sent(NamedTuple):
    """The lines of an order's one fulfilment, made only when they are asked for."""

    order: int
    items: list[Node]

    def __call__(self) -> list[Node]:
        return [
            {"id": gid("FulfillmentLineItem", 2 * self.order + place), "quantity": item["quantity"], "lineItem": item}
            for place, item in enumerate(self.items)
        ]


def _fulfillment(order: int, units: int, at: str, items: list[Node]) -> Node:
    return {
        "id": gid("Fulfillment", order),
        "legacyResourceId": str(legacy_id("Fulfillment", order)),
        "name": f"#{1001 + order}-F1",
        "status": "SUCCESS",
        "displayStatus": "FULFILLED",
        "totalQuantity": units,
        "createdAt": at,
        "updatedAt": at,
        "deliveredAt": None,
        "fulfillmentLineItems": _Sent(order, items),
    }

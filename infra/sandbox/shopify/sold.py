"""Orders sold since the past as the Admin API shows them: open, in the customer's currency, perhaps refunded."""

from typing import Any

import numpy as np

from infra.sandbox.identifiers import gid, legacy_id, stripe_id
from infra.sandbox.noise import Ints
from infra.sandbox.selling.baskets import Basket, Line, baskets
from infra.sandbox.selling.currencies import shown, written
from infra.sandbox.selling.terms import NAMES, WELCOME, Terms
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.money import ZERO, amount, bag, timestamps
from infra.sandbox.shopify.references import Reference

Node = dict[str, Any]

REFUND_TRANSACTION = 500_000_000_000
DECLINED_TRANSACTION = 700_000_000_000
"""What is added to an order's number to number its refund's or its declined payment's transaction."""

_OPEN: Node = {
    "closed": False,
    "closedAt": None,
    "fulfillable": True,
    "displayFulfillmentStatus": "UNFULFILLED",
    "fulfillments": [],
    "fulfillmentsCount": {"count": 0, "precision": "EXACT"},
}

_FREE_SHIPPING: Node = {
    "__typename": "AutomaticDiscountApplication",
    "index": 0,
    "allocationMethod": "EACH",
    "targetSelection": "ALL",
    "targetType": "SHIPPING_LINE",
    "title": "Free shipping",
    "value": {"__typename": "PricingPercentageValue", "percentage": 100.0},
}
_MONEY: Node = {"__typename": "MoneyV2"}
_TAX: Node = {"title": "Sales tax", "rate": 0.0, "ratePercentage": 0.0, "priceSet": ZERO}


def amend(shop: Shop, numbers: Ints, nodes: list[Node]) -> None:
    """Turn the documents of past orders with these (sold) numbers into what they are, in place."""
    found = baskets(shop, numbers)
    changed = timestamps(np.array([basket.sale.updated for basket in found], np.int64))
    for basket, node, at in zip(found, nodes, changed, strict=True):
        _amend(shop, basket, node, at)


def _amend(shop: Shop, basket: Basket, node: Node, at: str) -> None:
    sale = basket.sale
    terms, currency = basket.terms, sale.currency
    goods = _bag(sale.cents, basket.goods_shown, currency)
    total = _bag(basket.total, basket.shown, currency)
    back = _bag(basket.refund_cents, basket.refund_shown, currency)
    left = _bag(basket.total - basket.refund_cents, basket.shown - basket.refund_shown, currency)
    kept = _bag(sale.cents - basket.returned_cents, basket.goods_shown - basket.returned_shown, currency)
    tax = _bag(basket.tax, basket.tax_shown, currency)
    node |= _OPEN
    node |= {
        "test": terms.test,
        "customer": None if terms.guest else node["customer"],
        "taxLines": [_TAX | {"rate": terms.tax / 100, "ratePercentage": float(terms.tax), "priceSet": tax}],
        "discountApplications": [_discount(terms)],
        "discountCodes": [NAMES[WELCOME]] if terms.discount == WELCOME else [],
        "shippingLines": [_shipping(basket)],
        "totalTaxSet": tax,
        "totalDiscountsSet": _bag(basket.off, basket.off_shown, currency),
        "totalShippingPriceSet": _bag(terms.shipping, basket.shipping_shown, currency),
        "updatedAt": at,
        "cancelledAt": at if basket.cancelled else None,
        "cancelReason": "CUSTOMER" if basket.cancelled else None,
        "fulfillable": not basket.cancelled,
        "refundable": basket.refund_cents < basket.total,
        "displayFinancialStatus": basket.financial_status.upper(),
        "presentmentCurrencyCode": sale.currency,
        "subtotalPrice": written(sale.cents, "USD"),
        "totalPrice": written(basket.total, "USD"),
        "totalTax": written(basket.tax, "USD"),
        "totalDiscounts": written(basket.off, "USD"),
        "totalShippingPrice": written(terms.shipping, "USD"),
        "subtotalPriceSet": goods,
        **dict.fromkeys(("totalPriceSet", "originalTotalPriceSet", "totalReceivedSet"), total),
        **dict.fromkeys(("netPaymentSet", "currentTotalPriceSet"), left),
        "currentSubtotalPriceSet": kept,
        "totalRefundedSet": back,
        "totalRefunded": written(basket.refund_cents, "USD"),
        "currentSubtotalLineItemsQuantity": sale.units - sum(units for _, units in basket.returned),
        "transactions": _transactions(shop, basket, node["transactions"][0], total, back, at),
        "refunds": [_refund(basket, node, back, at)] if sale.changed else [],
    }
    node["transactionsCount"] = {"count": len(node["transactions"]), "precision": "EXACT"}
    gone = {line.place: units for line, units in basket.returned}
    for line, item in zip(basket.lines, node["lineItems"], strict=True):
        _amend_line(item, line, gone.get(line.place, 0), terms, currency)


def _discount(terms: Terms) -> Node:
    """Give the discount on the goods, or free shipping where there is none."""
    if not terms.discount:
        return _FREE_SHIPPING
    what = {"targetType": "LINE_ITEM", "value": _bag(terms.off, terms.off, "USD")["shopMoney"] | _MONEY}
    if terms.discount == WELCOME:
        named = {"__typename": "DiscountCodeApplication", "code": NAMES[WELCOME]}
        return {name: value for name, value in _FREE_SHIPPING.items() if name != "title"} | what | named
    return _FREE_SHIPPING | what | {"title": NAMES[terms.discount]}


def _shipping(basket: Basket) -> Node:
    price = _bag(basket.terms.shipping, basket.shipping_shown, basket.sale.currency)
    return {
        "id": gid("ShippingLine", basket.sale.number),
        "title": "Standard",
        "code": "standard",
        "source": "shopify",
        "originalPriceSet": price,
        "discountedPriceSet": price,
    }


def _amend_line(item: Node, line: Line, returned: int, terms: Terms, currency: str) -> None:
    off, off_shown = terms.off, shown(terms.off, currency)
    unit = _bag(line.price, line.shown, currency)
    total = _bag(line.price * line.units, line.shown * line.units, currency)
    share = _bag(off * line.units, off_shown * line.units, currency)
    item |= {
        "originalUnitPriceSet": _bag(line.price + off, line.shown + off_shown, currency),
        "discountedUnitPriceSet": unit,
        "originalTotalSet": _bag((line.price + off) * line.units, (line.shown + off_shown) * line.units, currency),
        "discountedTotalSet": total,
        "totalDiscountSet": share,
        "discountAllocations": [{"allocatedAmountSet": share, "discountApplication": _discount(terms)}] if off else [],
        "unfulfilledDiscountedTotalSet": total,
        "unfulfilledQuantity": line.units - returned,
        "currentQuantity": line.units - returned,
        "refundableQuantity": line.units - returned,
    }


def _transactions(shop: Shop, basket: Basket, sale: Node, total: Node, back: Node, at: str) -> list[Node]:
    number = basket.sale.number
    paid = {**sale, "amountSet": total, "authorizationCode": stripe_id("ch", shop.sales.account.charge_of[number])}
    found = [paid]
    if basket.sale.declined:
        said = {"status": "FAILURE", "errorCode": "CARD_DECLINED", "authorizationCode": None}
        found.insert(0, {**paid, **said, "id": gid("OrderTransaction", number + DECLINED_TRANSACTION)})
    if basket.sale.changed:
        times = {"createdAt": at, "processedAt": at}
        identity = gid("OrderTransaction", number + REFUND_TRANSACTION)
        found.append({**paid, **times, "id": identity, "kind": "REFUND", "amountSet": back})
    return found


def _refund(basket: Basket, node: Node, back: Node, at: str) -> Node:
    number, currency = basket.sale.number, basket.sale.currency
    items = [
        {
            "id": gid("RefundLineItem", 2 * number + line.place),
            "quantity": units,
            "restocked": basket.cancelled,
            "lineItem": node["lineItems"][line.place],
            "priceSet": _bag(line.price, line.shown, currency),
            "subtotalSet": _bag(line.price * units, line.shown * units, currency),
            "totalTaxSet": ZERO if place else _bag(basket.returned_tax, basket.returned_tax_shown, currency),
        }
        for place, (line, units) in enumerate(basket.returned)
    ]
    sending = {
        "id": gid("RefundShippingLine", number),
        "shippingLine": _shipping(basket),
        "subtotalAmountSet": _bag(basket.terms.shipping, basket.shipping_shown, currency),
        "taxAmountSet": ZERO,
    }
    return {
        "id": gid("Refund", number),
        "legacyResourceId": str(legacy_id("Refund", number)),
        "note": None,
        "createdAt": at,
        "updatedAt": at,
        "totalRefundedSet": back,
        "refundLineItems": items,
        "refundShippingLines": [sending] if basket.is_returned and basket.terms.shipping else [],
        "order": Reference("Order", number),
    }


def _bag(cents: int, smallest: int, currency: str) -> Node:
    plain = bag(amount(cents))
    if currency == "USD":
        return plain
    text = f"{smallest}.0" if currency == "JPY" else amount(smallest)
    return {**plain, "presentmentMoney": {"amount": text, "currencyCode": currency}}

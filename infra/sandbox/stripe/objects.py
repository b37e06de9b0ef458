"""The resources beside charges, refunds, movements, customers and events, as a table."""

from infra.sandbox.shop import Shop
from infra.sandbox.stripe import billing, invoices, payments
from infra.sandbox.stripe.billing import COUPONS, PRICES, PRODUCTS
from infra.sandbox.stripe.resource import Numbers, Resource, one_by_one

_STATUSES = {"all": (False, True), "active": (False,), "canceled": (True,)}


def _subscriptions(shop: Shop, status: str = "") -> Numbers:
    wanted = _STATUSES.get(status, (False,))
    return [member.number for member in billing.members(shop) if member.canceled in wanted]


MORE = {
    "payment_intents": Resource("payment_intent", "pi", payments.intent_numbers, Shop.created_at, payments.intents, {}),
    "disputes": Resource("dispute", "dp", payments.dispute_numbers, payments.disputed_at, payments.disputes, {}),
    "payouts": Resource("payout", "po", payments.payout_numbers, payments.paid_out_at, payments.payouts, {}),
    "checkout/sessions": Resource(
        "checkout.session",
        "cs",
        payments.session_numbers,
        Shop.created_at,
        payments.sessions,
        {},
        {"line_items": "/v1/checkout/sessions/{id}/line_items"},
        ("line_items",),
    ),
    "products": Resource(
        "product",
        "prod",
        lambda shop: range(len(PRODUCTS)),
        lambda shop, number: int(billing.product(shop, number)["created"]),
        one_by_one(billing.product),
        {},
    ),
    "prices": Resource(
        "price",
        "price",
        lambda shop: range(len(PRICES)),
        lambda shop, number: int(billing.price(shop, number)["created"]),
        one_by_one(billing.price),
        {},
        expandable=("tiers",),
    ),
    "coupons": Resource(
        "coupon",
        "",
        lambda shop: range(len(COUPONS)),
        lambda shop, number: int(billing.coupon(shop, number)["created"]),
        one_by_one(billing.coupon),
        {},
        names=tuple(identity for identity, _, _ in COUPONS),
    ),
    "subscriptions": Resource(
        "subscription",
        "sub",
        lambda shop: range(len(billing.members(shop))),
        lambda shop, number: billing.members(shop)[number].began,
        one_by_one(billing.subscription),
        {"status": _subscriptions},
        {"items": "/v1/subscription_items?subscription={id}"},
    ),
    "invoices": Resource(
        "invoice",
        "in",
        lambda shop: range(len(billing.bills(shop))),
        lambda shop, number: billing.bills(shop)[number].created,
        one_by_one(invoices.invoice),
        {},
        {"lines": "/v1/invoices/{id}/lines"},
    ),
    "credit_notes": Resource(
        "credit_note",
        "cn",
        invoices.credited,
        invoices.credited_at,
        one_by_one(invoices.credit_note),
        {},
        {"lines": "/v1/credit_notes/{id}/lines"},
    ),
}

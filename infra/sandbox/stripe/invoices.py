"""The record clubs' invoices and credit notes, with all their lines."""

from infra.sandbox.identifiers import stripe_id
from infra.sandbox.shop import Shop
from infra.sandbox.stripe.billing import PRICES, TIERED, Bill, bills
from infra.sandbox.stripe.documents import Document

_DAY = 86_400
_MONTH = 30 * _DAY
_CREDITED = 15
"""Every 15th invoice was credited in part."""


def invoice(shop: Shop, number: int) -> Document:
    """Make an invoice as 2025-03-31.basil has it: its subscription is in ``parent``, its payments in ``payments``."""
    bill = bills(shop)[number]
    member, lines = bill.member, [_line(bill, place) for place in range(len(bill.member.prices))]
    total = sum(line["amount"] for line in lines)
    void = member.pauses(bill.month)
    paid = 0 if void else total
    return {
        "id": stripe_id("in", number),
        "object": "invoice",
        "amount_due": total,
        "amount_paid": paid,
        "amount_remaining": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "billing_reason": "subscription_cycle" if bill.month else "subscription_create",
        "collection_method": "send_invoice",
        "created": bill.created,
        "currency": member.currency,
        "customer": stripe_id("cus", member.customer),
        "due_date": bill.created + 14 * _DAY,
        "lines": lines,
        "livemode": False,
        "metadata": {},
        "number": f"CLUB-{number + 1:04d}",
        "parent": {
            "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": stripe_id("sub", member.number)},
            "type": "subscription_details",
        },
        "period_end": bill.created,
        "period_start": bill.created - _MONTH if bill.month else bill.created,
        "status": "void" if void else "paid",
        "status_transitions": {
            "finalized_at": bill.created,
            "marked_uncollectible_at": None,
            "paid_at": None if void else bill.created + 3 * _DAY,
            "voided_at": bill.created + _DAY if void else None,
        },
        "subtotal": total,
        "total": total,
        "total_discount_amounts": [],
        "total_taxes": [],
    }


def _line(bill: Bill, place: int) -> Document:
    number = bill.member.prices[place]
    quantity = bill.member.quantity(place, bill.month)
    item = 100 * bill.member.number + place
    amount = quantity * (30 if number == TIERED else PRICES[number].amount)
    return {
        "id": stripe_id("il", 100 * bill.number + place),
        "object": "line_item",
        "amount": amount,
        "currency": bill.member.currency,
        "description": f"{quantity} × club",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": stripe_id("in", bill.number),
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": stripe_id("sub", bill.member.number),
                "subscription_item": stripe_id("si", item),
            },
            "type": "subscription_item_details",
        },
        "period": {"end": bill.created + _MONTH, "start": bill.created},
        "pricing": {
            "price_details": {
                "price": stripe_id("price", number),
                "product": stripe_id("prod", PRICES[number].product),
            },
            "type": "price_details",
            "unit_amount_decimal": str(amount // quantity),
        },
        "quantity": quantity,
        "taxes": [],
    }


def credited(shop: Shop) -> range:
    """List the credit notes' numbers: one for each credited invoice."""
    return range(len(bills(shop)) // _CREDITED)


def credited_at(shop: Shop, number: int) -> int:
    """Say when a credit note was made."""
    return bills(shop)[number * _CREDITED].created + 5 * _DAY


def credit_note(shop: Shop, number: int) -> Document:
    """Make a credit note over the first line of its invoice."""
    bill = bills(shop)[number * _CREDITED]
    line = _line(bill, 0)
    return {
        "id": stripe_id("cn", number),
        "object": "credit_note",
        "amount": line["amount"],
        "created": credited_at(shop, number),
        "currency": line["currency"],
        "customer": stripe_id("cus", bill.member.customer),
        "invoice": stripe_id("in", bill.number),
        "lines": [
            {
                "id": stripe_id("cnli", number),
                "object": "credit_note_line_item",
                "amount": line["amount"],
                "description": line["description"],
                "invoice_line_item": line["id"],
                "livemode": False,
                "quantity": line["quantity"],
                "type": "invoice_line_item",
                "unit_amount": line["amount"] // line["quantity"],
            }
        ],
        "livemode": False,
        "metadata": {},
        "number": f"CLUB-{bill.number + 1:04d}-CN-01",
        "out_of_band_amount": line["amount"],
        "reason": "order_change",
        "status": "issued",
        "subtotal": line["amount"],
        "total": line["amount"],
        "type": "post_payment",
    }

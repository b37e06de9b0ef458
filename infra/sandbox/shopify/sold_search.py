"""Which of the orders sold since the past match a search: unlike the past ones, they differ in state and change."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from infra.sandbox.identifiers import legacy_id
from infra.sandbox.noise import Ints
from infra.sandbox.selling.sales import Fate, Sales
from infra.sandbox.shopify.search import COMPARE, Term, second, whole

_STATES: Final = {
    "status": {"open": {Fate.KEPT, Fate.REFUNDED, Fate.PARTLY_REFUNDED}, "cancelled": {Fate.CANCELLED}},
    "financial_status": {
        "paid": {Fate.KEPT},
        "refunded": {Fate.CANCELLED, Fate.REFUNDED},
        "partially_refunded": {Fate.PARTLY_REFUNDED},
    },
    "fulfillment_status": {"unfulfilled": set(Fate), "unshipped": set(Fate)},
    "test": {"false": set(Fate)},
}


def sold_orders(sales: Sales, wanted: list[Term]) -> Ints:
    """List the numbers of the sold orders that match, ascending."""
    numbers = np.arange(sales.first_order, sales.first_order + len(sales))
    kept = np.ones(len(numbers), bool)
    for term in wanted:
        kept &= _matching(sales, numbers, term)
    found: Ints = numbers[kept]
    return found


def _matching(sales: Sales, numbers: Ints, term: Term) -> NDArray[np.bool_]:
    field, operator, value = term
    if field in _STATES and value.lower() != "any":
        return np.isin(sales.fates(), list(_STATES[field].get(value.lower(), ())))
    column, wanted = numbers, None
    if field in ("created_at", "processed_at", "updated_at"):
        column, wanted = sales.updated() if field == "updated_at" else sales.created(), second(value)
    elif field == "id" and (number := whole(value)) is not None:
        wanted = number - legacy_id("Order", 0)
    elif field == "name" and (number := whole(value.lstrip("#"))) is not None:
        wanted = number - 1001
    elif field == "customer_id" and (number := whole(value)) is not None:
        column, wanted = sales.columns(numbers)[0], number - legacy_id("Customer", 0)
    if wanted is None:
        return np.ones(len(numbers), bool)
    matching: NDArray[np.bool_] = COMPARE[operator](column, wanted)
    return matching

"""What a query costs, and the leaky bucket that pays for it."""

import math
import time
from typing import Any, NamedTuple

from graphql import FieldNode, GraphQLObjectType, SelectionSetNode, get_named_type, is_abstract_type, is_leaf_type

from infra.sandbox.shopify.projection import Projector

MOST_A_QUERY = 1_000
_MUTATION = 10
_A_CONNECTION = 1.5


class Plan(NamedTuple):
    """What a Shopify plan allows: points in the bucket, and points that flow back a second."""

    maximum: int
    restore: int


# The rates are those of shopify.dev, apps/build/apis/graphql-admin/rate-limits; buckets hold 20 seconds' worth.
PLANS = {"standard": Plan(2_000, 100), "advanced": Plan(4_000, 200), "plus": Plan(20_000, 1_000)}


class Bucket:
    """A leaky bucket: full at first, filling again at the plan's rate."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._available = float(plan.maximum)
        self._seen = time.monotonic()

    def available(self) -> float:
        """Say how many points there are now."""
        now = time.monotonic()
        restored = self._available + (now - self._seen) * self.plan.restore
        self._available, self._seen = min(float(self.plan.maximum), restored), now
        return self._available

    def take(self, points: float) -> bool:
        """Take points if there are so many; a negative number gives points back."""
        if self.available() < points:
            return False
        self._available -= points
        return True

    def cost(self, requested: int, actual: int | None) -> dict[str, Any]:
        """Describe a query's cost as in ``extensions.cost``."""
        status = {
            "maximumAvailable": float(self.plan.maximum),
            "currentlyAvailable": math.floor(self.available()),
            "restoreRate": float(self.plan.restore),
        }
        return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}


def requested_cost(projector: Projector, kind: GraphQLObjectType, sets: list[SelectionSetNode]) -> int:
    """Add up what a selection may cost at most."""
    return math.ceil(_selection_cost(projector, kind, sets))


def field_cost(
    projector: Projector, kind: GraphQLObjectType, fields: list[FieldNode], returned: int | None = None
) -> float:
    """Add up one field: nothing for a scalar, 1 for an object, ten for a mutation, and a connection by its size.

    An interface or a union costs as much as the dearest of its types. With ``returned`` a connection counts as having
    so many. Shopify doesn't publish how a connection's size counts; it charged 24 points for 250 nodes of 2 points
    each, and a logarithm that says so is used here.
    """
    name = fields[0].name.value
    if name.startswith("__"):
        return 0
    target = get_named_type(kind.fields[name].type)
    if is_leaf_type(target):
        return 0
    sets = [field.selection_set for field in fields if field.selection_set]
    possible = projector.schema.get_possible_types(target) if is_abstract_type(target) else [target]
    inner = max(_selection_cost(projector, one, sets) for one in possible)
    if target.name.endswith("Connection"):
        args = projector.arguments(kind, fields[0])
        asked = args.get("first") if args.get("first") is not None else args.get("last")
        return _size((asked or 0) if returned is None else returned) * inner
    if target.name.endswith("Edge") or target.name == "PageInfo":
        return inner
    return inner + (_MUTATION if kind.name == "Mutation" else 1)


def _selection_cost(projector: Projector, kind: GraphQLObjectType, sets: list[SelectionSetNode]) -> float:
    return sum(field_cost(projector, kind, group) for group in projector.fields(kind, sets).values())


def _size(count: int) -> float:
    return min(count, max(1, round(_A_CONNECTION * math.log2(count)))) if count > 0 else 0

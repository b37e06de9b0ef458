"""What the fields of QueryRoot and Mutation mean."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from infra.sandbox.shopify.bulk import BulkOperations, Pieces
from infra.sandbox.shopify.bulk_lines import BulkQueryError
from infra.sandbox.shopify.events import events
from infra.sandbox.shopify.listings import Listing, Listings
from infra.sandbox.shopify.nodes import Nodes
from infra.sandbox.shopify.paging import list_page, listing_page
from infra.sandbox.shopify.products import storefront
from infra.sandbox.shopify.subscriptions import Subscriptions

Args = dict[str, Any]

LISTED = {
    "orders": "Order",
    "customers": "Customer",
    "products": "Product",
    "locations": "Location",
    "inventoryItems": "InventoryItem",
    "abandonedCheckouts": "AbandonedCheckout",
    "discountNodes": "DiscountNode",
}
_SINGLE = {
    "order": ("Order",),
    "customer": ("Customer",),
    "product": ("Product",),
    "productVariant": ("ProductVariant",),
    "location": ("Location",),
    "inventoryItem": ("InventoryItem",),
    "inventoryLevel": ("InventoryLevel",),
    "discountNode": ("DiscountAutomaticNode", "DiscountCodeNode"),
}
_COUNTED = {f"{name}Count": kind for name, kind in LISTED.items()}
SCOPES = "read_all_orders,read_customers,read_discounts,read_inventory,read_locations,read_orders,read_products"
"""What the app may."""


class Roots:
    """Answers root fields with documents, pages or nothing; ``pieces`` runs a bulk query's text."""

    def __init__(self, nodes: Nodes, bulk: BulkOperations) -> None:
        self.nodes = nodes
        self.bulk = bulk
        self.listings = Listings(nodes.shop)
        self.subscriptions = Subscriptions()
        self.pieces: Callable[[str], Pieces] | None = None

    def value(self, name: str, args: Args, host: str) -> Any:
        """Answer the root field ``name``. A ``node`` comes with the name of its type.

        Raises GraphQLError for an argument that Shopify wouldn't take.
        """
        if name in LISTED:
            return listing_page(self.nodes, self.listing(name, args), args)
        if name in _COUNTED:
            return self._count(_COUNTED[name], args)
        if name in _SINGLE:
            found = self._node(args["id"])
            return found[1] if found and found[0] in _SINGLE[name] else None
        return self._other(name, args, host)

    def listing(self, name: str, args: Args) -> Listing:
        """Find what the root connection ``name`` lists."""
        return self.listings.find(LISTED[name], args.get("query"), args.get("sortKey") or "ID")

    def _other(self, name: str, args: Args, host: str) -> Any:
        if name == "node":
            return self._node(args["id"])
        if name == "nodes":
            return [self._node(identifier) for identifier in args["ids"]]
        if name == "shop":
            return storefront(self.nodes.shop)
        if name == "events":
            return list_page(self.nodes, events(self.nodes.shop, args.get("query")), args)
        if name == "webhookSubscriptions":
            return list_page(self.nodes, self.subscriptions.all, args)
        if name == "webhookSubscriptionCreate":
            return self.subscriptions.create(args["topic"], args["webhookSubscription"])
        if name == "currentAppInstallation":
            scopes = [{"handle": handle, "description": handle.replace("_", " ")} for handle in SCOPES.split(",")]
            return {"id": "gid://shopify/AppInstallation/1", "accessScopes": scopes}
        if name == "currentBulkOperation":
            current = self.bulk.current
            return current.node() if current and args.get("type") == "QUERY" else None
        if name == "bulkOperation":
            operation = self.bulk.find(args["id"])
            return operation.node() if operation else None
        if name == "bulkOperationRunQuery":
            return self._run_bulk(args["query"], host)
        return self._cancel_bulk(args["id"])

    def _node(self, identifier: str) -> tuple[str, Any] | None:
        if not identifier.startswith("gid://shopify/"):
            raise GraphQLError(f"Invalid global id '{identifier}'", extensions={"code": "argumentLiteralsIncompatible"})
        operation = self.bulk.find(identifier)
        if operation:
            return "BulkOperation", operation.node()
        shop = storefront(self.nodes.shop)
        return ("Shop", shop) if shop["id"] == identifier else self.nodes.find(identifier)

    def _count(self, kind: str, args: Args) -> dict[str, Any]:
        """Count up to the limit, which is 10,000 unless another, or none, is given."""
        count, limit = len(self.listings.find(kind, args.get("query"), "ID").numbers), args.get("limit")
        over = limit is not None and count > limit
        return {"count": limit if over else count, "precision": "AT_LEAST" if over else "EXACT"}

    def _run_bulk(self, query: str, host: str) -> dict[str, Any]:
        assert self.pieces is not None
        try:
            operation = self.bulk.start(query, host, self.pieces(query))
        except BulkQueryError as error:
            return _refused(["query"], str(error), "INVALID")
        if operation is None:
            current = self.bulk.current
            text = "A bulk query operation for this app and shop is already in progress"
            return _refused(None, f"{text}: {current.gid if current else ''}.", "OPERATION_IN_PROGRESS")
        return {"bulkOperation": operation.node(), "userErrors": []}

    def _cancel_bulk(self, identifier: str) -> dict[str, Any]:
        operation = self.bulk.cancel(identifier)
        if operation is None:
            return {
                "bulkOperation": None,
                "userErrors": [{"field": ["id"], "message": "Bulk operation does not exist"}],
            }
        return {"bulkOperation": operation.node(), "userErrors": []}


def _refused(field: list[str] | None, message: str, code: str) -> dict[str, Any]:
    return {"bulkOperation": None, "userErrors": [{"field": field, "message": message, "code": code}]}

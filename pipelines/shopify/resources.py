"""Shopify's objects as a table of data: what is asked, where it lands, what is nested in it, and what it needs."""

from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files

from pipelines.shopify.selections import again_text, bulk_text, keys_text


@dataclass(frozen=True)
class Resource:
    """One kind of object.

    ``name`` is the connection's field and ``file`` the query's; ``kinds`` are the types in its ids, ``type`` the one
    that a fragment names; ``count`` counts it; ``scopes`` are what a token needs for it. ``children`` maps a nested
    object's type to the connection that holds it; ``apart`` names connections below a list, which a bulk operation
    doesn't take. ``page`` is how many are asked for at once; a page that costs more than Shopify allows one query is
    halved. ``sorted`` says whether pages come by ``updatedAt``; ``bulk`` whether the first load is a bulk operation;
    ``searched`` whether changes can be asked for; ``subject`` is its name in the events of deletions; ``single`` the
    field that gives one by its id; ``keys`` selects id and version; ``nested`` sizes the pages of nested connections
    where the query's own size won't do; ``below`` the connection of every location that holds it; ``dear`` whether
    one by its id costs so much that several are read again by one search.
    """

    name: str
    kinds: tuple[str, ...]
    table: str
    scopes: tuple[str, ...] = ()
    page: int = 50
    count: str | None = None
    children: dict[str, str] = field(default_factory=dict)
    apart: tuple[str, ...] = ()
    sorted: bool = True
    bulk: bool = True
    searched: bool = True
    subject: str = ""
    single: str = "node"
    type: str = ""
    keys: str = "id updatedAt"
    below: bool = False
    dear: bool = False
    nested: dict[str, int] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Name the query's file."""
        return self.table.removeprefix("shopify_")

    @cached_property
    def query(self) -> str:
        """Give the paged GraphQL query."""
        return query_text(self.file)

    @cached_property
    def bulk_query(self) -> str:
        """Give the same query as a bulk operation takes it: no variables, pages, or connections below a list."""
        return self.bulk_query_of("")

    def bulk_query_of(self, search: str) -> str:
        """Give the bulk query for what a search finds; '' is everything."""
        query = query_text(f"bulk_{self.file}") if self.below else self.query
        return bulk_text(query, self.apart, search)

    @cached_property
    def keys_query(self) -> str:
        """Give the paged query that asks for ids and versions alone."""
        return keys_text(self.query, self.keys)

    def again_query(self, count: int) -> str:
        """Give the query that reads ``count`` objects whole by their ids."""
        return again_text(self.query, self.name, self.single, self.type or self.kinds[0], count)


def query_text(name: str) -> str:
    """Read a query of ``pipelines/shopify/queries``."""
    return files("pipelines.shopify").joinpath(f"queries/{name}.graphql").read_text()


APPLICATIONS = [f"{way}DiscountApplication" for way in ("Automatic", "Manual", "Script")] + ["DiscountCodeApplication"]
WAYS, WHAT = ("Automatic", "Code"), ("App", "Basic", "Bxgy", "FreeShipping")
DISCOUNTS = [f"Discount{way}{what}" for way in WAYS for what in WHAT]

RESOURCES = (
    Resource(
        "products",
        ("Product",),
        "shopify_products",
        ("read_products",),
        page=100,
        count="productsCount",
        children={"ProductVariant": "variants"},
        subject="PRODUCT",
    ),
    Resource("customers", ("Customer",), "shopify_customers", ("read_customers",), page=250, count="customersCount"),
    Resource(
        "orders",
        ("Order",),
        "shopify_orders",
        ("read_orders",),
        page=75,
        count="ordersCount",
        children={"LineItem": "lineItems", "ShippingLine": "shippingLines"}
        | dict.fromkeys(APPLICATIONS, "discountApplications"),
        apart=("refundLineItems", "refundShippingLines", "fulfillmentLineItems"),
        subject="ORDER",
        dear=True,
    ),
    Resource(
        "locations",
        ("Location",),
        "shopify_locations",
        ("read_locations",),
        page=100,
        count="locationsCount",
        sorted=False,
        bulk=False,
        searched=False,
    ),
    Resource(
        "inventoryItems",
        ("InventoryItem",),
        "shopify_inventory_items",
        ("read_inventory",),
        page=250,
        sorted=False,
    ),
    Resource(
        "inventoryLevels",
        ("InventoryLevel",),
        "shopify_inventory_levels",
        ("read_inventory", "read_locations"),
        page=250,
        sorted=False,
        below=True,
    ),
    Resource(
        "abandonedCheckouts",
        ("AbandonedCheckout",),
        "shopify_abandoned_checkouts",
        ("read_orders",),
        page=100,
        count="abandonedCheckoutsCount",
        children={"AbandonedCheckoutLineItem": "lineItems"},
        sorted=False,
    ),
    Resource(
        "discountNodes",
        ("DiscountAutomaticNode", "DiscountCodeNode"),
        "shopify_discounts",
        ("read_discounts",),
        page=100,
        count="discountNodesCount",
        single="discountNode",
        type="DiscountNode",
        keys="id discount { " + " ".join(f"... on {kind} {{ updatedAt }}" for kind in DISCOUNTS) + " }",
    ),
)
SHOP = Resource("shop", ("Shop",), "shopify_shop")
TABLES = tuple(resource.table for resource in (SHOP, *RESOURCES))

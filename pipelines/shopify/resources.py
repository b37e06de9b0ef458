"""Shopify's objects as a table of data: what is asked, where it lands, and what is nested in it."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files


@dataclass(frozen=True)
class Resource:
    """One kind of object.

    ``name`` is the connection's field and the query's file name, ``kind`` the type in it, ``count`` the field that
    counts it; ``children`` maps a nested object's type to the connection that holds it; ``page`` is how many are
    asked for at once; a page that costs more than Shopify allows one query is halved.
    """

    name: str
    kind: str
    table: str
    page: int = 50
    count: str | None = None
    children: dict[str, str] = field(default_factory=dict)

    @cached_property
    def query(self) -> str:
        """Give the paged GraphQL query."""
        return query_text(self.name)

    @cached_property
    def bulk_query(self) -> str:
        """Give the same query as a bulk operation takes it: no variables, arguments or page information."""
        return re.sub(r"\([^()]*\)|pageInfo \{[^}]*\}", "", self.query)


def query_text(name: str) -> str:
    """Read a query of ``pipelines/shopify/queries``."""
    return files("pipelines.shopify").joinpath(f"queries/{name}.graphql").read_text()


RESOURCES = (
    Resource(
        "products",
        "Product",
        "shopify_products",
        page=100,
        count="productsCount",
        children={"ProductVariant": "variants"},
    ),
    Resource("customers", "Customer", "shopify_customers", page=250, count="customersCount"),
    Resource("orders", "Order", "shopify_orders", page=250, count="ordersCount", children={"LineItem": "lineItems"}),
)
SHOP = Resource("shop", "Shop", "shopify_shop")
TABLES = tuple(resource.table for resource in (SHOP, *RESOURCES))

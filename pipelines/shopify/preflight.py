"""Asks what the token may read before the first page, and says in a sentence what it lacks."""

from collections.abc import Iterable

import orjson
import structlog

from lake.errors import CredentialsError, SettingError
from pipelines.shopify.api import Shopify
from pipelines.shopify.resources import RESOURCES, Resource, query_text

ALL_ORDERS = "read_all_orders"
WALL = (
    "The Shopify app lacks the scope read_all_orders: Shopify shows it the orders of the last 60 days and says nothing "
    "of older ones; ask for the scope in the app's API access requests, then `boathouse repair` fetches the older ones."
)

log = structlog.get_logger("shopify")


def wanted(names: Iterable[str]) -> tuple[Resource, ...]:
    """Give the resources that BOATHOUSE_SHOPIFY_OBJECTS names, all when it names none. Raises SettingError."""
    chosen = set(names)
    known = [resource.file for resource in RESOURCES]
    if unknown := sorted(chosen - set(known)):
        raise SettingError(f"BOATHOUSE_SHOPIFY_OBJECTS names {', '.join(unknown)}; there is {', '.join(known)}.")
    return tuple(resource for resource in RESOURCES if not chosen or resource.file in chosen)


def check_scopes(client: Shopify, resources: Iterable[Resource]) -> list[str]:
    """Ask for the token's scopes; give the sentences the user must read, which are logged as warnings too.

    Fact: shopify.dev, object AppInstallation, field accessScopes; to write includes to read. Raises CredentialsError
    with one sentence that names each object's missing scopes.
    """
    installed = orjson.loads(client.graphql(query_text("scopes")))["data"]["currentAppInstallation"]
    granted = {str(scope["handle"]).replace("write_", "read_", 1) for scope in installed["accessScopes"]}
    lacking = {resource.file: [scope for scope in resource.scopes if scope not in granted] for resource in resources}
    told = "; ".join(f"{name} needs {' and '.join(scopes)}" for name, scopes in lacking.items() if scopes)
    if told:
        raise CredentialsError(
            f"The Shopify app lacks scopes on {client.domain}: {told}; grant them and install the app again, or leave "
            "objects out with BOATHOUSE_SHOPIFY_OBJECTS."
        )
    warnings = [WALL] if "orders" in lacking and ALL_ORDERS not in granted else []
    for sentence in warnings:
        log.warning(sentence)
    return warnings

"""What the command line does with a Shopify store apart from pulling it: webhooks, and what the app may read."""

from typing import Annotated

import typer
from rich.table import Table

from boathouse.console import console
from lake.logs import configure_logs
from lake.settings import load_settings

shopify_app = typer.Typer(no_args_is_help=True, help="Look after the Shopify app of your store.")


@shopify_app.callback()
def shopify() -> None:
    """Look after the Shopify app of your store."""


@shopify_app.command()
def subscribe(
    url: Annotated[
        str, typer.Argument(help="where your Boathouse server is reached, such as https://shop.example.com")
    ],
) -> None:
    """Register the webhooks that lack, and list those there are; doing it again changes nothing."""
    from pipelines.shopify.api import Shopify
    from pipelines.shopify.subscriptions import subscribe as register

    settings = load_settings()
    client = Shopify(settings)
    try:
        found = register(client, url, settings.shopify_objects)
    finally:
        client.close()
    table = Table("topic", "address", "")
    for one in sorted(found, key=lambda one: (one.uri, one.topic)):
        table.add_row(one.topic, one.uri, "new" if one.new else "")
    console.print(table)


@shopify_app.command()
def check() -> None:
    """Say whether the app may read every object, and what it lacks."""
    from pipelines.shopify.api import Shopify
    from pipelines.shopify.preflight import check_scopes, wanted

    settings = load_settings()
    configure_logs(settings)
    resources = wanted(settings.shopify_objects)
    client = Shopify(settings)
    try:
        check_scopes(client, resources)
    finally:
        client.close()
    names = ", ".join(resource.file for resource in resources)
    console.print(f"{client.domain}, API version {client.version}: the app may read {names}.")

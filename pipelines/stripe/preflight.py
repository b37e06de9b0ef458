"""What a restricted key may read, asked before the first page: everything that is missing is named at once."""

from lake.errors import CredentialsError
from pipelines.stripe.api import ForbiddenError, Stripe
from pipelines.stripe.resources import EVENTS, RESOURCES


def check_permissions(client: Stripe) -> None:
    """Ask for one object of each kind.

    Raises CredentialsError with one sentence that names each object and permission that is missing, and what
    ``Stripe.get`` raises. Fact: docs.stripe.com/keys/restricted-api-keys (a missing permission is a 403).
    """
    missing: list[str] = []
    for resource in (EVENTS, *RESOURCES):
        try:
            client.get(resource.path, {"limit": 1, **resource.parameters})
        except ForbiddenError as error:
            permission = f"{resource.permission}, {error.permission}" if error.permission else resource.permission
            missing.append(f"{resource.table.removeprefix('stripe_').replace('_', ' ')} ({permission})")
    if missing:
        raise CredentialsError(
            f"The Stripe key may not read {', '.join(missing)}; give it these permissions (Read) in the Dashboard "
            "under Developers, API keys, or set BOATHOUSE_STRIPE_API_KEY to a key that has them."
        )

"""A user who has services and sources of their own: Boathouse uses those and starts none."""

from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from boathouse.workplace import open_workplace
from infra import local
from lake.settings import Settings
from tests.journeys.conftest import User, leave

NAMES = (
    "s3_endpoint",
    "s3_access_key",
    "s3_secret_key",
    "catalog_uri",
    "redis_url",
    "shopify_shop",
    "shopify_client_id",
    "shopify_client_secret",
    "shopify_url",
    "stripe_api_key",
    "stripe_url",
    "postgres_dsn",
)


def words(live: Settings) -> dict[str, str]:
    """Give the addresses and keys of running services as a user would type them."""
    values = {name: getattr(live, name) for name in NAMES}
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
        if value
    }


def test_services_and_sources_of_the_users_own_are_used_and_none_is_started(
    tmp_path: Path, state_in: Callable[[Path], Path]
) -> None:
    elsewhere = Settings(_env_file=None, state_dir=tmp_path / "elsewhere", sandbox_orders=120)
    user = User(tmp_path / "user")
    state_in(user.state.state_dir)
    try:
        with open_workplace(elsewhere, lambda _: None) as live:
            done = user.boathouse("run", **words(live))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "orders 120 · " in done.stdout.splitlines()[-2]
        assert local.status(user.state) == []
    finally:
        leave(user)
        local.remove_all(elsewhere)

"""What the app may not read is said before the first page."""

import pytest

from lake.errors import CredentialsError, SettingError
from pipelines.shopify.api import Shopify
from pipelines.shopify.preflight import check_scopes, wanted
from pipelines.shopify.resources import RESOURCES
from tests.pipelines.conftest import Lake
from tests.pipelines.vendor import SCOPES, Vendor


def without(*scopes: str) -> tuple[str, ...]:
    return tuple(scope for scope in SCOPES if scope not in scopes)


def test_each_object_that_lacks_a_scope_is_named_before_the_first_page(lake: Lake, vendor: Vendor) -> None:
    vendor.scopes = without("read_customers", "read_locations")
    with pytest.raises(CredentialsError) as told:
        lake.pull("shopify")
    assert str(told.value) == (
        "The Shopify app lacks scopes on my-shop.myshopify.com: customers needs read_customers; locations needs "
        "read_locations; inventory_levels needs read_locations; grant them and install the app again, or leave objects "
        "out with BOATHOUSE_SHOPIFY_OBJECTS."
    )
    assert len(vendor.asked) == 1


def test_objects_that_are_left_out_need_no_scope(lake: Lake, vendor: Vendor) -> None:
    vendor.scopes = ("read_orders", "read_all_orders")
    chosen = Lake(lake.settings.model_copy(update={"shopify_objects": ["orders"]}), lake.catalogue)
    assert set(chosen.pull("shopify").rows) == {"shopify_shop", "shopify_orders"}


def test_an_object_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(SettingError, match=r"^BOATHOUSE_SHOPIFY_OBJECTS names order; there is products, customers, "):
        wanted(["orders", "order"])


def test_the_wall_before_the_last_60_days_is_told(lake: Lake, vendor: Vendor) -> None:
    client = Shopify(lake.settings)
    assert check_scopes(client, RESOURCES) == []
    vendor.scopes = without("read_all_orders")
    (sentence,) = check_scopes(client, RESOURCES)
    assert sentence.startswith("The Shopify app lacks the scope read_all_orders: Shopify shows it the orders of the ")
    assert check_scopes(client, wanted(["products"])) == []
    client.close()
    assert lake.pull("shopify").total == 1


def test_a_version_that_is_not_supported_any_more_stops_the_load(store: Lake) -> None:
    old = Lake(store.settings.model_copy(update={"shopify_api_version": "2019-04"}), store.catalogue)
    with pytest.raises(SettingError) as told:
        old.pull("shopify")
    assert str(told.value) == (
        "Shopify doesn't support its API version 2019-04 any more and answered as 2025-10; set "
        "BOATHOUSE_SHOPIFY_API_VERSION to a supported one and see docs/shopify.md."
    )
    assert old.catalogue.list_tables("bronze") == []

"""A key that may not read everything is told so before the first page, all at once."""

import pytest

from lake.errors import CredentialsError
from pipelines.stripe import TABLES
from pipelines.stripe.api import Stripe
from tests.pipelines.conftest import Lake
from tests.pipelines.vendor import Asked, Reply, Vendor, body


def forbidden(asked: Asked) -> Reply:
    """Refuse as Stripe refuses a restricted key."""
    rak = f"rak_{asked.path.split('/')[-1].rstrip('s')}_read"
    told = f"The provided key 'rk_test_*cret' does not have the required permissions. Having the '{rak}' permission "
    return body({"error": {"message": f"{told} would help.", "type": "invalid_request_error"}}, 403)


def test_every_missing_permission_is_named_before_the_first_page(lake: Lake, vendor: Vendor) -> None:
    vendor.objects = {"charges": [{"id": "ch_1", "object": "charge", "created": 1_704_110_400}]}
    vendor.before = [
        lambda asked: forbidden(asked) if asked.path == "/v1/invoices" else None,
        lambda asked: forbidden(asked) if asked.path == "/v1/payouts" else None,
    ]
    with pytest.raises(CredentialsError) as told:
        lake.pull("stripe")
    assert str(told.value) == (
        "The Stripe key may not read payouts (Payouts, rak_payout_read), invoices (Invoices, rak_invoice_read); "
        "give it these permissions (Read) in the Dashboard under Developers, API keys, or set "
        "BOATHOUSE_STRIPE_API_KEY to a key that has them."
    )
    assert [asked.query["limit"] for asked in vendor.asked] == ["1"] * len(TABLES)
    assert lake.rows("stripe_charges") == []


def test_the_permission_is_found_in_the_words_that_stripe_uses_now(lake: Lake, vendor: Vendor) -> None:
    said = (
        "Permission denied. The provided key 'rk_live_*va7j' does not have the required permissions for this endpoint "
        "on account 'acct_1'. Enabling \"Prices Read\" ('plan_read') permissions on this key would allow this request."
    )
    error = {"message": said, "code": "more_permissions_required", "type": "invalid_request_error"}
    vendor.before = [lambda asked: body({"error": error}, 403) if asked.path == "/v1/prices" else None]
    with pytest.raises(CredentialsError, match=r"^The Stripe key may not read prices \(Prices, plan_read\); give it"):
        lake.pull("stripe")


def test_permissions_are_only_asked_for_before_a_tables_first_page(lake: Lake, vendor: Vendor) -> None:
    lake.settings = lake.settings.model_copy(update={"stripe_account": "acct_1"})
    vendor.objects = {"charges": [{"id": "ch_1", "object": "charge", "created": 1_704_110_400}]}
    lake.pull("stripe")
    vendor.asked.clear()
    lake.pull("stripe")
    assert {asked.query["limit"] for asked in vendor.asked} == {"100"}


def test_an_account_that_is_not_connected_names_its_setting(lake: Lake, vendor: Vendor) -> None:
    error = {"message": "The provided key does not have access to account 'acct_2'.", "code": "account_invalid"}
    vendor.before = [lambda asked: body({"error": error}, 403)]
    with pytest.raises(CredentialsError, match=r"acct_2'.; check BOATHOUSE_STRIPE_ACCOUNT\.$"):
        lake.pull("stripe")


def test_a_page_that_is_cut_short_is_asked_for_again(lake: Lake, vendor: Vendor) -> None:
    vendor.objects = {"charges": [{"id": "ch_1", "object": "charge", "created": 1_704_110_400}]}
    vendor.before = [lambda asked: (200, {}, b'{"object": "list", "data": [{"id": "ch_')]
    client = Stripe(lake.settings)
    assert [len(page) for page in client.pages("/v1/charges")] == [1]
    client.close()

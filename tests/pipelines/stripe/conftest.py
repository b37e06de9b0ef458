"""A test of Stripe has a time of its own."""

import pytest

from tests.pipelines.stripe.account import begin


@pytest.fixture(autouse=True)
def clock() -> None:
    """A test's now is when it began, however long the tests before it took."""
    begin()

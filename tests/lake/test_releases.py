from datetime import UTC, datetime, timedelta

import pytest
from pyiceberg.catalog import Catalog

from lake import failpoints, releases
from lake.errors import BoathouseError, ReleaseError
from lake.pins import Pin
from lake.releases import (
    Release,
    current_release,
    cut_release,
    find_release,
    history,
    last_built,
    list_releases,
    new_release_id,
    standing,
)

NOON = datetime(1997, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ledger(monkeypatch: pytest.MonkeyPatch, unique: str) -> None:
    """Keep the releases of a test apart from those of others."""
    monkeypatch.setattr(releases, "TABLE", f"{unique}.releases")


def release(number: int, previous: str | None = None) -> Release:
    return Release(
        release_id=f"r{number}",
        cut_at=NOON + timedelta(minutes=number),
        previous=previous,
        content="0" * 16,
        bronze={"shopify_orders": Pin("bronze.shopify_orders", 2**62 + number, "s3://a")},
        gold={"fact_orders": Pin("gold.fact_orders", number, "s3://b")},
        cursors={"shopify_orders/shopify": "1997-01-01T12:00:00Z"},
        models={"gold.fact_orders": "1f"},
    )


def test_there_is_no_release_before_the_first(catalogue: Catalog) -> None:
    assert current_release(catalogue) is None
    assert list_releases(catalogue) == []


def test_the_last_release_that_was_cut_is_current(catalogue: Catalog) -> None:
    first, second = release(1), release(2, "r1")
    cut_release(catalogue, first)
    assert current_release(catalogue) == first
    cut_release(catalogue, second)
    assert current_release(catalogue) == second
    assert list_releases(catalogue) == [first, second]


def test_an_older_release_is_found_by_its_name(catalogue: Catalog) -> None:
    cut_release(catalogue, release(1))
    cut_release(catalogue, release(2, "r1"))
    assert find_release(catalogue, "r1") == release(1)


def test_an_unknown_release_is_a_sentence(catalogue: Catalog) -> None:
    cut_release(catalogue, release(1))
    with pytest.raises(
        ReleaseError, match=r"^There is no release 'r9'; `boathouse release list` lists those there are\.$"
    ):
        find_release(catalogue, "r9")


def test_a_release_that_is_cut_again_is_one(catalogue: Catalog) -> None:
    cut_release(catalogue, release(1))
    cut_release(catalogue, release(1))
    assert list_releases(catalogue) == [release(1)]


def test_a_release_that_failed_on_the_way_leaves_the_one_before_current(catalogue: Catalog) -> None:
    cut_release(catalogue, release(1))
    for place in ("release.before", "commit.before"):
        failpoints.arm(f"{place}:1:error")
        with pytest.raises(BoathouseError):
            cut_release(catalogue, release(2, "r1"))
    assert current_release(catalogue) == release(1)
    assert list_releases(catalogue) == [release(1)]


def test_names_sort_by_time_and_tell_of_the_content() -> None:
    tokyo = NOON.astimezone().replace(microsecond=5)
    assert new_release_id("abcdef0123456789", tokyo) == "19970101T120000Z-abcdef"


def test_a_release_that_is_held_back_is_seen_by_nobody_until_it_is_approved(catalogue: Catalog) -> None:
    cut_release(catalogue, release(1))
    cut_release(catalogue, release(2, "r1"), "held", "too much moved")
    current, held = standing(catalogue)
    assert current is not None
    assert held is not None
    assert (current.release, held.release, held.reason) == (release(1), release(2, "r1"), "too much moved")
    assert last_built(catalogue) == held
    assert list_releases(catalogue) == [release(1)]
    assert find_release(catalogue, "r2") == release(2, "r1")

    cut_release(catalogue, held.release, "approved", "a late refund")
    current, held = standing(catalogue)
    assert current is not None
    assert (current.release, current.event, current.reason, held) == (
        release(2, "r1"),
        "approved",
        "a late refund",
        None,
    )
    assert list_releases(catalogue) == [release(1), release(2, "r1")]
    assert [entry.event for entry in history(catalogue)] == ["cut", "held", "approved"]


def test_after_a_rollback_an_older_release_is_current_and_the_last_built_is_still_known(catalogue: Catalog) -> None:
    cut_release(catalogue, release(1))
    cut_release(catalogue, release(2, "r1"))
    for reason in ("wrong numbers", "wrong again"):
        cut_release(catalogue, release(1), "rolled back", reason)
        current, _ = standing(catalogue)
        assert current is not None
        assert (current.release, current.event, current.reason) == (release(1), "rolled back", reason)
    built = last_built(catalogue)
    assert built is not None
    assert built.release == release(2, "r1")
    assert list_releases(catalogue) == [release(1), release(2, "r1")]
    assert len(history(catalogue)) == 4


def test_a_release_may_be_named_by_its_beginning_or_end_if_only_one_fits(catalogue: Catalog) -> None:
    cut_release(catalogue, release(11))
    cut_release(catalogue, release(12))
    assert find_release(catalogue, "12").release_id == "r12"
    with pytest.raises(ReleaseError, match="could be r11 or r12"):
        find_release(catalogue, "r1")

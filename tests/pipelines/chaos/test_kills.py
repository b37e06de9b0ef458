"""A load that is killed at any point ends, started again, with every document once: also in a new working folder."""

import importlib
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from typing import Any

import pytest

from lake import failpoints
from lake.catalogue import open_catalogue
from lake.settings import Settings, silence_telemetry
from pipelines.stripe import api
from tests.pipelines.chaos.conftest import Scene
from tests.pipelines.conftest import Lake

OWN = (
    "ingest.answered:1",
    "ingest.answered:3",
    "ingest.extracted:1",
    "ingest.normalized:1",
    "commit.before:1",
    "commit.before:2",
    "commit.after:1",
    "commit.after:2",
    "ingest.loaded:1",
)
DLTS = (
    "dlt.extract.extract:ExtractStorage.commit_new_load_package",
    "dlt.normalize.normalize:Normalize.spool_files",
    "dlt.common.storages.load_storage:LoadStorage.commit_new_load_package",
    "dlt.common.storages.load_storage:LoadStorage.complete_load_package",
)
"""Where dlt moves a load from one stage to the next: what was extracted, what was normalized, what is done."""

TABLES = {"shopify": ("shopify_shop", "shopify_orders"), "stripe": ("stripe_events", "stripe_charges")}

# Each killed process is forked from one that has imported everything already.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.pipelines.chaos.test_kills"])


def pull(settings: Settings, vendor: str, tables: tuple[str, ...], place: str) -> None:
    """Load in this process, which is killed when it reaches the failpoint or dlt's function."""
    silence_telemetry(settings)
    api.PAGE = 20
    if place in DLTS:
        kill_in(place)
    else:
        failpoints.arm(f"{place}:kill")
    Scene(None, Lake(settings, open_catalogue(settings)), vendor, tables).pull()


def kill_in(place: str) -> None:
    """Have the process die where it would call this function."""
    module, _, name = place.partition(":")
    owner, _, function = name.partition(".")

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(getattr(importlib.import_module(module), owner), function, die)


def killed(there: Scene, place: str) -> None:
    """Load in a process of its own until it is killed."""
    process = SERVER.Process(target=pull, args=(there.lake.settings, there.vendor, there.tables, place))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    process.close()


@pytest.mark.parametrize("folder", ["kept", "lost"])
@pytest.mark.parametrize("place", [*OWN, *DLTS])
def test_a_load_that_is_killed_and_started_again_holds_everything_once(
    scene: Callable[..., Scene], place: str, folder: str
) -> None:
    # Every place with and without its working folder, and each vendor with half of these pairs.
    vendor = "shopify" if (OWN + DLTS).index(place) % 2 == (folder == "kept") else "stripe"
    there = scene(vendor, TABLES[vendor])
    if vendor == "stripe":
        there.sandbox.write(orders=5)
    killed(there, place)
    if folder == "lost":
        shutil.rmtree(there.lake.settings.state_dir)
    there.sandbox.write(orders=3, changes=2)
    there.pull()
    there.pull()
    assert there.wrong() == []

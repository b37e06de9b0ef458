"""Sandbox shops that run as processes of their own, as users start them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from infra.sandbox import credentials

ROOT = Path(__file__).parents[3]
Start = Callable[..., str]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a sandbox with these arguments and give its address; all are stopped in the end."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> str:
        state = ["--state-dir", str(tmp_path_factory.mktemp("bulk"))]
        argv = [sys.executable, "-m", "infra.sandbox", "--port", "0", *state, *arguments]
        process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        return process.stdout.readline().split()[-1]

    yield begin
    for process in running:
        process.terminate()
    for process in running:
        assert process.wait(timeout=20) == 0
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def history(start: Start) -> str:
    """The address of a shop with the CDNOW history on Shopify's fastest plan."""
    return start("--plan", "plus")


@pytest.fixture(scope="module")
def small(start: Start) -> str:
    """The address of a shop with 300 synthetic orders on Shopify's standard plan."""
    return start("--orders", "300")


class Shopify:
    """A client of the Admin API with the app's static token."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(
            base_url=f"{url}/admin/api/2025-10/",
            headers={"X-Shopify-Access-Token": credentials.SHOPIFY_ACCESS_TOKEN},
            timeout=30,
        )

    def ask(self, query: str, /, **variables: object) -> dict:  # type: ignore[type-arg]
        """Send one query and give the whole answer."""
        answer = self.http.post("graphql.json", json={"query": query, "variables": variables})
        found: dict = answer.json()  # type: ignore[type-arg]
        return found


@pytest.fixture
def shopify(small: str) -> Iterator[Shopify]:
    """A client of the small shop's Admin API."""
    client = Shopify(small)
    yield client
    client.http.close()


@pytest.fixture
def stripe_http(small: str) -> Iterator[httpx.Client]:
    """A client of the small shop's Stripe account."""
    with httpx.Client(base_url=f"{small}/v1/", auth=(credentials.STRIPE_API_KEY, "")) as client:
        yield client

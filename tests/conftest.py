"""Fixtures that every test may ask for."""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser

from rag.ingest import ingestion
from tests.support import chromium, readers
from tests.support.foundry_home import SLOW_TEXT, SLOW_WORK, FoundryHome
from tests.support.openai_server import OpenAIServer
from tests.support.opensearch_nodes import opensearch
from tests.support.postgres import postgres

__all__ = ["opensearch", "postgres"]

# Tests share few cores: how long an example took says nothing about the code. One commit always meets the same
# examples, so that green is a fact of the commit; `--hypothesis-profile searching` looks for new ones.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile(
    "searching", settings.get_profile("shared"), derandomize=False, max_examples=500, print_blob=True
)
settings.load_profile("shared")

DRIVING = pytest.StashKey[bool]()
STANDING: dict[pytest.FixtureDef[Any], pytest.FixtureRequest] = {}
"""What the fixtures of a module have set up, and for whom: servers with their folders, and windows."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that drive a browser come first: they are the longest, and the last ones should be short, so that no worker
    is left waiting for another."""
    drive = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    driving = {item.path for item in drive}
    items.sort(key=lambda item: item.path not in driving)
    for item in items:
        item.stash[DRIVING] = item.path in driving
    for item in drive:  # twice in a row is no chance; what passed the second time is named in the summary
        item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    if fixturedef.scope == "module":
        STANDING.pop(fixturedef, None)
        STANDING[fixturedef] = request


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if getattr(item, "execution_count", 1) > 1:  # what failed left something behind: the second attempt begins anew
        while STANDING:
            fixturedef, request = STANDING.popitem()
            fixturedef.finish(request)  # type: ignore[arg-type]
    if not item.stash[DRIVING]:
        chromium.SHARED.close()


def pytest_sessionfinish() -> None:
    chromium.SHARED.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, the same one in file after file: a person's window is a context of its own, and ends with the file."""
    running = chromium.SHARED.running()
    yield running
    for context in running.contexts:
        context.close()


@pytest.fixture(scope="session", autouse=True)
def handed_on() -> Iterator[None]:
    """Libraries that are closed leave their reading processes to the next."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingestion, "Pool", readers.HandedOn)
        yield
    readers.end()


@pytest.fixture(scope="session", autouse=True)
def same_certificates() -> Iterator[None]:
    """Every HTTP client trusts the same certificates: to read them takes 30 ms, and thousands of clients are made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """An HTTP client that was told nothing waits as long as a busy machine takes: 5 s say nothing about the code."""
    usual = inspect.signature(httpx.get).parameters["timeout"].default
    with pytest.MonkeyPatch.context() as patch:
        for kind in usual.as_dict():
            patch.setattr(usual, kind, 60.0)
        yield


@pytest.fixture
def openai_server() -> Iterator[OpenAIServer]:
    """A scripted OpenAI-compatible server, for one test."""
    with OpenAIServer() as server:
        yield server


@pytest.fixture(scope="session")
def foundry_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FoundryHome]:
    """The real Foundry Local runtime on tiny models, one per test process (the SDK allows one)."""
    with FoundryHome(tmp_path_factory.mktemp("foundry")) as home:
        home.register("slow", SLOW_TEXT, work=SLOW_WORK)
        home.register("narrow", context_length=400)
        home.register("medium", context_length=820)
        yield home

"""One real server with one real model for the whole lane; without them every test here is skipped, with the reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import llama_server
from tests.support.llama_server import LlamaServer

KEY = "key-of-the-tests"


@pytest.fixture(scope="session")
def llama() -> Iterator[LlamaServer]:
    """The server that nobody harms."""
    if reason := llama_server.missing():
        pytest.skip(reason)
    with LlamaServer(llama_server.model_file(), key=KEY) as server:
        yield server


@pytest.fixture
def doomed() -> Iterator[LlamaServer]:
    """A server for one test, which may do with it what it likes."""
    if reason := llama_server.missing():
        pytest.skip(reason)
    with LlamaServer(llama_server.model_file()) as server:
        yield server

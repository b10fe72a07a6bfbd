"""Runtimes that others write: found by entry point, run in a thread, stopped, and failing in words."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from hybrid.errors import ModelError
from hybrid.runtimes.adapters import Adapted, discover
from hybrid.runtimes.base import ChatRequest, ModelState, Phase
from rag.types import Message

EXAMPLE = Path(__file__).parents[3] / "examples" / "adapter"
REQUEST = ChatRequest("echo", (Message("user", "Some passages.\n\nHow many days?"),), max_tokens=50)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example as `pip install` leaves it: the module, and metadata that names the entry point."""
    (tmp_path / "tandem_echo.py").write_text((EXAMPLE / "tandem_echo.py").read_text(encoding="utf-8"), encoding="utf-8")
    info = tmp_path / "tandem_echo-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tandem-echo\nVersion: 0.1.0\n")
    project = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    assert 'echo = "tandem_echo:Echo"' in project
    (info / "entry_points.txt").write_text("[tandem.runtimes]\necho = tandem_echo:Echo\nbroken = nowhere:Nothing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tandem_echo", raising=False)


async def test_the_example_is_found_and_answers(installed: None, caplog: pytest.LogCaptureFixture) -> None:
    [runtime] = [runtime for runtime in discover() if runtime.name == "echo"]
    assert "broken" in caplog.text
    assert (await runtime.models())[0].state is ModelState.CACHED
    chunks = [chunk async for chunk in runtime.stream(REQUEST)]
    assert "".join(chunk.text for chunk in chunks) == "How many days?"
    assert [chunk.phase for chunk in chunks if chunk.phase] == [Phase.LOAD, Phase.SEND]
    assert (await runtime.models())[0].state is ModelState.READY


class Endless:
    models = ("endless",)

    def __init__(self) -> None:
        self.closed = threading.Event()

    def load(self, model: str) -> None:
        if model != "endless":
            raise OSError("no such weights")

    def stream(self, model: str, messages: Sequence[Message], **_: object) -> Iterator[str]:
        try:
            while True:
                yield "word "
        finally:
            self.closed.set()


async def test_stopping_closes_the_adapters_stream() -> None:
    adapter = Endless()
    runtime = Adapted("endless", adapter)
    async with aclosing(runtime.stream(ChatRequest("endless", REQUEST.messages))) as stream:
        count = 0
        async for chunk in stream:
            count += bool(chunk.text)
            if count == 1000:
                break
    assert await asyncio.to_thread(adapter.closed.wait, 10)


async def test_failures_are_told_in_words() -> None:
    class Failing(Endless):
        def stream(self, model: str, messages: Sequence[Message], **_: object) -> Iterator[str]:
            yield "Half"
            raise RuntimeError("out of paper")

    with pytest.raises(ModelError, match="mine failed: out of paper"):
        async for _ in Adapted("mine", Failing()).stream(ChatRequest("endless", REQUEST.messages)):
            pass
    with pytest.raises(ModelError, match="could not load other: no such weights"):
        async for _ in Adapted("mine", Failing()).stream(ChatRequest("other", REQUEST.messages)):
            pass

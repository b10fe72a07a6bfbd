"""The registry: names resolved by id, alias and prefix; slow and failing runtimes in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from hybrid.errors import ModelError
from hybrid.models.registry import ModelRegistry
from hybrid.runtimes.base import ModelInfo, ModelState
from hybrid.runtimes.scripted import Scripted


class Listing(Scripted):
    """A runtime with a list of the test's choice; with an error, one that fails to list."""

    def __init__(self, name: str, *infos: tuple[str, str, ModelState], error: Exception | None = None) -> None:
        super().__init__({}, name)
        self.infos, self.error, self.asked = infos, error, 0
        self.go = asyncio.Event()
        self.go.set()

    async def models(self) -> list[ModelInfo]:
        self.asked += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return [ModelInfo(id, alias, self.name, state, size_mb=2048) for id, alias, state in self.infos]

    async def load(self, model: str) -> None:
        self.infos = tuple((id, alias, ModelState.READY if id == model else state) for id, alias, state in self.infos)


READY, CACHED, DOWNLOADABLE = ModelState.READY, ModelState.CACHED, ModelState.DOWNLOADABLE
MakeRegistry = Callable[..., ModelRegistry]


@pytest.fixture
async def make_registry() -> AsyncIterator[MakeRegistry]:
    made: list[ModelRegistry] = []

    def make(*runtimes: Listing) -> ModelRegistry:
        made.append(ModelRegistry(runtimes))
        made[-1].start()
        return made[-1]

    yield make
    for registry in made:
        await registry.close()


async def test_exact_id_before_alias_before_prefix(make_registry: MakeRegistry) -> None:
    registry = make_registry(
        Listing("one", ("phi-4-mini-instruct:5", "x", READY), ("gpt:1", "phi-4-mini", READY)),
        Listing("two", ("phi-4-mini", "y", READY)),
    )
    assert await registry.wait_ready(60)
    assert registry.resolve("PHI-4-mini")[1] == "phi-4-mini"
    assert registry.resolve("x")[1] == "phi-4-mini-instruct:5"
    assert registry.resolve("phi-4-mini-ins")[1] == "phi-4-mini-instruct:5"


async def test_a_model_that_can_answer_goes_before_one_that_cannot(make_registry: MakeRegistry) -> None:
    registry = make_registry(
        Listing("foundry", ("phi:1", "phi", DOWNLOADABLE)), Listing("server", ("phi-latest", "phi-latest", READY))
    )
    assert await registry.wait_ready(60)
    runtime, model = registry.resolve("phi")
    assert (runtime.name, model) == ("server", "phi-latest")


async def test_what_is_missing_is_explained(make_registry: MakeRegistry) -> None:
    down = Listing(
        "office", error=ModelError("Nothing answers at http://x (office); start the server.", kind="refused")
    )
    registry = make_registry(down, Listing("foundry", ("phi:1", "phi", DOWNLOADABLE)))
    assert await registry.wait_ready(60)
    with pytest.raises(ModelError, match=r"not on this machine yet \(2\.0 GB\).*tandem models download phi"):
        registry.resolve("phi")
    with pytest.raises(ModelError, match=r"no model called 'gpt' is there\. Nothing answers at http://x"):
        registry.resolve("gpt")


async def test_a_runtime_that_breaks_does_not_break_the_others(make_registry: MakeRegistry) -> None:
    registry = make_registry(Listing("bad", error=KeyError("boom")), Listing("good", ("a", "a", READY)))
    assert await registry.wait_ready(60)
    assert registry.resolve("a")[1] == "a" and "KeyError" in registry.problems["bad"]


async def test_a_known_model_does_not_wait_for_a_slow_catalog(make_registry: MakeRegistry) -> None:
    slow = Listing("slow", ("b", "b", READY))
    slow.go.clear()
    registry = make_registry(slow, Listing("quick", ("a", "a", READY)))
    assert (await registry.find("a", 5))[1] == "a"
    with pytest.raises(ModelError) as caught:
        await registry.find("b", 0.01)
    assert caught.value.kind == "pending" and not registry.ready
    slow.go.set()
    assert (await registry.find("b", 5))[1] == "b"


async def test_loading_refreshes_the_list(make_registry: MakeRegistry) -> None:
    registry = make_registry(Listing("one", ("a:1", "a", CACHED)))
    assert await registry.wait_ready(60)
    await registry.load("a")
    await registry.refresh()
    assert registry.states()[0].state is READY


async def test_refreshes_at_the_same_time_ask_once(make_registry: MakeRegistry) -> None:
    runtime = Listing("one", ("a", "a", READY))
    runtime.go.clear()
    registry = make_registry(runtime)
    refreshes = [asyncio.create_task(registry.refresh()) for _ in range(5)]
    await asyncio.sleep(0)
    runtime.go.set()
    await asyncio.gather(*refreshes)
    assert runtime.asked == 1

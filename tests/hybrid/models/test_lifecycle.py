"""Models come and go: downloads with a forecast, warming, idle and memory unloads, own models taken in or refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

import pytest

from hybrid.errors import ModelError
from hybrid.models.lifecycle import Download, Lifecycle
from hybrid.models.registry import ModelRegistry
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState
from hybrid.runtimes.foundry import Foundry
from hybrid.settings import KeepSettings
from rag.types import Message
from tests.support.foundry_home import FoundryHome
from tests.support.foundry_models import make_model

PLENTY = 1_000_000


@pytest.fixture
async def foundry(foundry_home: FoundryHome) -> AsyncIterator[Foundry]:
    runtime = Foundry(foundry_home.data_dir, foundry_home.catalog_urls)
    await runtime.models()
    for use in runtime.uses():
        await runtime.unload(use.model)
    yield runtime
    for use in runtime.uses():
        await runtime.unload(use.model)
    await runtime.close()


async def lifecycle(runtime: Foundry, memory: Callable[[], int] = lambda: PLENTY, **keep: float) -> Lifecycle:
    registry = ModelRegistry([runtime])
    registry.start()
    assert await registry.wait_ready(60)
    return Lifecycle(registry, KeepSettings(**{"free_memory_mb": 100, **keep}), memory=memory)  # type: ignore[arg-type]


def states(life: Lifecycle) -> dict[str, ModelState]:
    return {info.alias: info.state for info in life.registry.states()}


async def test_warming_up_makes_a_model_ready(foundry: Foundry) -> None:
    life = await lifecycle(foundry)
    assert await life.warm("narrow") > 0
    assert states(life)["narrow"] is ModelState.READY
    assert [use.model for use in foundry.uses()] == ["narrow:1"]


async def test_an_idle_model_is_unloaded(foundry: Foundry) -> None:
    life = await lifecycle(foundry, idle_minutes=60)
    await life.warm("narrow")
    await life.tend()
    assert [use.model for use in foundry.uses()] == ["narrow:1"]
    foundry._slot("narrow:1").used -= 3601
    await life.tend()
    assert foundry.uses() == []
    await life.registry.refresh()
    assert states(life)["narrow"] is ModelState.CACHED


async def test_short_memory_unloads_the_longest_unused_first(foundry: Foundry) -> None:
    free = [PLENTY]
    life = await lifecycle(foundry, lambda: free[0] if len(foundry.uses()) > 1 else PLENTY)
    await life.warm("narrow")
    await life.warm("medium")
    foundry._slot("narrow:1").used -= 10
    free[0] = 50
    await life.tend()
    assert [use.model for use in foundry.uses()] == ["medium:1"]


async def test_a_model_in_use_is_never_unloaded(foundry: Foundry) -> None:
    life = await lifecycle(foundry, lambda: 0)
    await foundry.load("slow:1")
    stream = foundry.stream(ChatRequest("slow:1", (Message("user", "Hi"),), max_tokens=1_000))
    async for chunk in stream:
        if chunk.text:
            break
    await life.tend()
    assert [use.model for use in foundry.uses()] == ["slow:1"]
    await stream.aclose()
    async with asyncio.timeout(60):
        while any(use.calls for use in foundry.uses()):  # noqa: ASYNC110  # a thread of the SDK ends
            await asyncio.sleep(0.005)


async def test_a_model_that_does_not_fit_into_memory_is_refused(foundry: Foundry) -> None:
    life = await lifecycle(foundry, lambda: 10)
    with pytest.raises(ModelError, match=r"needs about 11\.7 GB of memory and 0\.0 GB are free"):
        await life.make_room("gpt-oss-20b", 12_000)


async def test_an_own_model_is_taken_in_and_forgotten(foundry: Foundry, tmp_path: Path) -> None:
    make_model(tmp_path / "own", "Hello from my own model.")
    info = await foundry.register(tmp_path / "own", "own")
    assert info.alias == "own" and info.state is ModelState.READY
    await foundry.remove("own:1")
    assert "own" not in [info.alias for info in await foundry.models()]
    assert (tmp_path / "own" / "model.onnx").exists(), "the files belong to the user"


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda path: (path / "genai_config.json").unlink(), "genai_config.json is missing"),
        (lambda path: (path / "genai_config.json").write_text("{"), "cannot be read"),
        (lambda path: (path / "genai_config.json").write_text("{}"), "names no decoder"),
        (lambda path: (path / "model.onnx").unlink(), "model.onnx is missing or empty"),
        (lambda path: (path / "tokenizer.json").unlink(), "holds no tokenizer"),
        (lambda path: (path / "model.onnx").write_bytes(b"not a network"), "is no model that runs here"),
    ],
)
async def test_a_broken_directory_is_refused(
    foundry: Foundry, tmp_path: Path, break_it: Callable[[Path], object], reason: str
) -> None:
    make_model(tmp_path / "broken", "Hello.")
    break_it(tmp_path / "broken")
    with pytest.raises(ModelError) as caught:
        await foundry.register(tmp_path / "broken", "broken")
    assert reason in str(caught.value) and "\n" not in str(caught.value)
    assert "broken" not in [info.alias for info in await foundry.models()]


async def test_own_models_by_alias(foundry: Foundry, tmp_path: Path) -> None:
    life = await lifecycle(foundry)
    make_model(tmp_path / "mine", "Hello from mine.")
    await life.register(tmp_path / "mine", "mine")
    await life.verify("mine")
    assert states(life)["mine"] is ModelState.READY
    await life.remove("mine")
    assert "mine" not in states(life)
    with pytest.raises(ModelError, match=r"set models\.foundry"):
        await (await store_life(Store())).register(tmp_path / "mine", "mine")


async def test_a_taken_name_is_refused(foundry: Foundry, tmp_path: Path) -> None:
    make_model(tmp_path / "other", "Hello.")
    with pytest.raises(ModelError, match="is taken by"):
        await foundry.register(tmp_path / "other", "medium")


class Store:
    """A runtime that downloads as it is told to, percent by percent."""

    name = "store"

    def __init__(self, size_mb: int = 1000) -> None:
        self.steps: asyncio.Queue[float | Exception] = asyncio.Queue()
        self.size_mb = size_mb
        self.state = ModelState.DOWNLOADABLE

    async def models(self) -> list[ModelInfo]:
        return [ModelInfo("big:1", "big", self.name, self.state, size_mb=self.size_mb)]

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        while (step := await self.steps.get()) != 100.0:
            if isinstance(step, Exception):
                raise step
            progress(step)
        self.state = ModelState.CACHED

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        yield Chunk(finish_reason="stop")

    async def load(self, model: str) -> None: ...

    async def unload(self, model: str) -> None: ...

    async def close(self) -> None: ...


async def store_life(store: Store) -> Lifecycle:
    registry = ModelRegistry([store])
    registry.start()
    assert await registry.wait_ready(60)
    return Lifecycle(registry, KeepSettings())


async def test_a_download_tells_how_far_how_fast_and_how_long() -> None:
    store = Store()
    life = await store_life(store)
    for step in (10.0, 50.0):
        store.steps.put_nowait(step)
    seen: list[Download] = []
    async for state in life.download("big"):
        seen.append(state)
        if state.percent == 50.0:
            assert [running.alias for running in life.downloads()] == ["big"]
            store.steps.put_nowait(100.0)
    assert seen[-1].percent == 100.0 and life.downloads() == []
    halfway = next(state for state in seen if state.percent == 50.0)
    assert halfway.mb_per_s and halfway.remaining_s is not None
    assert life.registry.resolve("big") == (store, "big:1"), "the next question uses it"


async def test_a_download_can_be_watched_twice_left_and_cancelled() -> None:
    store = Store()
    life = await store_life(store)
    store.steps.put_nowait(5.0)
    watched = life.download("big")
    assert (await anext(watched)).alias == "big"
    other = asyncio.create_task(_last(life.download("big")))
    await watched.aclose()
    await asyncio.sleep(0)
    assert life.downloads(), "leaving stops only the watching"
    await life.cancel("big")
    with pytest.raises(ModelError, match="cancelled"):
        await other
    assert life.downloads() == []


async def _last(states: AsyncIterator[Download]) -> Download:
    return [state async for state in states][-1]


async def test_a_download_that_fails_says_why() -> None:
    store = Store()
    life = await store_life(store)
    store.steps.put_nowait(ModelError("the catalog is gone; try again later.", kind="unavailable"))
    with pytest.raises(ModelError, match="catalog is gone"):
        await _last(life.download("big"))
    assert life.downloads() == []


async def test_a_full_disk_is_noticed_before() -> None:
    life = await store_life(Store(size_mb=10**9))
    with pytest.raises(ModelError, match="GB free; make room"):
        await _last(life.download("big"))


def test_the_made_model_is_small(tmp_path: Path) -> None:
    make_model(tmp_path, "A B C")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 50_000
    assert json.loads((tmp_path / "genai_config.json").read_text())["model"]["type"] == "llama"

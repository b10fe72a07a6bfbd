"""Which models there are, and which runtime answers for a name.

Knows the runtimes' lists, refreshed in the background, and how a name is resolved. Does not know how a runtime works.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from hybrid.errors import ModelError
from hybrid.runtimes.base import ModelInfo, ModelState, Runtime

log = logging.getLogger(__name__)

USABLE = (ModelState.READY, ModelState.CACHED)
_STALE_S = 5.0


class ModelRegistry:
    """The models of all runtimes. `states` and `resolve` answer from the last lists and never wait.

    Each runtime is asked by itself, so a slow one (a catalog without a network takes seconds) holds up nobody else.
    """

    def __init__(self, runtimes: Sequence[Runtime]) -> None:
        self.runtimes = tuple(runtimes)
        self.problems: dict[str, str] = {}
        self._lists: dict[str, list[ModelInfo]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[str, float] = {}
        # Answers may still be coming from them.
        self._retired: list[Runtime] = []
        self._changed = asyncio.Event()

    def start(self) -> None:
        """Look the models up in the background."""
        for runtime in self.runtimes:
            self._ask(runtime)

    async def close(self) -> None:
        """Stop looking up, and close every runtime."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in await asyncio.gather(
            *(r.close() for r in (*self.runtimes, *self._retired)), return_exceptions=True
        ):
            if isinstance(outcome, BaseException):
                log.warning("A runtime did not close cleanly: %s", outcome)

    async def put(self, runtime: Runtime) -> None:
        """Ask `runtime` before all others from now on, in place of one of the same name; returns once it was asked."""
        self.drop(runtime.name)
        self.runtimes = (runtime, *self.runtimes)
        await asyncio.shield(self._ask(runtime))

    def drop(self, name: str) -> None:
        """Ask the runtime of this name no more, where there is one; what it is answering goes on."""
        self._retired += [one for one in self.runtimes if one.name == name]
        self.runtimes = tuple(one for one in self.runtimes if one.name != name)
        if (asking := self._asking.pop(name, None)) is not None:
            asking.cancel()
        self._lists.pop(name, None)
        self._asked.pop(name, None)
        self.problems.pop(name, None)

    def states(self) -> list[ModelInfo]:
        """Every model known now, in the order of the runtimes."""
        return [info for runtime in self.runtimes for info in self._lists.get(runtime.name, [])]

    @property
    def ready(self) -> bool:
        """Whether every runtime has answered or failed at least once."""
        return all(runtime.name in self._lists for runtime in self.runtimes)

    async def refresh(self) -> None:
        """Ask every runtime again, and wait for all."""
        await asyncio.gather(*(asyncio.shield(self._ask(runtime)) for runtime in self.runtimes))

    async def wait_ready(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the first complete lists; whether they are there."""
        return await self._wait(lambda: self.ready, timeout)

    async def find(self, alias: str, timeout: float) -> tuple[Runtime, str]:
        """`resolve`, waiting up to `timeout` seconds for lists that are still on their way."""
        await self._wait(lambda: self.ready or self._usable(alias) is not None, timeout)
        return self.resolve(alias)

    def resolve(self, alias: str) -> tuple[Runtime, str]:
        """The runtime and the model id that answer to `alias`: by exact id, then by alias, then by a prefix of the id.

        A model that can answer goes before one that cannot. Raises ModelError: "pending" while lists are missing,
        else "not_found" or "unavailable", with what to do.
        """
        usable = self._usable(alias)
        if usable is not None:
            return usable
        self._refresh_stale()
        if not self.ready:
            raise ModelError("The models are still being looked up; try again in a few seconds.", kind="pending")
        known = self._matches(alias)
        raise _unusable(alias, known[0][1]) if known else self._unknown(alias)

    def usable(self, alias: str) -> bool:
        """Whether `alias` names a model that can answer now or after loading."""
        return self._usable(alias) is not None

    async def load(self, alias: str) -> None:
        runtime, info = self._known(alias)
        try:
            await runtime.load(info.id)
        finally:
            await self._ask(runtime)

    async def unload(self, alias: str) -> None:
        runtime, info = self._known(alias)
        try:
            await runtime.unload(info.id)
        finally:
            await self._ask(runtime)

    async def download(self, alias: str, progress: Callable[[float], None]) -> None:
        """Download a model; `progress` hears percent. Cancelling the task cancels the download."""
        runtime, info = self._known(alias)
        try:
            await runtime.download(info.id, progress)
        finally:
            await self._ask(runtime)

    def _known(self, alias: str) -> tuple[Runtime, ModelInfo]:
        matches = self._matches(alias)
        if not matches:
            raise self._unknown(alias)
        return matches[0]

    def _usable(self, alias: str) -> tuple[Runtime, str] | None:
        for runtime, info in self._matches(alias):
            if info.state in USABLE:
                return runtime, info.id
        return None

    def _matches(self, alias: str) -> list[tuple[Runtime, ModelInfo]]:
        wanted = alias.casefold()
        every = [(runtime, info) for runtime in self.runtimes for info in self._lists.get(runtime.name, [])]
        tests: Iterable[Callable[[ModelInfo], bool]] = (
            lambda info: info.id.casefold() == wanted,
            lambda info: info.alias.casefold() == wanted,
            lambda info: info.id.casefold().startswith(wanted),
        )
        found: list[tuple[Runtime, ModelInfo]] = []
        for test in tests:
            found += [pair for pair in every if pair not in found and test(pair[1])]
        return found

    def _unknown(self, alias: str) -> ModelError:
        down = "".join(f"{problem} " for problem in self.problems.values())
        return ModelError(
            f"no model called {alias!r} is there. {down}Choose another in the settings, or see `tandem models list`.",
            kind="not_found",
        )

    def _ask(self, runtime: Runtime) -> asyncio.Task[None]:
        task = self._asking.get(runtime.name)
        if task is None or task.done():
            task = asyncio.create_task(self._list(runtime), name=f"models of {runtime.name}")
            self._asking[runtime.name] = task
        return task

    async def _list(self, runtime: Runtime) -> None:
        try:
            models = await runtime.models()
            self.problems.pop(runtime.name, None)
        except ModelError as error:
            models = []
            self.problems[runtime.name] = str(error)
        except Exception as error:
            log.exception("The runtime %s failed to list its models", runtime.name)
            models = []
            self.problems[runtime.name] = f"{runtime.name} failed to list its models ({type(error).__name__})."
        self._lists[runtime.name] = models
        self._asked[runtime.name] = time.monotonic()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _refresh_stale(self) -> None:
        for runtime in self.runtimes:
            if time.monotonic() - self._asked.get(runtime.name, 0.0) > _STALE_S:
                self._ask(runtime)

    async def _wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                return condition()
        return True


def _unusable(alias: str, info: ModelInfo) -> ModelError:
    if info.state is ModelState.DOWNLOADING:
        return ModelError(f"{alias} is still being downloaded.", kind="unavailable", retriable=True)
    if info.state is ModelState.DOWNLOADABLE:
        size = f" ({info.size_mb / 1024:.1f} GB)" if info.size_mb else ""
        return ModelError(
            f"it is not on this machine yet{size}; download it in the settings, or run "
            f"`tandem models download {alias}`.",
            kind="unavailable",
        )
    return ModelError(info.note or f"{alias} is unavailable.", kind="unavailable")

"""Foundry Local, inside this process: its catalog, its models and what they generate.

Knows the SDK's ways: blocking calls, one manager per process, a prefill that cannot be interrupted. Does not know
prompts, or what is tried when a model fails. The SDK is imported on first use, in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hybrid.errors import ModelError
from hybrid.queueing import FairQueue, Ticket
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState, Phase, Usage
from hybrid.runtimes.channels import Splitter
from hybrid.runtimes.foundry_sdk import NAME, acquire, explained, listing, release, threaded

log = logging.getLogger(__name__)

_CLOSE_S = 10.0


@dataclass(slots=True)
class _Slot:
    """One model's queue and what is known of its use."""

    queue: FairQueue = field(default_factory=FairQueue)
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    used: float = field(default_factory=time.monotonic)
    percent: float | None = None


class Foundry:
    """The Foundry Local runtime. `data_dir` holds its downloads and registrations (None: its own default place);
    `catalog_urls` replace the public catalog.

    One request at a time per model, users in turn: the runtime does not batch, so two at once would only slow each
    other down. Stopping returns at once; the model's next request waits until the stopped one has really ended.
    """

    name = NAME

    def __init__(self, data_dir: Path | None = None, catalog_urls: Sequence[str] = ()) -> None:
        self._data_dir = data_dir
        self._catalog_urls = tuple(catalog_urls)
        self._manager: Any = None
        self._opening = asyncio.Lock()
        self._slots: dict[str, _Slot] = {}
        self._models: dict[str, Any] = {}

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """Wait for a turn, load if need be, then pass the text on as it comes."""
        model = await self._model(request.model)
        slot = self._slot(request.model)
        ticket = slot.queue.enter(request.user)
        call: _Call | None = None
        try:
            while ticket.position is not None:
                yield Chunk(phase=Phase.QUEUE, position=ticket.position)
                await ticket.moved()
            if not await self._run(lambda: model.is_loaded):
                yield Chunk(phase=Phase.LOAD)
                await self._load(request.model, model, slot)
            yield Chunk(phase=Phase.SEND)
            call = _Call(model, request, lambda: self._left(slot, ticket))
            async with aclosing(call.chunks()) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            if call is None:
                self._left(slot, ticket)
            else:
                call.stop()

    def _left(self, slot: _Slot, ticket: Ticket) -> None:
        slot.used = time.monotonic()
        slot.queue.leave(ticket)

    async def models(self) -> list[ModelInfo]:
        """The public catalog's models and the registered ones. Takes seconds without a network."""
        manager = await self._open()
        listed = await self._run(lambda: listing(manager))
        self._models = {model.id: model for model, _ in listed}
        return [self._shown(info) for _, info in listed]

    async def load(self, model: str) -> None:
        """Load into memory; loading a loaded model does nothing."""
        await self._load(model, await self._model(model), self._slot(model))

    async def unload(self, model: str) -> None:
        """Free the memory. Raises ModelError while the model answers or someone waits for it."""
        slot = self._slot(model)
        found = await self._model(model)
        if slot.queue.busy or slot.queue.waiting:
            raise _in_use(model)
        async with slot.loading:
            try:
                await self._run(found.unload)
            except ModelError as error:
                if error.kind == "busy":
                    raise _in_use(model) from error
                raise

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        """Fetch a model of the catalog; cancelling the task stops it, and a later call resumes or starts again."""
        found = await self._model(model)
        slot = self._slot(model)
        if slot.percent is not None:
            raise ModelError(f"{model} is being downloaded already.", kind="unavailable")
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def heard(percent: float) -> None:
            slot.percent = percent
            loop.call_soon_threadsafe(progress, percent)

        slot.percent = 0.0
        work = asyncio.ensure_future(self._run(lambda: found.download(heard, stop)))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait({work}, timeout=_CLOSE_S)
            raise
        finally:
            slot.percent = None

    async def close(self) -> None:
        """Let go of the runtime; the last user of the process closes it."""
        if self._manager is not None:
            self._manager = None
            await asyncio.wait({asyncio.ensure_future(threaded(release))}, timeout=_CLOSE_S)

    async def _open(self) -> Any:
        async with self._opening:
            if self._manager is None:
                self._manager = await self._run(lambda: acquire(self._data_dir, self._catalog_urls))
        return self._manager

    async def _model(self, model: str) -> Any:
        found = self._models.get(model)
        if found is None:
            await self.models()
            found = self._models.get(model)
        if found is None:
            raise ModelError(f"Foundry Local knows no model {model!r}; see `tandem models list`.", kind="not_found")
        return found

    def _slot(self, model: str) -> _Slot:
        return self._slots.setdefault(model, _Slot())

    def _shown(self, info: ModelInfo) -> ModelInfo:
        slot = self._slots.get(info.id)
        if slot is None or slot.percent is None:
            return info
        return replace(info, state=ModelState.DOWNLOADING, note=f"{slot.percent:.0f} % downloaded.")

    async def _load(self, name: str, model: Any, slot: _Slot) -> None:
        async with slot.loading:
            if not await self._run(lambda: model.is_loaded):
                await self._run(model.load)
                slot.used = time.monotonic()

    async def _run(self, work: Callable[[], Any]) -> Any:
        try:
            return await threaded(work)
        except ModelError:
            raise
        except Exception as error:
            raise explained(error) from error


class _Call:
    """One generation: a thread drives the SDK, the event loop takes what it wrote.

    `ended` is called on the event loop when the SDK has really let go of the model: after `stop`, maybe much later.
    """

    def __init__(self, model: Any, request: ChatRequest, ended: Callable[[], None]) -> None:
        self._model = model
        self._request = request
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._items: deque[Chunk | Exception | None] = deque()
        self._stop = threading.Event()
        threading.Thread(target=self._drive, name="foundry-call", daemon=True).start()

    def stop(self) -> None:
        """Ask the generation to end; returns at once."""
        self._stop.set()

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        splitter, stops = Splitter(), _Stops(self._request.stop)
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._items:
                item = self._items.popleft()
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise explained(item) from item
                if item.finish_reason is not None:
                    answer, thinking = splitter.finish()
                    text = stops.push(answer) + stops.finish()
                    if text or thinking:
                        yield Chunk(text=text, reasoning=thinking)
                    yield item
                elif not item.text:
                    yield item
                else:
                    answer, thinking = splitter.push(item.text)
                    answer = stops.push(answer)
                    if answer or thinking:
                        yield Chunk(text=answer, reasoning=thinking)
                    if stops.hit:
                        self.stop()
                        yield Chunk(finish_reason="stop")
                        return

    def _drive(self) -> None:
        try:
            self._generate()
        except Exception as error:
            self._put(error)
        finally:
            self._call(self._ended)
            self._put(None)

    def _generate(self) -> None:
        from foundry_local_sdk import ChatSession, MessageItem, Request, RequestOptions, SearchOptions, TextItem

        asked = self._request
        roles = {"system": MessageItem.system, "user": MessageItem.user, "assistant": MessageItem.assistant}
        session: ChatSession
        with ChatSession(self._model) as session, Request() as request:  # type: ignore[assignment]
            session.set_streaming(True)
            search = SearchOptions(max_output_tokens=asked.max_tokens, temperature=asked.temperature, seed=asked.seed)
            request.set_options(RequestOptions(search=search))
            for message in asked.messages:
                request.add_item(roles[message.role](message.content.replace("\0", "")))
            budget = session.preflight_request(request)
            if not budget.fits:
                raise _too_long(asked.model, budget.deficit_tokens)
            if self._stop.is_set():
                return
            with session.process_streaming_request(request) as stream:
                self._put(Chunk())
                for item in stream:
                    if self._stop.is_set():
                        return
                    if isinstance(item, TextItem):
                        self._put(Chunk(text=item.text))
                with stream.final_response as final:
                    counted = final.get_usage()
                    usage = Usage(counted.prompt_tokens, counted.completion_tokens)
                    reason = final.finish_reason.name.lower()
                    self._put(Chunk(finish_reason=reason if reason in ("stop", "length") else "other", usage=usage))

    def _put(self, item: Chunk | Exception | None) -> None:
        self._items.append(item)
        if len(self._items) == 1:
            self._call(self._ready.set)

    def _call(self, function: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            log.debug("The event loop was closed before a generation ended")


class _Stops:
    """Cuts a stream at the first stop string; the runtime itself has no option for them."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._keep = max((len(stop) for stop in self._stops), default=1) - 1
        self._held = ""
        self.hit = False

    def push(self, text: str) -> str:
        if not self._stops:
            return text
        text = self._held + text
        cuts = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if cuts:
            self.hit, self._held = True, ""
            return text[: min(cuts)]
        cut = max(0, len(text) - self._keep)
        self._held = text[cut:]
        return text[:cut]

    def finish(self) -> str:
        held, self._held = self._held, ""
        return held


def _in_use(model: str) -> ModelError:
    return ModelError(f"{model} is answering now; unload it when it has finished.", kind="busy", retriable=True)


def _too_long(model: str, deficit: int) -> ModelError:
    return ModelError(
        f"the question and its passages are too long for {model}; ask for fewer passages or a shorter answer.",
        kind="too_long",
        deficit=max(1, deficit),
    )

"""One generation on the Foundry Local SDK: a thread drives it, the event loop takes what it wrote.

Knows sessions, requests and how they are stopped. Does not know queues, loading or catalogs.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, Usage
from hybrid.runtimes.foundry_sdk import TOO_LONG, explained
from hybrid.runtimes.reasoning_parser import Splitter
from hybrid.runtimes.stopping import Stopper

log = logging.getLogger(__name__)


class Call:
    """One generation, which begins at once.

    `ended` is called on the event loop when the SDK has really let go of the model: after `stop`, maybe much later.
    """

    def __init__(self, model: Any, request: ChatRequest, ended: Callable[[], None]) -> None:
        self._model = model
        self._request = request
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._items: deque[str | Chunk | Exception | None] = deque()
        self._stop = threading.Event()
        threading.Thread(target=self._drive, name="foundry-call", daemon=True).start()

    def stop(self) -> None:
        """Ask the generation to end; returns at once."""
        self._stop.set()

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        splitter, stops = Splitter(), Stopper(self._request.stop)
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._items:
                text = self._waiting_text()
                if text:
                    answer, thinking = splitter.push(text)
                    answer = stops.feed(answer)
                    if answer or thinking:
                        yield Chunk(text=answer, reasoning=thinking)
                    if stops.stopped:
                        self.stop()
                        yield Chunk(finish_reason="stop")
                        return
                    continue
                item = self._items.popleft()
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise explained(item) from item
                if isinstance(item, Chunk) and item.finish_reason is not None:
                    answer, thinking = splitter.finish()
                    text = stops.feed(answer) + stops.flush()
                    if text or thinking:
                        yield Chunk(text=text, reasoning=thinking)
                if isinstance(item, Chunk):
                    yield item

    def _waiting_text(self) -> str:
        """All the text that waits next, as one piece: a reader that lags catches up instead of falling behind."""
        pieces: list[str] = []
        while self._items and isinstance(self._items[0], str):
            pieces.append(str(self._items.popleft()))
        return "".join(pieces)

    def _drive(self) -> None:
        try:
            self._generate()
        except Exception as error:
            self._put(error)
        finally:
            self._call(self._ended)
            self._put(None)

    def _generate(self) -> None:
        from foundry_local_sdk import (
            ChatSession,
            FoundryLocalException,
            MessageItem,
            Request,
            RequestOptions,
            SearchOptions,
        )

        asked = self._request
        roles = {"system": MessageItem.system, "user": MessageItem.user, "assistant": MessageItem.assistant}
        session: ChatSession
        with ChatSession(self._model) as session, Request() as request:  # type: ignore[assignment]
            session.set_streaming(True)
            search = SearchOptions(max_output_tokens=asked.max_tokens, temperature=asked.temperature, seed=asked.seed)
            request.set_options(RequestOptions(search=search))
            for message in asked.messages:
                request.add_item(roles[message.role](message.content.replace("\0", "")))
            try:
                self._pass_on(session, request)
            except FoundryLocalException as error:
                if error.error_code != TOO_LONG:
                    raise
                raise _too_long(asked.model, session.preflight_request(request).deficit_tokens) from error

    def _pass_on(self, session: Any, request: Any) -> None:
        from foundry_local_sdk import TextItem

        if self._stop.is_set():
            return
        with session.process_streaming_request(request) as stream:
            self._put(Chunk())
            for item in stream:
                if self._stop.is_set():
                    return
                if isinstance(item, TextItem):
                    self._put(item.text)
            with stream.final_response as final:
                counted = final.get_usage()
                usage = Usage(counted.prompt_tokens, counted.completion_tokens)
                reason = final.finish_reason.name.lower()
                self._put(Chunk(finish_reason=reason if reason in ("stop", "length") else "other", usage=usage))

    def _put(self, item: str | Chunk | Exception | None) -> None:
        self._items.append(item)
        if len(self._items) == 1:
            self._call(self._ready.set)

    def _call(self, function: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            log.debug("The event loop was closed before a generation ended")


def _too_long(model: str, deficit: int) -> ModelError:
    return ModelError(
        f"the question and its passages are too long for {model}; ask for fewer passages or a shorter answer.",
        kind="too_long",
        deficit=max(1, deficit),
    )

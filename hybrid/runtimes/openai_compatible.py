"""Any server that speaks the OpenAI chat protocol: Ollama, llama.cpp, vLLM, LM Studio, a Foundry Local service.

Knows the protocol, its dialects and its accidents, and turns each accident into a sentence. Does not know which model
is asked for what, how long a call may take (`hybrid.answering.generation` does), or where a key comes from.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState, Phase
from hybrid.runtimes.capabilities import Dialects
from hybrid.runtimes.chat_client import Body, ChatClient, TooBusy
from hybrid.runtimes.chat_events import ChatEvents, ServerSaid
from hybrid.runtimes.circuit_breaker import Breaker
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.runtimes.openai_errors import Explainer, is_loading, of_library
from hybrid.runtimes.server_sent_events import EventParser, ServerEvent
from hybrid.settings import EndpointSettings, TimeoutSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = logging.getLogger(__name__)

_ATTEMPTS = 3
_LONGEST_WAIT_S = 8.0
_LOADING_S = 0.5
_WAKING_S = 0.3
_LIST_S = 10.0
_AFTER_FINISH_S = 1.0
_LATE_S = 0.5
_SAMPLE = 50
_CONTEXT = ("max_model_len", "loaded_context_length", "context_length", "max_context_length")
# So many streams at once are read a little less often, each time more: by far the most of a token's cost is its turn.
_CROWD = 16
_GATHER_S = 0.02
# What a server's list says of a model that is not in its memory yet: llama.cpp with many models, LM Studio.
_NOT_LOADED = {"unloaded", "not-loaded", "loading", "sleeping"}


class OpenAICompatible:
    """One endpoint. `assume` are the model names to offer where the server does not list its models; `memory` is the
    file in which it is kept what the models were found to understand. After `sign_of_life_s` without a token the server
    is asked whether it lives.
    """

    def __init__(
        self,
        endpoint: EndpointSettings,
        *,
        api_key: str = "",
        timeouts: TimeoutSettings | None = None,
        assume: Sequence[str] = (),
        memory: Path | None = None,
        sign_of_life_s: float = 10.0,
    ) -> None:
        self.name = endpoint.name
        self.base_url = endpoint.base_url.rstrip("/")
        self._api_key = api_key
        self._timeouts = timeouts or TimeoutSettings()
        self._assume = tuple(assume)
        self._sign_of_life_s = sign_of_life_s
        self._library: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self._explain = Explainer(self.name, self.base_url, endpoint.api_key_env, self._timeouts.connect)
        self._dialects = Dialects(self.base_url, memory)
        self.breaker = Breaker(f"{self.name} at {self.base_url}")
        self._client = ChatClient(
            f"{self.base_url}/chat/completions",
            api_key,
            self._timeouts.connect,
            trust_env=not is_loopback(self.base_url),
        )
        self._heard = float("-inf")
        self._reading = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """Ask, and pass on what comes. Before the first token a call that may succeed yet is tried again."""
        began = self.breaker.check()
        await self._open()
        yield Chunk(phase=Phase.SEND)
        woken = False
        attempt = 1
        while True:
            begun = False
            try:
                async with aclosing(self._watched(request)) as chunks:
                    async for chunk in chunks:
                        begun = begun or bool(chunk.text or chunk.reasoning)
                        yield chunk
                self.breaker.succeeded()
                return
            except ModelError as error:
                loading = isinstance(error.__cause__, ServerSaid) and is_loading(error.__cause__.said)
                if loading and error.retriable and not begun:
                    # It lives and says what it does; how long that may take is not this module's to say.
                    yield Chunk(phase=Phase.LOAD)
                    await asyncio.sleep(_LOADING_S)
                    continue
                if begun:
                    self.breaker.failed(error, began)
                    raise
                if error.kind == "reset" and not woken:
                    woken = True
                    waking = asyncio.ensure_future(self._wake(request.model))
                    try:
                        if not (await asyncio.wait({waking}, timeout=_WAKING_S))[0] or waking.result():
                            yield Chunk(phase=Phase.LOAD)
                        loaded = await waking
                    finally:
                        waking.cancel()
                    if loaded:
                        yield Chunk(phase=Phase.SEND)
                        attempt += 1
                        continue
                wait = _patience(error, attempt)
                if not error.retriable or attempt == _ATTEMPTS or wait > _LONGEST_WAIT_S:
                    self.breaker.failed(error, began)
                    raise
                log.info("%s: trying again in %.1f s after: %s", self.name, wait, error)
                await asyncio.sleep(wait)
                attempt += 1

    async def _watched(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """One call. While the first token is long in coming, the server is asked for a sign of life: one that gives
        none hangs. Only one that says so loads a model; any other reads the prompt."""
        loop = asyncio.get_running_loop()
        async with aclosing(self._once(request)) as chunks:
            waiting: asyncio.Future[Chunk | None] | None = None
            begun = False
            try:
                while not begun:
                    waiting = asyncio.ensure_future(anext(chunks, None))
                    while not (await asyncio.wait({waiting}, timeout=self._sign_of_life_s))[0]:
                        if loop.time() - self._heard >= self._sign_of_life_s and await self._loads(request.model):
                            yield Chunk(phase=Phase.LOAD)
                    chunk = waiting.result()
                    if chunk is None:
                        return
                    begun = bool(chunk.text or chunk.reasoning)
                    yield chunk
            finally:
                if waiting is not None:
                    waiting.cancel()
                    await asyncio.gather(waiting, return_exceptions=True)
            async for chunk in chunks:
                yield chunk

    async def _loads(self, model: str) -> bool:
        """Whether the server says that it is loading the model. Raises ModelError where it says nothing at all."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._sign_of_life_s):
                listed = await self.models()
        except (ModelError, TimeoutError) as error:
            if loop.time() - began > self._sign_of_life_s + _LATE_S:
                return False  # this process did not get to listening in time
            if isinstance(error, TimeoutError) or error.kind in ("refused", "timeout", "reset"):
                raise ModelError(
                    f"{self.name} at {self.base_url} hangs: it takes questions but does not answer; start it again.",
                    kind="timeout",
                ) from error
            return False
        self._heard = loop.time()
        return any(info.id == model and info.state is ModelState.CACHED for info in listed)

    async def _once(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """One request, in the dialect that the server understands."""
        import aiohttp

        dialect = self._dialects.of(request.model)
        opened = False
        while True:
            body = dialect.options(request)
            exchange = self._client.post(body)
            try:
                await exchange.sent()
                yield Chunk()
                response = await exchange.body()
                opened = True
                seen: list[Chunk] = []
                async with aclosing(self._read(response)) as chunks:
                    async for chunk in chunks:
                        if len(seen) < _SAMPLE or chunk.finish_reason:
                            seen.append(chunk)
                        yield chunk
                if dialect.learn(seen):
                    await asyncio.to_thread(self._dialects.save)
                return
            except ServerSaid as refusal:
                if refusal.status is None:
                    raise self._explain.event(refusal, request) from refusal
                if refusal.status not in (400, 422) or not dialect.learn_refusal(refusal.said, body):
                    raise self._explain.status(refusal, request) from refusal
            except TooBusy as error:
                raise self._explain.busy() from error
            except (aiohttp.ClientError, OSError) as error:
                raise self._explain.connection(error, opened=opened) from error
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise ModelError(
                    f"{self.name} sent something that is not the OpenAI protocol; check its address and version.",
                    kind="protocol",
                ) from error
            except (AttributeError, TypeError, KeyError, IndexError, ValueError) as error:
                log.warning("%s sent a chunk of an unknown shape: %r", self.name, error)
                raise ModelError(
                    f"{self.name} sent a message of an unknown shape; check its address and version.", kind="protocol"
                ) from error
            finally:
                await exchange.close()

    async def _read(self, response: Body) -> AsyncGenerator[Chunk, None]:
        """The chunks of one response. After the finish reason the server has a moment to send the usage, then we
        leave: some never close."""
        loop = asyncio.get_running_loop()
        events = ChatEvents()
        if not response.streamed:  # it was asked for a stream, and gave the whole answer or an error at once
            events.take(ServerEvent(await response.whole()))
            for chunk in events.end():
                yield chunk
            return
        parser = EventParser()
        async with aclosing(response.pieces()) as pieces, self._counted():
            while not events.done:
                try:
                    if events.finish is None:
                        piece = await anext(pieces)
                    else:
                        async with asyncio.timeout(_AFTER_FINISH_S):
                            piece = await anext(pieces)
                except TimeoutError:
                    break
                except StopAsyncIteration:
                    if (last := parser.finish()) is not None:
                        events.take(last)
                    break
                self._heard = loop.time()
                trouble = events.take_all(parser.feed(piece))
                for chunk in events.chunks():
                    yield chunk
                if trouble is not None:
                    raise trouble
                if self._reading > _CROWD and events.finish is None:
                    await asyncio.sleep(_GATHER_S)
        for chunk in events.end():
            yield chunk
        if events.done:
            await response.drain()

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self._reading += 1
        try:
            yield
        finally:
            self._reading -= 1

    async def models(self) -> list[ModelInfo]:
        """What the server lists; the assumed names where its list is missing, broken or empty (some servers answer for
        models that they do not list). Raises ModelError when it cannot be reached or lets nobody in.
        """
        import openai

        client = await self._open()
        infos: list[ModelInfo] = []
        try:
            async with asyncio.timeout(_LIST_S):
                page = await client.models.list()
            infos = [self._info(model) for model in page.data or [] if isinstance(model.id, str) and model.id]
        except (openai.NotFoundError, openai.InternalServerError):
            pass
        except openai.APIStatusError as error:
            raise self._explain.status(of_library(error), None) from error
        except openai.APIConnectionError as error:
            raise self._explain.connection(error, opened=False) from error
        except TimeoutError as error:
            raise ModelError(
                f"{self.name} at {self.base_url} did not list its models within {_LIST_S:g} s; check it.",
                kind="timeout",
                retriable=True,
            ) from error
        except (openai.APIError, json.JSONDecodeError, AttributeError, TypeError, ValueError) as error:
            raise ModelError(
                f"{self.name} at {self.base_url} does not speak the OpenAI protocol; does the address end in /v1?",
                kind="protocol",
            ) from error
        self.breaker.succeeded()
        infos = infos or [ModelInfo(id, id, self.name, ModelState.READY) for id in self._assume]
        unique = {info.id: info for info in reversed(infos) if info.id.casefold() != EXTRACTIVE}
        return [unique[id] for id in dict.fromkeys(info.id for info in infos) if id in unique]

    def _info(self, model: Any) -> ModelInfo:
        """A model as this server lists it: its context and size under the names that servers have for them."""
        found: dict[str, Any] = model.model_extra or {}
        kept = found.get("meta")
        meta: dict[str, Any] = kept if isinstance(kept, dict) else {}
        status = found.get("status")
        state = status.get("value") if isinstance(status, dict) else found.get("state") or status
        known = (meta.get("n_ctx"), *map(found.get, _CONTEXT), meta.get("n_ctx_train"))
        context = next((value for value in known if isinstance(value, int) and value > 0), None)
        size = meta.get("size")
        return ModelInfo(
            model.id,
            model.id,
            self.name,
            ModelState.CACHED if state in _NOT_LOADED else ModelState.READY,
            size_mb=round(size / 1e6) if isinstance(size, int) and size > 0 else None,
            context_length=context,
        )

    async def load(self, model: str) -> None:
        """Have the server load the model, where it knows how; others load on the first question."""
        await self._open()
        await self._wake(model)

    async def unload(self, model: str) -> None:
        raise ModelError(f"{self.name} unloads its models itself; stop them there.", kind="unavailable")

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        raise ModelError(f"{self.name} downloads its models itself; add {model} there.", kind="unavailable")

    async def close(self) -> None:
        await self._client.close()
        if self._library is not None:
            await self._library.close()
            self._library = None

    async def _open(self) -> AsyncOpenAI:
        """The client library, for all but the streams. It takes a while to import the first time, as does the lean
        client's, so that happens in a thread."""
        async with self._opening:
            if self._library is None:
                self._library = await asyncio.to_thread(self._make)
        return self._library

    def _make(self) -> AsyncOpenAI:
        # The client looks whether this older library is loaded, and stumbles when another thread has it half imported.
        import aiohttp  # noqa: F401
        import httpx  # noqa: F401
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

        client = AsyncOpenAI(
            base_url=self.base_url,
            api_key=self._api_key or "none",
            max_retries=0,
            timeout=Timeout(None, connect=self._timeouts.connect),
            http_client=DefaultAsyncHttpxClient(
                timeout=Timeout(None, connect=self._timeouts.connect), trust_env=not is_loopback(self.base_url)
            ),
        )
        client.organization = client.project = None
        return client

    async def _wake(self, model: str) -> bool:
        """Older Foundry Local services drop the connection until the model was loaded by this call."""
        root = self.base_url.removesuffix("/v1")
        try:
            async with asyncio.timeout(self._timeouts.first_token):
                return await self._client.get(f"{root}/models/load/{model}") < 300
        except Exception as error:
            log.debug("%s does not load models on request: %r", self.name, error)
            return False


def _patience(error: ModelError, attempt: int) -> float:
    """Seconds to wait before the next attempt: as the server asked, else twice as long each time, jittered."""
    if error.retry_after is not None:
        return max(0.0, error.retry_after)
    return random.uniform(0.5, 1.0) * 0.3 * 2.0 ** (attempt - 1)


def is_loopback(url: str) -> bool:
    """Whether the address is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

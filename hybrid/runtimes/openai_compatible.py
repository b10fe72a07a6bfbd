"""Any server that speaks the OpenAI chat protocol: Ollama, llama.cpp, vLLM, LM Studio, a Foundry Local service.

Knows the protocol, its dialects and its accidents, and turns each accident into a sentence. Does not know which model
is asked for what, how long a call may take (`hybrid.answering.generation` does), or where a key comes from.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState, Phase, Usage
from hybrid.runtimes.capabilities import Dialects
from hybrid.runtimes.circuit_breaker import Breaker
from hybrid.runtimes.openai_errors import Explainer, said_by
from hybrid.runtimes.reasoning_parser import Splitter
from hybrid.settings import EndpointSettings, TimeoutSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionChunk

log = logging.getLogger(__name__)

_ATTEMPTS = 3
_LONGEST_WAIT_S = 8.0
_LIST_S = 10.0
_AFTER_FINISH_S = 1.0
_SAMPLE = 50


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
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self._explain = Explainer(self.name, self.base_url, endpoint.api_key_env, self._timeouts.connect)
        self._dialects = Dialects(self.base_url, memory)
        self._breaker = Breaker(f"{self.name} at {self.base_url}")

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """Ask, and pass on what comes. Before the first token a call that may succeed yet is tried again."""
        self._breaker.check()
        client = await self._open()
        yield Chunk(phase=Phase.SEND)
        woken = False
        for attempt in range(1, _ATTEMPTS + 1):
            begun = False
            try:
                async with aclosing(self._watched(client, request)) as chunks:
                    async for chunk in chunks:
                        begun = begun or bool(chunk.text or chunk.reasoning)
                        yield chunk
                self._breaker.succeeded()
                return
            except ModelError as error:
                if begun:
                    self._breaker.failed(error)
                    raise
                if error.kind == "reset" and not woken:
                    woken = True
                    yield Chunk(phase=Phase.LOAD)
                    if await self._wake(client, request.model):
                        yield Chunk(phase=Phase.SEND)
                        continue
                wait = _patience(error, attempt)
                if not error.retriable or attempt == _ATTEMPTS or wait > _LONGEST_WAIT_S:
                    self._breaker.failed(error)
                    raise
                log.info("%s: trying again in %.1f s after: %s", self.name, wait, error)
                await asyncio.sleep(wait)

    async def _watched(self, client: AsyncOpenAI, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """One call. While the first token is long in coming, the server is asked for a sign of life: one that gives it
        loads its model, one that does not hangs."""
        async with aclosing(self._once(client, request)) as chunks:
            waiting: asyncio.Future[Chunk | None] | None = None
            begun = False
            try:
                while not begun:
                    waiting = asyncio.ensure_future(anext(chunks, None))
                    while not (await asyncio.wait({waiting}, timeout=self._sign_of_life_s))[0]:
                        await self._sign_of_life()
                        yield Chunk(phase=Phase.LOAD)
                    chunk = waiting.result()
                    if chunk is None:
                        return
                    begun = bool(chunk.text or chunk.reasoning)
                    yield chunk
            finally:
                if waiting is not None and not waiting.done():
                    waiting.cancel()
                    await asyncio.wait({waiting})
            async for chunk in chunks:
                yield chunk

    async def _sign_of_life(self) -> None:
        try:
            async with asyncio.timeout(self._sign_of_life_s):
                await self.models()
        except (ModelError, TimeoutError) as error:
            if isinstance(error, TimeoutError) or error.kind in ("refused", "timeout", "reset"):
                raise ModelError(
                    f"{self.name} at {self.base_url} hangs: it takes questions but does not answer; start it again.",
                    kind="timeout",
                ) from error

    async def _once(self, client: AsyncOpenAI, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        import openai

        stream = None
        try:
            stream = await self._create(client, request)
            yield Chunk()
            seen: list[Chunk] = []
            async with aclosing(_read(stream)) as chunks:
                async for chunk in chunks:
                    if len(seen) < _SAMPLE or chunk.finish_reason:
                        seen.append(chunk)
                    yield chunk
            if self._dialects.of(request.model).learn(seen):
                await asyncio.to_thread(self._dialects.save)
        except openai.APIStatusError as error:
            raise self._explain.status(error, request) from error
        except openai.APIConnectionError as error:
            raise self._explain.connection(error, opened=stream is not None) from error
        except openai.APIError as error:
            raise self._explain.event(error, request) from error
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
            if stream is not None:
                await stream.close()

    async def _create(self, client: AsyncOpenAI, request: ChatRequest) -> Any:
        import openai

        dialect = self._dialects.of(request.model)
        while True:
            body = dialect.options(request)
            try:
                return await client.chat.completions.create(**body)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not dialect.learn_refusal(said_by(error), body):
                    raise

    async def models(self) -> list[ModelInfo]:
        """What the server lists; the assumed names where its list is missing, broken or empty (some servers answer for
        models that they do not list). Raises ModelError when it cannot be reached or lets nobody in.
        """
        import openai

        client = await self._open()
        try:
            async with asyncio.timeout(_LIST_S):
                page = await client.models.list()
            ids = [model.id for model in page.data or [] if isinstance(model.id, str) and model.id] or self._assume
        except (openai.NotFoundError, openai.InternalServerError):
            ids = self._assume
        except openai.APIStatusError as error:
            raise self._explain.status(error, None) from error
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
        self._breaker.succeeded()
        return [ModelInfo(id, id, self.name, ModelState.READY) for id in dict.fromkeys(ids)]

    async def load(self, model: str) -> None:
        """Have the server load the model, where it knows how; others load on the first question."""
        await self._wake(await self._open(), model)

    async def unload(self, model: str) -> None:
        raise ModelError(f"{self.name} unloads its models itself; stop them there.", kind="unavailable")

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        raise ModelError(f"{self.name} downloads its models itself; add {model} there.", kind="unavailable")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _open(self) -> AsyncOpenAI:
        """The client. The library takes a while to import the first time, so that happens in a thread."""
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(self._make)
        return self._client

    def _make(self) -> AsyncOpenAI:
        # The client looks whether this older library is loaded, and stumbles when another thread has it half imported.
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

    async def _wake(self, client: AsyncOpenAI, model: str) -> bool:
        """Older Foundry Local services drop the connection until the model was loaded by this call."""
        root = self.base_url.removesuffix("/v1")
        try:
            async with asyncio.timeout(self._timeouts.first_token):
                response = await client._client.get(f"{root}/models/load/{model}")
            return bool(response.is_success)
        except Exception as error:
            log.debug("%s does not load models on request: %r", self.name, error)
            return False


async def _read(stream: Any) -> AsyncGenerator[Chunk, None]:
    """The chunks of one response. After the finish reason the server has a moment to send the usage, then we leave."""
    splitter = Splitter()
    finish: str | None = None
    usage: Usage | None = None
    tools = written = False
    while True:
        try:
            if finish is None:
                event = await anext(stream)
            else:
                async with asyncio.timeout(_AFTER_FINISH_S):
                    event = await anext(stream)
        except (StopAsyncIteration, TimeoutError):
            break
        usage = _usage(event) or usage
        if not event.choices:
            continue
        choice = event.choices[0]
        chunk, tool = _chunk(choice, splitter)
        tools = tools or tool
        if chunk is not None:
            written = written or bool(chunk.text)
            yield chunk
        finish = choice.finish_reason or finish
    answer, thinking = splitter.finish()
    if answer or thinking:
        yield Chunk(text=answer, reasoning=thinking)
    if tools and not (written or answer):
        raise ModelError("it wanted to call a tool instead of answering; choose another model.", kind="protocol")
    yield Chunk(finish_reason=finish if finish in ("stop", "length") else "other", usage=usage)


def _chunk(choice: Any, splitter: Splitter) -> tuple[Chunk | None, bool]:
    delta = choice.delta
    if delta is None:
        return None, False
    extra = delta.model_extra or {}
    thought = extra.get("reasoning_content") or extra.get("reasoning") or ""
    answer, thinking = splitter.push(delta.content) if delta.content else ("", "")
    if not (answer or thinking or thought):
        return None, bool(delta.tool_calls)
    logprobs: tuple[float, ...] = ()
    if answer and choice.logprobs is not None and choice.logprobs.content:
        logprobs = tuple(token.logprob for token in choice.logprobs.content)
    return Chunk(text=answer, reasoning=str(thought) + thinking, logprobs=logprobs), bool(delta.tool_calls)


def _usage(event: ChatCompletionChunk) -> Usage | None:
    counted = event.usage
    if counted is None or counted.completion_tokens is None:
        return None
    thought = counted.completion_tokens_details
    cached = counted.prompt_tokens_details
    return Usage(
        prompt_tokens=counted.prompt_tokens or 0,
        completion_tokens=counted.completion_tokens,
        reasoning_tokens=(thought.reasoning_tokens or 0) if thought else 0,
        cached_tokens=(cached.cached_tokens or 0) if cached else 0,
    )


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

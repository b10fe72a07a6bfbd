"""A runtime that recites: known text at a known speed, for benchmarks, demonstrations and tests.

Knows scripts and clocks. Does not know any model.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState, Phase, Usage

_TOKEN = re.compile(r"\s*\S+|\s+$")
_BREATH = 64


@dataclass(frozen=True, slots=True)
class Script:
    """What one model says and how fast.

    `text` may be a function of the request. `tokens_per_second` None: as fast as possible. `load_s` and `first_token_s`
    delay the first token in the phases load and send; `prefill_per_second` lets the model read the prompt at that many
    tokens a second, but for the beginning that it has read just before. `error` is raised after `error_after` tokens. A
    token is a word with the blanks before it.
    """

    text: str | Callable[[ChatRequest], str] = ""
    reasoning: str = ""
    tokens_per_second: float | None = None
    first_token_s: float = 0.0
    prefill_per_second: float | None = None
    load_s: float = 0.0
    finish_reason: str | None = "stop"
    error: ModelError | None = None
    error_after: int = 0
    logprob: float | None = None


class Scripted:
    """A runtime whose models are scripts, by model id."""

    def __init__(self, scripts: Mapping[str, Script], name: str = "scripted") -> None:
        self.name = name
        self.scripts = dict(scripts)
        self.requests: list[ChatRequest] = []
        self.active = 0
        self._read: dict[str, list[str]] = {}

    def forget(self) -> None:
        """Empty the models' prefix caches."""
        self._read.clear()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """The script, one chunk per token, cut at `max_tokens`. Raises ModelError where the script says so."""
        script = self.scripts.get(request.model)
        if script is None:
            raise ModelError(f"There is no script called {request.model!r}.", kind="not_found")
        self.requests.append(request)
        self.active += 1
        try:
            prompt = [token for message in request.messages for token in _TOKEN.findall(message.content)]
            cached = _common(self._read.get(request.model, []), prompt) if script.prefill_per_second else 0
            async for chunk in _recite(script, request, len(prompt), cached):
                if chunk.text or chunk.reasoning or chunk.finish_reason:
                    self._read[request.model] = prompt
                yield chunk
        finally:
            self.active -= 1

    async def models(self) -> list[ModelInfo]:
        return [ModelInfo(model, model, self.name, ModelState.READY) for model in self.scripts]

    async def load(self, model: str) -> None:
        """Always loaded."""

    async def unload(self, model: str) -> None:
        raise ModelError("A script cannot be unloaded.", kind="unavailable")

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        raise ModelError("A script needs no download.", kind="unavailable")

    async def close(self) -> None:
        """Nothing is held."""


def _common(before: list[str], now: list[str]) -> int:
    """How many tokens two prompts begin with alike; the last is always read anew, as real servers do."""
    alike = 0
    for a, b in zip(before, now[:-1], strict=False):
        if a != b:
            break
        alike += 1
    return alike


async def _recite(script: Script, request: ChatRequest, prompt: int, cached: int) -> AsyncGenerator[Chunk, None]:
    text = script.text if isinstance(script.text, str) else script.text(request)
    thoughts = _TOKEN.findall(script.reasoning)
    words = _TOKEN.findall(text)
    tokens = [(word, True) for word in thoughts] + [(word, False) for word in words]
    cut = len(tokens) > request.max_tokens
    if script.load_s:
        yield Chunk(phase=Phase.LOAD)
        await asyncio.sleep(script.load_s)
    yield Chunk(phase=Phase.SEND)
    reading = script.first_token_s
    if script.prefill_per_second:
        reading += (prompt - cached) / script.prefill_per_second
    if reading:
        yield Chunk()
        await asyncio.sleep(reading)
    clock = asyncio.get_running_loop()
    zero = clock.time()
    logprobs = () if script.logprob is None else (script.logprob,)
    for number, (word, thought) in enumerate(tokens[: request.max_tokens]):
        if script.error is not None and number >= script.error_after:
            raise script.error
        if script.tokens_per_second:
            wait = zero + number / script.tokens_per_second - clock.time()
            if wait > 0:
                await asyncio.sleep(wait)
        elif number % _BREATH == _BREATH - 1:
            await asyncio.sleep(0)
        yield Chunk(reasoning=word) if thought else Chunk(text=word, logprobs=logprobs)
    if script.error is not None:
        raise script.error
    done = min(len(tokens), request.max_tokens)
    thought_of = min(len(thoughts), done)
    caching = bool(script.prefill_per_second)
    usage = Usage(prompt, done, reasoning_tokens=thought_of, cached_tokens=cached, caching=caching)
    yield Chunk(finish_reason="length" if cut else script.finish_reason, usage=usage)

"""The events of one streamed chat completion as chunks: text, thinking, how it ended, what it used.

Knows the protocol's objects and what servers make of them: thinking under two names, text in parts, errors amid a
stream, usage with or without details. Text that came together stays together, so that a reader who is late has less to
do, not more. Does not know how bytes become events, nor connections.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import orjson

from hybrid.errors import ModelError
from hybrid.runtimes.base import Chunk, Usage
from hybrid.runtimes.reasoning_parser import Splitter
from hybrid.runtimes.server_sent_events import ServerEvent

_ENDS = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
}


class ServerSaid(Exception):
    """An error that the server sent in place of an answer or amid it, in its own words.

    `status` is HTTP's; None for an event of a stream. `retry_after` are the seconds the server asks for.
    """

    def __init__(self, said: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(said)
        self.said = said
        self.status = status
        self.retry_after = retry_after


class ChatEvents:
    """Take in the events of one stream with `take`; `chunks` hands out what they came to since the last time."""

    def __init__(self) -> None:
        self.finish: str | None = None
        self.done = False
        self._usage: Usage | None = None
        self._cached: int | None = None
        self._splitter = Splitter()
        self._text: list[str] = []
        self._logprobs: list[float] = []
        self._thoughts: list[str] = []
        self._ready: list[Chunk] = []
        self._tools = self._written = False

    def take(self, event: ServerEvent) -> None:
        """Raises ServerSaid for an error, and what parsing raises for what is no completion."""
        if event.data.strip() == b"[DONE]":
            self.done = True
            return
        found = parsed(event.data)
        if event.name == "error" or (found.get("error") and not found.get("choices")):
            raise ServerSaid(said_in(found))
        self._count(found)
        for choice in found.get("choices") or ()[:1]:
            delta = choice.get("delta") or choice.get("message")
            if delta is not None:
                self._add(delta, choice.get("logprobs"))
            self.finish = choice.get("finish_reason") or self.finish

    def take_all(self, events: Iterable[ServerEvent]) -> Exception | None:
        """Take in events up to the one that `take` refuses; why, or None. What came before it is an answer's text."""
        try:
            for event in events:
                self.take(event)
        except Exception as error:
            return error
        return None

    def chunks(self) -> list[Chunk]:
        """What came since the last time: text and thinking in their order, as few chunks as there are turns."""
        self._close()
        ready, self._ready = self._ready, []
        return ready

    def end(self) -> list[Chunk]:
        """What was held back, and the last chunk. Raises ModelError where the model did not mean to answer."""
        answer, thinking = self._splitter.finish()
        self._put(answer, thinking)
        if self._tools and not self._written:
            raise ModelError("it wanted to call a tool instead of answering; choose another model.", kind="protocol")
        ended = _ENDS.get(str(self.finish), "other")
        return [*self.chunks(), Chunk(finish_reason=ended, usage=self._usage)]

    def _add(self, delta: dict[str, Any], logprobs: dict[str, Any] | None) -> None:
        thought = delta.get("reasoning_content") or delta.get("reasoning") or ""
        content = delta.get("content") or ""
        if not isinstance(content, str):
            content, more = _parts(content)
            thought = thought + more
        answer, thinking = self._splitter.push(content) if content else ("", "")
        self._put(answer, thought + thinking)
        if delta.get("tool_calls"):
            self._tools = True
        if answer and logprobs:
            found = (token.get("logprob") for token in logprobs.get("content") or ())
            self._logprobs += [value for value in found if isinstance(value, float | int) and not math.isnan(value)]

    def _put(self, answer: str, thinking: str) -> None:
        if thinking:
            if self._text:
                self._close()
            self._thoughts.append(thinking)
        if answer:
            if self._thoughts:
                self._close()
            self._written = True
            self._text.append(answer)

    def _close(self) -> None:
        if self._text:
            self._ready.append(Chunk(text="".join(self._text), logprobs=tuple(self._logprobs)))
            self._text.clear()
            self._logprobs.clear()
        elif self._thoughts:
            self._ready.append(Chunk(reasoning="".join(self._thoughts)))
            self._thoughts.clear()

    def _count(self, found: dict[str, Any]) -> None:
        timings = found.get("timings")
        if timings:
            self._cached = timings.get("cache_n", self._cached)
        counted = found.get("usage")
        if not counted or counted.get("completion_tokens") is None:
            return
        thought = counted.get("completion_tokens_details") or {}
        prompt = counted.get("prompt_tokens_details") or {}
        cached = prompt.get("cached_tokens") or counted.get("prompt_cache_hit_tokens") or self._cached or 0
        told = self._cached is not None or "cached_tokens" in prompt or "prompt_cache_hit_tokens" in counted
        self._usage = Usage(
            prompt_tokens=int(counted.get("prompt_tokens") or 0),
            completion_tokens=int(counted["completion_tokens"]),
            reasoning_tokens=int(thought.get("reasoning_tokens") or 0),
            cached_tokens=int(cached),
            caching=told,
        )


def parsed(data: bytes) -> dict[str, Any]:
    """A JSON object. The fast parser takes neither NaN nor half of a surrogate pair, both of which servers send."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        found = json.loads(data)
    if not isinstance(found, dict):
        raise TypeError(f"{type(found).__name__} in place of an object")
    return found


def said_in(found: Any) -> str:
    """The words of an error object, whichever of the usual shapes it has; "" where it has none."""
    if isinstance(found, str):
        return found
    if isinstance(found, list):
        return "; ".join(filter(None, (said_in(item) for item in found[:3])))
    if isinstance(found, dict):
        for key in ("error", "message", "detail", "msg"):
            if found.get(key) and (said := said_in(found[key])):
                return said
    return ""


def _parts(content: list[dict[str, Any]]) -> tuple[str, str]:
    """Text and thinking of a content that comes in typed parts."""
    text, thoughts = "", ""
    for part in content:
        if part.get("type") == "thinking":
            inner = part.get("thinking") or ""
            thoughts += inner if isinstance(inner, str) else _parts(inner)[0]
        else:
            text += part.get("text") or ""
    return text, thoughts

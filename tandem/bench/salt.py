"""Prompts that no cache has read before, and what it saves when one has.

Knows how a prompt is made new, and how a pair of requests is compared. Does not know how a request is measured.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from statistics import median

from hybrid.runtimes.base import ChatRequest
from rag.types import Message
from tandem.bench.measure import Job, Sample
from tandem.bench.schema import PrefixCache, Request

PAIRS = 3
LONG_CHARS = 2000


class Salt:
    """Makes requests new: the first words of each differ from those of every other, of this run and of earlier ones."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(3)
        self._number = 0

    def new(self, request: ChatRequest) -> ChatRequest:
        """The request with a number in front, where prefix caches begin to compare."""
        self._number += 1
        first, *rest = request.messages
        salted = Message(first.role, f"Request {self._run}-{self._number}.\n\n{first.content}")
        return replace(request, messages=(salted, *rest))


async def prefix_cache(request: ChatRequest, salt: Salt, ask: Callable[[Job], Awaitable[Sample]]) -> PrefixCache | None:
    """Ask new prompts of some length twice in a row; None where an answer fails or its first token is not seen."""
    *before, last = request.messages
    long = last.content
    while len(long) < LONG_CHARS:
        long += f"\n{last.content}"
    asked = replace(request, messages=(*before, Message(last.role, long)), max_tokens=2)
    cold: list[Request] = []
    warm: list[Request] = []
    for number in range(PAIRS):
        salted = salt.new(asked)
        for found in (cold, warm):
            sample = await ask(Job("prefix cache", number, salted))
            record = sample.record(sample.due)
            if record.failure is not None or record.first_token_ms is None:
                return None
            found.append(record)
    return PrefixCache(
        prompt_tokens=warm[-1].prompt_tokens,
        cached_tokens=warm[-1].cached_tokens,
        cold_ms=round(median(one.first_token_ms or 0.0 for one in cold), 1),
        warm_ms=round(median(one.first_token_ms or 0.0 for one in warm), 1),
    )


def told(model: str, found: PrefixCache) -> str:
    """The sentence about it; every other first token of a report is of a prompt that was new."""
    text = f"{model}: the first token of a prompt read just before comes after {found.warm_ms:.0f} ms"
    text += f", of a new one after {found.cold_ms:.0f} ms"
    if not found.cached_tokens:
        return f"{text}; the server reports no cached tokens."
    return f"{text}; {found.cached_tokens} of {found.prompt_tokens} tokens came from the cache."

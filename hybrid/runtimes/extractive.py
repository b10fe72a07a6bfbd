"""The runtime that needs no model: it answers with the stretches of the passages that answer best, each cited.

Knows how quotes become an answer. Does not know any model, and never writes a sentence of its own but the refusal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState, Phase, Usage
from rag.grounding import extractive
from rag.grounding.quoting import Composer
from rag.text import phrases

NAME = "extractive"
MAX_WORDS = 115


class Extractive:
    """Quotes. Ready on any machine, within milliseconds; says that the documents hold no answer where that is so."""

    name = NAME

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """The answer block by block, the best first; the last chunk has it checked: it is quoted from its sources."""
        yield Chunk(phase=Phase.SEND)
        composer = await asyncio.to_thread(compose, request) if request.answerable else _refusal(request)
        for block in composer.blocks:
            yield Chunk(text=block)
        yield Chunk(finish_reason="stop", usage=Usage(0, 0), checked=composer.checked())

    async def models(self) -> list[ModelInfo]:
        return [ModelInfo(NAME, NAME, NAME, ModelState.READY, note="Quotes the documents; needs no model.")]

    async def load(self, model: str) -> None:
        """Always loaded."""

    async def unload(self, model: str) -> None:
        raise ModelError("The extractive runtime has nothing to unload.", kind="unavailable")

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        raise ModelError("The extractive runtime needs no download.", kind="unavailable")

    async def close(self) -> None:
        """Nothing is held."""


def compose(request: ChatRequest) -> Composer:
    """The quotes that answer, or the refusal where no passage says anything."""
    composer = Composer(request.passages)
    for span in extractive.spans(request.question, request.passages, max_words=MAX_WORDS):
        composer.quote(span)
    return composer if composer.blocks else _refusal(request)


def _refusal(request: ChatRequest) -> Composer:
    composer = Composer(request.passages)
    composer.say(phrases.refusal(request.language, request.passages[:3]))
    return composer

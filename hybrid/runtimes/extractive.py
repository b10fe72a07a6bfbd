"""The runtime that needs no model: it answers with the sentences of the passages that answer best, each cited.

Knows how to put quotes in order. Does not know any model, and never writes a sentence of its own but the refusal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState, Phase, Usage
from rag.grounding import extractive
from rag.text import phrases

NAME = "extractive"
MAX_WORDS = 60


class Extractive:
    """Quotes. Ready on any machine, within milliseconds; says that the documents hold no answer where that is so."""

    name = NAME

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """One chunk per quoted sentence, in the order of the documents' relevance."""
        yield Chunk(phase=Phase.SEND)
        quotes = (
            await asyncio.to_thread(extractive.quote, request.question, request.passages, max_words=MAX_WORDS)
            if request.answerable
            else []
        )
        if quotes:
            pieces = [cited(quote.text, quote.passage + 1) for quote in quotes]
        else:
            pieces = [phrases.refusal(request.language, request.passages[:3])]
        for number, piece in enumerate(pieces):
            yield Chunk(text=piece if number == 0 else f" {piece}")
        yield Chunk(finish_reason="stop", usage=Usage(0, 0))

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


def cited(sentence: str, number: int) -> str:
    """The sentence on one line, with the marker `[number]` before its closing punctuation.

    >>> cited("Annual leave is 25 days.", 2)
    'Annual leave is 25 days [2].'
    """
    line = " ".join(sentence.split())
    body = line.rstrip(".!?…。")
    return f"{body} [{number}]{line[len(body) :] or '.'}"

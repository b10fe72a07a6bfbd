"""What Tandem answers without a model, given files: they are indexed, searched and quoted as in the product."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.extractive import Extractive
from rag.library import Library
from rag.settings import RetrievalSettings


def answered(folder: Path, data_dir: Path, question: str) -> str:
    """The quoting runtime's answer to a question about the files of a folder."""
    settings = RetrievalSettings()
    library = Library.open(data_dir, settings, write=True)
    try:
        library.sync([folder])
        found = library.search(question)
    finally:
        library.close()
    request = ChatRequest(
        model="extractive",
        messages=(),
        question=question,
        passages=found.passages,
        max_tokens=200,
        language=found.language,
        answerable=found.confidence >= settings.minimum_confidence,
    )

    async def answer() -> str:
        return "".join([chunk.text async for chunk in Extractive().stream(request)])

    return asyncio.run(answer())

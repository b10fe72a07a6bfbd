"""Answers questions about an organisation's own documents with a small local model, and a large one where it pays.

As a library:

    import tandem

    with tandem.open("handbook") as library:
        library.index()
        print(library.ask("How many days of holiday do I have?").answer.text)

What stands in `__all__` is public: it keeps its meaning within a major version. Everything is imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid.events import (
        Answer,
        Decided,
        Delta,
        Event,
        Failed,
        Finished,
        Notice,
        Progress,
        Retrieved,
        StageBegan,
        StageEnded,
    )
    from hybrid.question import Options, Question, Turn
    from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, Runtime
    from rag.errors import UserFacingError
    from rag.principal import Principal
    from rag.retrieval.retriever import Retriever
    from rag.types import CheckedAnswer, CheckedSentence, Passage, SearchResult
    from tandem.embedded import Tandem, open
    from tandem.settings import Settings

_HOMES = {
    "hybrid.events": (
        *("Answer", "Decided", "Delta", "Event", "Failed", "Finished", "Notice", "Progress", "Retrieved"),
        *("StageBegan", "StageEnded"),
    ),
    "hybrid.question": ("Options", "Question", "Turn"),
    "hybrid.runtimes.base": ("ChatRequest", "Chunk", "ModelInfo", "Runtime"),
    "rag.errors": ("UserFacingError",),
    "rag.principal": ("Principal",),
    "rag.retrieval.retriever": ("Retriever",),
    "rag.types": ("CheckedAnswer", "CheckedSentence", "Passage", "SearchResult"),
    "tandem.embedded": ("Tandem", "open"),
    "tandem.settings": ("Settings",),
}
_WHERE = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "ChatRequest",
    "CheckedAnswer",
    "CheckedSentence",
    "Chunk",
    "Decided",
    "Delta",
    "Event",
    "Failed",
    "Finished",
    "ModelInfo",
    "Notice",
    "Options",
    "Passage",
    "Principal",
    "Progress",
    "Question",
    "Retrieved",
    "Retriever",
    "Runtime",
    "SearchResult",
    "Settings",
    "StageBegan",
    "StageEnded",
    "Tandem",
    "Turn",
    "UserFacingError",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'tandem' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)

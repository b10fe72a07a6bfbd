"""One question under way, and what its stages share.

Knows the question, the plan, what was found, and who failed. Does not know the stages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from hybrid.answering.numbering import numbers
from hybrid.answering.reading import Reading
from hybrid.conversations import MOST_BEHIND, arranged
from hybrid.engine import Engine, Plan
from hybrid.errors import ModelError
from hybrid.question import Question
from hybrid.runtimes.base import ChatRequest, Runtime
from hybrid.tracing.trace import Trace
from rag.retrieval.retriever import Rereading
from rag.text import framing
from rag.types import Message, Passage, ReadEach, SearchResult


@dataclass(slots=True)
class Task:
    """`given` says that the passages were chosen by somebody else and all matter, as for a brief; `failed` has the
    models that could not answer, and why; `shown` has, by model, the passages of the conversation's last prompt.
    """

    question: Question
    plan: Plan
    found: SearchResult
    engine: Engine
    trace: Trace
    reading: Reading
    given: bool = False
    shown: Mapping[str, tuple[Passage, ...]] = field(default_factory=dict)
    failed: dict[str, ModelError] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """The question's; of a question too short to tell, the language of what it found."""
        return self.found.language or next((passage.language for passage in self.found.passages), "")

    @property
    def answerable(self) -> bool:
        """Whether the search found enough to answer from."""
        if self.reading.reply is not None:
            return True
        return bool(self.found.passages) and self.found.confidence >= self.engine.minimum_confidence

    @property
    def read(self) -> ReadEach | None:
        """Reads passages together with the question, as `rag.retrieval.readings.Readings` does, if who searched can."""
        if not isinstance(self.engine.retriever, Rereading):
            return None
        return partial(self.engine.retriever.readings.read, self.found.query, self.found.language)

    def refiner(self, drafted_by: str) -> tuple[Runtime, str] | None:
        """Who refines, if it is there and did not write the draft itself."""
        if drafted_by == self.plan.refine or self.plan.refine in self.failed:
            return None
        try:
            return self.engine.models.resolve(self.plan.refine)
        except ModelError:
            return None

    def arranged(self, model: str, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """The passages of a model's prompt in its order: those of the prompt before it stand first."""
        if self.given:
            return tuple(passages)
        behind = MOST_BEHIND if len(self.reading.parts) < 2 else math.inf
        keep = len(passages) == len(self.found.passages) and self.engine.conversations.caches(model)
        return arranged(passages, self.shown.get(model, ()), keep=keep, behind=behind)

    def request(
        self, model: str, messages: tuple[Message, ...], passages: tuple[Passage, ...], shown: Sequence[Passage]
    ) -> ChatRequest:
        """What a model is asked with these messages, which number the passages as `shown`."""
        generation = self.plan.generation
        return ChatRequest(
            model=model,
            messages=messages,
            question=self.found.query or self.question.text,
            typed=framing.unframed(self.question.text),
            passages=passages,
            numbers=numbers(shown, passages),
            answerable=self.answerable,
            confidence=self.found.confidence,
            sure=self.engine.sure_confidence,
            parts=self.reading.parts,
            reply=self.reading.reply,
            topic=self.reading.topic,
            language=self.language,
            likes=self.found.likes,
            read=self.read,
            max_tokens=generation.max_tokens,
            temperature=generation.temperature,
            seed=generation.seed,
            user=self.question.user,
        )

"""Tries a model on two questions and two passages before it is relied on: is it grounded, does it refuse, how fast?

Knows the questions, what a right answer holds, and when a model is of no use at all: one whose tokenizer cuts words to
pieces, or that goes round in circles. Does not know how a model came here, nor who is told.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass

import regex

from hybrid.errors import ModelError
from hybrid.policies import degeneration
from hybrid.runtimes.base import ChatRequest, Runtime
from rag import prompts
from rag.text import phrases
from rag.types import Passage

_TEXTS = (
    ("Disks", "At least 25 GB of the disk must remain free after a model has been downloaded to a workstation."),
    ("Visitors", "Visitors sign the book at the front desk and wear a badge until they leave the building."),
)
_PASSAGES = tuple(
    Passage(str(n), "check", text, 0, len(text), headings=(about,)) for n, (about, text) in enumerate(_TEXTS)
)
_ANSWERABLE = ("How much of the disk must remain free after a download?", "25")
_UNANSWERABLE = "Which colour is the roof of the railway station in Lyon?"
_MOST_TOKENS, _TOKENS_PER_WORD = 48, 3.0
_DRAFT_TOKENS, _PROMPT_TOKENS, _QUICK_S = 100, 1000, 0.5
LONG_S = 30.0
"""A refinement that takes longer is not worth the wait."""
_WORD = regex.compile(r"[\p{L}\p{N}]+|[^\s\p{L}\p{N}]")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a model did: `draft_s` is the time that a hundred tokens in answer to a usual prompt would take, of which
    `first_s` pass before the first word.
    """

    alias: str
    grounded: bool
    refuses: bool
    first_s: float
    draft_s: float

    @property
    def told(self) -> str:
        """The same in one sentence."""
        right = "answers from the passages" if self.grounded else "does not answer from the passages (they are quoted)"
        denies = "says when they hold no answer" if self.refuses else "does not say when they hold none (Tandem does)"
        return f"{self.alias} drafts in about {self.seconds} s; it {right} and {denies}."

    @property
    def seconds(self) -> int:
        """Of an answer, in whole seconds, at least one."""
        return max(1, round(self.draft_s))


def together(draft: Checked, refine: Checked) -> str:
    """What a pair of models can do on this machine, in one sentence."""
    off = ": leave it off" if refine.draft_s > LONG_S else ""
    return f"Drafts come in about {draft.seconds} s, refining takes about {refine.seconds} s{off}."


@dataclass(frozen=True, slots=True)
class _Tried:
    text: str
    prompt_tokens: int | None
    first_s: float
    per_token_s: float


async def check(runtime: Runtime, model: str, alias: str) -> Checked:
    """Try `model`. Raises ModelError where it does not answer, and of kind "refused" where it is of no use."""
    question, fact = _ANSWERABLE
    known = await _try(runtime, model, question, _PASSAGES)
    unknown = await _try(runtime, model, _UNANSWERABLE, _PASSAGES[::-1])  # so that no prefix cache has read it
    words = sum(len(_WORD.findall(message.content)) for message in prompts.draft_messages(question, _PASSAGES))
    grounded = fact in known.text
    if not grounded and (known.prompt_tokens or 0) > _TOKENS_PER_WORD * words:  # some rightly read by letters
        raise ModelError(
            f"{alias} makes {known.prompt_tokens} tokens of {words} words: its tokenizer is damaged; "
            "convert or download the model again.",
            kind="refused",
        )
    if not known.text.strip() or not unknown.text.strip():
        raise ModelError(f"{alias} wrote nothing.", kind="refused")
    if all(degeneration.LOOP in degeneration.sound(one.text).faults for one in (known, unknown)):
        raise ModelError(f"{alias} only repeats itself; choose another model, or convert it again.", kind="refused")
    first_s = unknown.first_s
    if first_s > _QUICK_S:  # what is slow is reading, and prompts are longer than these
        first_s *= max(1.0, _PROMPT_TOKENS / (unknown.prompt_tokens or words))
    per_token_s = max(known.per_token_s, unknown.per_token_s)
    return Checked(alias, grounded, phrases.is_refusal(unknown.text), first_s, first_s + _DRAFT_TOKENS * per_token_s)


async def _try(runtime: Runtime, model: str, question: str, passages: tuple[Passage, ...]) -> _Tried:
    request = ChatRequest(
        model,
        prompts.draft_messages(question, passages, language="en"),
        question=question,
        passages=passages,
        max_tokens=_MOST_TOKENS,
        temperature=0.0,
        seed=1,
        user="check",
    )
    pieces: list[str] = []
    usage = None
    began, first = time.monotonic(), None
    async with aclosing(runtime.stream(request)) as chunks:
        async for chunk in chunks:
            if (chunk.text or chunk.reasoning) and first is None:
                first = time.monotonic()
            pieces.append(chunk.text)
            usage = chunk.usage or usage
    ended = time.monotonic()
    text = "".join(pieces)
    first = ended if first is None else first
    counted = usage if usage is not None and not usage.estimated else None
    written = counted.completion_tokens if counted is not None else len(pieces)
    return _Tried(
        text, counted.prompt_tokens if counted is not None else None, first - began, (ended - first) / max(1, written)
    )

"""Remembers what each conversation's prompts held, so that the next prompt begins as the last one did and a server's
prefix cache holds most of it.

Knows conversations, the passages that each model was shown in them and in which order, what was rightly said in them,
and which servers keep a prefix cache. Does not know prompts' wording, and never brings back a passage that the library
no longer has as it was. All in memory, bounded; what is forgotten costs time, not an answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hybrid.question import Question
from hybrid.runtimes.base import Usage
from rag.principal import Principal
from rag.retrieval.retriever import Catalogued
from rag.types import CheckedAnswer, Passage, Support

MOST_SHOWN = 8
"""How many passages a prompt may hold where earlier ones are kept for the cache's sake."""
MOST_BEHIND = 3.0
"""How far behind the best, by the search's scores, a passage may lie that a follow-up adds to those; what lies farther
behind seldom answers it and has to be read anew.
"""
_CONVERSATIONS, _ANSWERS, _MODELS = 500, 4, 100


_Key = tuple[Principal, str]


@dataclass(slots=True)
class _Remembered:
    shown: OrderedDict[str, tuple[Passage, ...]] = field(default_factory=OrderedDict)
    said: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict)


class Conversations:
    """The conversations of one engine, the latest of them."""

    def __init__(self) -> None:
        self._remembered: OrderedDict[_Key, _Remembered] = OrderedDict()
        self._caching: OrderedDict[str, None] = OrderedDict()

    def shown(self, question: Question, retriever: object) -> dict[str, tuple[Passage, ...]]:
        """By model, the passages of the conversation's last prompt in their order, as far as they still stand as they
        did and the asker may read them. Reads the library: not for the event loop.
        """
        known = self._remembered.get(_key(question))
        if known is None or not question.history or not isinstance(retriever, Catalogued):
            return {}
        shelf = retriever.seen_by(question.principal, question.conversation, question.options.collections)
        ids = {passage.id for passages in known.shown.values() for passage in passages}
        now = {passage_id: shelf.passage(passage_id) for passage_id in ids}
        return {
            model: tuple(one for one in passages if _same(one, now[one.id])) for model, passages in known.shown.items()
        }

    def read(self, question: Question, model: str, passages: tuple[Passage, ...], usage: Usage | None) -> None:
        """Take in what a model was shown, and what its server says of its cache."""
        known = self._of(question)
        known.shown[model] = passages
        _trim(known.shown, _ANSWERS)
        if usage is not None and usage.caching:
            self._caching[model] = None
            _trim(self._caching, _MODELS)

    def answered(self, question: Question, checked: CheckedAnswer) -> None:
        """Take in what was shown as the answer."""
        said = " ".join(one.text for one in checked.sentences if one.support is Support.SUPPORTED)
        known = self._of(question)
        known.said[question.text, checked.text] = said
        _trim(known.said, _ANSWERS)

    def said(self, question: Question) -> list[tuple[str, str]]:
        """The earlier questions, each with the supported sentences of its answer; "" where nobody knows of any."""
        known = self._remembered.get(_key(question))
        said = known.said if known is not None else {}
        return [(turn.question, said.get((turn.question, turn.answer), "")) for turn in question.history]

    def caches(self, model: str) -> bool:
        """Whether the model's server keeps a prefix cache."""
        return model in self._caching

    def _of(self, question: Question) -> _Remembered:
        key = _key(question)
        known = self._remembered.setdefault(key, _Remembered())
        self._remembered.move_to_end(key)
        _trim(self._remembered, _CONVERSATIONS)
        return known


def arranged(
    found: Sequence[Passage], shown: Sequence[Passage], *, keep: bool = False, behind: float = MOST_BEHIND
) -> tuple[Passage, ...]:
    """`found`, best first, in the order that a prompt has best: first what the last prompt showed, in its order.

    With `keep`, what was shown before stays though it was not found again, and of what was not shown only what lies
    less than `behind` behind the best of `found` is added; beyond `MOST_SHOWN`, what was not found goes, the latest
    first.
    """
    ids = {passage.id for passage in found}
    before = {passage.id for passage in shown}
    if not keep or not before:
        old = [passage for passage in shown if passage.id in ids]
        return (*old, *(passage for passage in found if passage.id not in before))
    best = max((passage.score for passage in found), default=0.0)
    new = [passage for passage in found if passage.id not in before and best - passage.score < behind]
    kept = list(shown)
    while len(kept) + len(new) > MOST_SHOWN:
        stale = [place for place, passage in enumerate(kept) if passage.id not in ids]
        if not stale:
            break
        del kept[stale[-1]]
    return (*kept, *new)


def _key(question: Question) -> _Key:
    """Who asks, with their rights, and the conversation's id; without one, how it began."""
    if question.conversation:
        return question.principal, f"c:{question.conversation}"
    began = question.history[0].question if question.history else question.text
    return question.principal, f"u:{question.user}:{began}"


def _same(then: Passage, now: Passage | None) -> bool:
    return now is not None and (now.document, now.text) == (then.document, then.text)


def _trim(known: OrderedDict[Any, Any], most: int) -> None:
    while len(known) > most:
        known.popitem(last=False)

"""What the best passages lack of what a question asks: a word of it that none of them says, or the kind of answer.

Knows the first candidates of one question, packed, best first, and which words are like the question's. Does not know
their ranking, nor how much what is lacking says against an answer (`rag.retrieval.confidence` does).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from rag.retrieval.answer_type import asks_amount, asks_for, counted
from rag.retrieval.matching import Bools, Floats, Ints, titled, with_next
from rag.retrieval.query import Query
from rag.storage.passage_terms import AMOUNT, NUMBER, Batch, surface_hash, term_hash
from rag.text.analyser import casefold, fold

NAMES = ("unsaid", "unsaid_proper", "left_out", "many_left_out", "apart", "no_amount", "no_count", "no_number")
"""`unsaid` is the largest share of one word of the question that no candidate says, in words like its own, and
`unsaid_proper` the share of its names and numbers that none says; `left_out` the share of its words that the best two
neighbouring sentences leave out, and `many_left_out` how many these are; `apart` how much more of the question three
neighbouring sentences of one candidate say than any of the next best. The others are 0 where the question does not ask
for the kind, and else the share of what the best sentence says of it that no sentence with the kind does: an amount of
money, a number beside what is counted (by the share that this is of the question), a number.
"""
PROPER = ("name", "number")
"""The kinds of words that stand for nothing else."""
DEPTH = 5
"""So many of the best candidates are looked at."""
_LIKE = 0.3
"""How like a word of the question the likest is where the word is not left out."""
_BESIDE = 3
_CURRENCIES = """
TL TRY lira lirası liradır liraya lirayı liralık kuruş avro avroya EUR euro euros USD dolar dolara dollar dollars GBP
pound pounds pence CHF Franken franc francs
"""


def lacking(question: Query, batch: Batch, said: Floats) -> Floats:
    """The values of `NAMES` for a question and the `DEPTH` best candidates, best first; `said` is how like each of its
    words each of their sentences is (`rag.retrieval.matching.likeness`).
    """
    content = question.content
    if not content or not batch.count:
        return np.zeros(len(NAMES))
    weight = np.array([term.weight for term in content])
    share = weight / weight.sum()
    body, one = ~batch.titles, titled(batch, said)
    two = with_next(batch, one)
    three = with_next(batch, two)
    of_two, of_three = two @ share, three @ share
    best = two[np.where(body, of_two, -1.0).argmax()]
    tops = np.sort(np.maximum.reduceat(np.where(body, of_three, 0.0), batch.first))
    unsaid = (1.0 - said.max(axis=0)) * share
    proper = np.array([term.kind in PROPER for term in content])
    left_out = int((best < _LIKE).sum())
    kinds = _Kinds(question, batch, np.where(body, one @ share, 0.0), share)
    return np.array(
        [
            float(unsaid.max()),
            float(unsaid[proper].sum()),
            left_out / len(content),
            float(left_out),
            float(tops[-1] - tops[-2]) if len(tops) > 1 else 0.0,
            kinds.amount(),
            kinds.count(),
            kinds.number(),
        ]
    )


@cache
def _currencies() -> Ints:
    return np.array([surface_hash(fold(casefold(word))) for word in _CURRENCIES.split()], np.uint16)


class _Kinds:
    """How much more the best sentence says of the question than the best that has what is asked for."""

    def __init__(self, question: Query, batch: Batch, said: Floats, share: Floats) -> None:
        self._question = question
        self._batch = batch
        self._said = said
        self._share = share

    def number(self) -> float:
        asked = asks_for(self._question.sequence)[0] == "number"
        return self._without(self._fresh(NUMBER | AMOUNT)) if asked else 0.0

    def amount(self) -> float:
        if not asks_amount(self._question.sequence, self._question.language):
            return 0.0
        return self._without(self._fresh(AMOUNT) | self._of_money())

    def count(self) -> float:
        after, content = counted(self._question.sequence), self._question.content
        place = next((at for at, term in enumerate(content) if term.folded in after), None)
        if place is None:
            return 0.0
        batch = self._batch
        hashes = np.array([term_hash(one) for one in content[place].stems], np.uint32)
        at = np.flatnonzero(np.isin(batch.low | batch.high.astype(np.uint32) << 16, hashes))
        number = np.flatnonzero(batch.flags & np.uint16(NUMBER | AMOUNT))
        near = np.abs(at[:, None] - number[None, :]) <= _BESIDE if len(number) else np.zeros((len(at), 1), bool)
        return float(self._share[place]) * self._without(self._sentences(at[near.any(axis=1)]))

    def _fresh(self, flags: int) -> Bools:
        """The sentences with a word of the kind that the question does not hold itself."""
        batch = self._batch
        asked = np.array([surface_hash(word) for word in self._question.sequence], np.uint16)
        return self._sentences(np.flatnonzero((batch.flags & np.uint16(flags) != 0) & ~np.isin(batch.surface, asked)))

    def _of_money(self) -> Bools:
        """The sentences with a number beside the name of a currency."""
        batch = self._batch
        named = np.isin(batch.surface, _currencies())
        beside = np.zeros(len(named), bool)
        beside[:-1] |= named[1:]
        beside[1:] |= named[:-1]
        beside[:-2] |= named[2:]  # "5.000,50 TL" is two words, and "bin Türk lirası" has one between
        return self._sentences(np.flatnonzero((batch.flags & np.uint16(NUMBER) != 0) & beside))

    def _sentences(self, tokens: Ints) -> Bools:
        marked = np.zeros(len(self._said), bool)
        marked[self._batch.places(tokens)[1]] = True
        return marked

    def _without(self, having: Bools) -> float:
        best = float(self._said.max())
        return 1.0 - float(self._said[having].max(initial=0.0)) / best if best > 0.0 else 1.0

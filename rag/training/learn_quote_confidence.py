"""Learns how sure it is that quotes hold what is asked: `python -m rag.training.learn_quote_confidence SET...`.

Knows how examples are drawn of a SET (`rag.training.question_sets`): what is quoted for a question is right where it
holds all that is wanted, and never where the documents hold no answer. Prints what the other sets teach of each one;
writes `rag/grounding/quote_confidence.json` unless `--check` is given. Does not learn what is quoted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rag.grounding import extractive, quote_confidence
from rag.library import Library
from rag.retrieval.weights import log_odds
from rag.settings import RetrievalSettings
from rag.training import question_sets
from rag.training.fit import Bools, Floats, auroc, logistic
from rag.training.key_facts import held, wordings
from rag.training.learn_quotes import texts
from rag.types import Passage, SearchResult

WORDS = 115
_RIDGE = 20.0
_DOUBTED = 0.15
"""The share of the right answers that may be called doubtful: the constant is moved to where it is so, by weights that
were learned without them."""


@dataclass(frozen=True, slots=True)
class Example:
    """The values of one answer (`quote_confidence.describe`), and whether it held all that was wanted."""

    values: Floats
    right: bool


def examples(questions: Path, library: Library) -> tuple[list[Example], list[Example]]:
    """One for each question of a file that is answered, not refused: with what a second encoder says, and without."""
    drawn: tuple[list[Example], list[Example]] = ([], [])
    for entry, asked in question_sets.searched(questions, library):
        found = library.readings.reread_later(asked)()
        if found.confidence < RetrievalSettings().minimum_confidence:
            continue
        for of, passages in zip(drawn, (found.passages, _by_words(found.passages)), strict=True):
            if (one := example(entry, found, passages)) is not None:
                of.append(one)
    return drawn


def _by_words(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    return tuple(replace(one, near=None) if one.near and one.near.second else one for one in passages)


def quoted_for(entry: Mapping[str, Any], found: SearchResult, passages: Sequence[Passage]) -> extractive.Quoted:
    """What is quoted of `passages` for one question, as an answer does where nobody reads them."""
    return extractive.quoted(
        found.query,
        passages,
        max_words=WORDS,
        own=entry["question"],
        likes=found.likes,
        sure=found.confidence >= RetrievalSettings().sure_confidence,
        confidence=found.confidence,
    )


def example(entry: Mapping[str, Any], found: SearchResult, passages: Sequence[Passage]) -> Example | None:
    """What is quoted for one question of `passages`, or None where nothing is."""
    quoted = quoted_for(entry, found, passages)
    if quoted.values is None:
        return None
    said = " ".join(texts(passages, (*quoted.spans, *quoted.further)))
    return Example(quoted.values, bool(entry["documents"]) and held(said, wordings(entry)) == 1.0)


def fit(drawn: Sequence[Example], *, near: bool) -> dict[str, float]:
    """The weights of `quote_confidence.names`, with or without what is known of meaning; `drawn` has these values."""
    names = quote_confidence.names(near=near)
    inputs = np.array([one.values for one in drawn])
    constant, values = logistic(inputs, _right(drawn), np.ones(len(drawn)), ridge=_RIDGE)
    named = {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}
    return {"constant": round(constant, 4), **named}


def _right(drawn: Sequence[Example]) -> Bools:
    return np.array([one.right for one in drawn], bool)


def left_out(sets: Sequence[Sequence[Example]], *, near: bool) -> list[Floats]:
    """The exponents of each set's answers, by what the others teach."""
    exponents = []
    for at, own in enumerate(sets):
        learnt = fit([one for i, part in enumerate(sets) if i != at for one in part], near=near)
        weights = np.array([learnt[name] for name in quote_confidence.names(near=near)])
        exponents.append(np.array([learnt["constant"] + float(one.values @ weights) for one in own]))
    return exponents


def moved(learnt: Mapping[str, float], exponents: Floats, right: Bools) -> dict[str, float]:
    """Weights by which `_DOUBTED` of the right answers are below the settings' bound."""
    bound, low = log_odds(RetrievalSettings().sure_confidence), float(np.quantile(exponents[right], _DOUBTED))
    return {**learnt, "constant": round(learnt["constant"] + bound - low, 4)}


def told(exponents: Floats, right: Bools, bound: float) -> dict[str, float]:
    """How well right answers are told from wrong ones, and the shares of each that lie below `bound`."""
    doubted = exponents < bound
    return {
        "answers": len(right),
        "right": round(float(right.mean()), 3),
        "auroc": round(auroc(exponents, right), 3),
        "right_doubted": round(float(doubted[right].mean()), 3),
        "wrong_doubted": round(float(doubted[~right].mean()), 3),
    }


def main() -> None:
    """The command line."""
    arguments = question_sets.arguments("python -m rag.training.learn_quote_confidence", "Learn doubt.")
    drawn = [examples(questions, library) for questions, library in question_sets.opened(arguments)]
    learnt = {}
    for at, name in enumerate(("near", "words")):
        near = name == "near"
        count = len(quote_confidence.names(near=near))
        sets = [[example for example in one[at] if len(example.values) == count] for one in drawn]
        exponents, right = left_out(sets, near=near), [_right(own) for own in sets]
        every, known = np.concatenate(exponents), np.concatenate(right)
        bound = float(np.quantile(every[known], _DOUBTED))
        for given, own, marks in zip((*arguments.sets, "all"), (*exponents, every), (*right, known), strict=True):
            if len(own):
                print(json.dumps({"weights": name, "set": given, **told(own, marks, bound)}))
        learnt[name] = moved(fit([one for own in sets for one in own], near=near), every, known)
    if not arguments.check:
        quote_confidence.WEIGHTS.write_text(json.dumps(learnt, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

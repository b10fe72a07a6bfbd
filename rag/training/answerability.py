"""Learns how sure retrieval is: from questions of which it is known whether the documents answer them.

Knows the inputs of the confidence (`rag.retrieval.confidence`), one question a row, and where each question comes from.
Does not know files, libraries or how the rows came about (`rag.training.learn_meaning` does).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from rag.retrieval import confidence
from rag.retrieval.weights import log_odds
from rag.settings import RetrievalSettings
from rag.training.fit import Floats, logistic

FOLDS = 5
_COUNTS = {"natural": 1.0, "recorded": 0.8, "swapped": 0.3, "hard": 0.3}
"""What a question asked alone counts in the confidence, by where it comes from; `hard` are those whose passage was left
out."""
_INVENTED_IN_TALK = 2.0
"""How much worse, in a conversation, an answer is that the documents do not hold than a refusal that they do not
deserve."""
_REFUSED, _DOUBTED = 0.06, 0.2
"""Of the questions that documents answer, the shares that may lie below the bound under which an answer is refused, and
below the one under which it is called unsure."""
_RIDGE = 20.0


@dataclass(frozen=True, slots=True)
class Told:
    """One question of known answerability: where it comes from, whether it is asked in a conversation, and its values
    of `confidence.MEANING`.
    """

    group: str
    source: str
    in_talk: bool
    values: Floats
    holds: bool


def fit_confidence(told: Sequence[Told]) -> dict[str, dict[str, float]]:
    """The weights of the confidence, of questions alone and in a conversation."""
    alone, in_talk = ([one for one in told if one.in_talk == talk] for talk in (False, True))
    return {
        "answerable": _logistic(alone, confidence.ALONE, 1.0, _COUNTS),
        "answerable_in_talk": _logistic(
            in_talk, confidence.IN_TALK, _INVENTED_IN_TALK, {"recorded": 1.0, "natural": 1.0}
        ),
    }


def _logistic(
    told: Sequence[Told], names: Sequence[str], invented: float, counts: Mapping[str, float]
) -> dict[str, float]:
    """A logistic fit on some of the inputs, in which the unanswerable questions of a source count `invented` times what
    the answerable ones do.
    """
    chosen = [confidence.MEANING.index(name) for name in names]
    held = Counter((one.source, one.holds) for one in told)
    weights = [
        counts[one.source]
        * (1.0 if one.holds else invented)
        * max(held[one.source, True], held[one.source, False])
        / held[one.source, one.holds]
        for one in told
    ]
    constant, values = logistic(
        np.array([one.values for one in told])[:, chosen],
        np.array([one.holds for one in told]),
        np.array(weights),
        ridge=_RIDGE,
    )
    return {
        "constant": round(constant, 5),
        **{name: round(float(value), 5) for name, value in zip(names, values, strict=True)},
    }


def sure(told: Sequence[Told], learnt: Mapping[str, Mapping[str, float]]) -> Floats:
    """The exponents of the confidence."""
    return np.array([confidence.exponent(one.values, learnt, in_talk=one.in_talk) for one in told])


def left_out(told: Sequence[Told]) -> Floats:
    """The exponents of the confidence, each by what the folds without the question taught."""
    exponents = np.zeros(len(told))
    folds = [crc32(one.group.encode()) % FOLDS for one in told]
    for fold in set(folds):
        learnt = fit_confidence([one for one, at in zip(told, folds, strict=True) if at != fold])
        asked = [at for at, of in enumerate(folds) if of == fold]
        exponents[asked] = sure([told[at] for at in asked], learnt)
    return exponents


def bounded(learnt: Mapping[str, float], told: Sequence[Told], exponents: Floats) -> dict[str, float]:
    """The confidence of questions alone, stretched so that the bounds of the settings part what they are to part: of
    the natural questions with an answer, by exponents that were learned without them, `_REFUSED` lie below the one
    and `_DOUBTED` below the other.
    """
    settings = RetrievalSettings()
    holds = [at for at, one in enumerate(told) if one.holds and one.source == "natural" and not one.in_talk]
    low, high = np.quantile(exponents[holds], (_REFUSED, _DOUBTED))
    least, enough = map(log_odds, (settings.minimum_confidence, settings.sure_confidence))
    scale = (enough - least) / (high - low)
    stretched = {name: round(float(scale * value), 5) for name, value in learnt.items()}
    return stretched | {"constant": round(float(scale * (learnt["constant"] - low) + least), 5)}

"""How sure retrieval is that the library answers a question.

Knows the ranked candidates of one question and a logistic model of them (`rag.retrieval.weights`, learned by asking the
questions of one half of a collection against the other half). Does not know models or the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import log
from typing import TYPE_CHECKING

import numpy as np

from rag.retrieval.answer_type import asks_for
from rag.retrieval.evidence import NAMES as LACKING
from rag.retrieval.evidence import PROPER
from rag.retrieval.matching import Floats
from rag.retrieval.rerank_features import NAMES
from rag.retrieval.second_stage import COSINE_FLOOR, WORDS_FLOOR, deviations
from rag.retrieval.weights import Weights, chance_of

if TYPE_CHECKING:
    from rag.retrieval.ranked import Ranked

_BEST = (
    "word", "surface", "gram", "pair", "near", "sentence", "sentence_coverage", "titled_coverage", "related_coverage",
    "soft", "missing_proper", "coverage", "title", "anywhere", "document", "document_coverage", "document_share",
    "local", "missing", "missing_second", "bigram", "trigram", "has_time", "has_number", "has_name",
)  # fmt: skip
_TOP = ("word", "sentence", "titled_coverage", "related_coverage", "soft", "anywhere", "gram", "bigram")
_DEPTH = 5
_TITLE, _TITLED, _COVERAGE = NAMES.index("title"), NAMES.index("titled_coverage"), NAMES.index("coverage")
_FEW = 4
_ACROSS, _APART = 0.4, 2.5
"""How much of a question two sentences in another language must say, and by how many deviations the passage's cosine
must stand out."""
_WORD = 5.2
"""Letters of a word of a question in English, with the space behind it."""
_MAYBE, _KNOWN = 0.25, 0.3
"""The confidence, at least, in a passage under a heading that is what was asked for; and the share of the question, by
weight, that the library must know for it."""
_MOST = 0.7
"""The share of a question, by weight, that is most of it."""
_RELATED = NAMES.index("related_coverage")
_BEST_COLUMNS = np.array([NAMES.index(name) for name in _BEST])
_TOP_COLUMNS = np.array([NAMES.index(name) for name in _TOP])
FEATURES = (
    *_BEST,
    *(f"top_{name}" for name in _TOP),
    "score", "margin", "margin_deep", "terms", "weight", "unknown", "unknown_proper", "proper", "corrected",
)  # fmt: skip
"""The inputs of the model: what the best candidate looks like, the best values among the first five, the best score and
its lead, and the question: its number of terms, their weight, and the share of it that the library has never seen."""


def describe(ranked: Ranked) -> Floats:
    """The values of `FEATURES` for one question that has candidates."""
    features = ranked.found.features[ranked.order[:_DEPTH]]
    scores = ranked.scores[: _DEPTH + 1].tolist()
    content = ranked.question.content
    total = sum([t.weight for t in content]) or 1.0
    unknown = [t for t in content if not t.frequency]
    asked = (
        scores[0],
        scores[0] - scores[min(1, len(scores) - 1)],
        scores[0] - scores[-1],
        log(len(content) + 1.0),
        log(total + 1.0),
        sum([t.weight for t in unknown]) / total,
        sum([t.weight for t in unknown if t.kind in PROPER]) / total,
        sum([t.weight for t in content if t.kind in PROPER]) / total,
        sum([t.weight for t in content if t.corrected]) / total,
    )
    return np.concatenate([features[0, _BEST_COLUMNS], features[:, _TOP_COLUMNS].max(axis=0), asked])


MEANING = (
    "window_coverage", "talk", "talk_mean", "unusual", "score_words", "length", "alike_near", "alike_mean", "gap",
    "missing_proper", "proper", "local", "agree", "has", "lacks", "missing_second", "top_anywhere", "lead",
    "stands_out", "words_stand_out", *LACKING,
)  # fmt: skip
"""The inputs of the model where meaning took part. Of the first candidate: how much of the question two neighbouring
sentences hold (`window_coverage`) and say in words like its own (`alike_near`), its cosine (`talk`), how far that is
from passages at large (`unusual`), what it tells from its document's other passages (`local`), how much the word is
that tells most but one of those it lacks (`missing_second`). Of the first five: the most of the question that one
holds (`top_anywhere`), the mean cosine, how much of the question they say on average (`alike_mean`), the part of it
that those two sentences leave out which leave out least (`gap`), how many are among the first five by words and by
cosine (`agree`). Of all: by how much the best by words leads (`lead`), and how far the best cosine is from the others
(`stands_out`), and the best score by words (`words_stand_out`). Of the question: its length, the share of it that is
names and numbers (`proper`), the best score of its words. `has` and `lacks` are whether one of the first five has the
kind of word that is asked for, and whether a kind is asked for that none has. The last are what
`rag.retrieval.evidence` knows.
"""
ALONE = (
    "gap", "talk", "alike_near", "score_words", "missing_second", "top_anywhere", "lead", "stands_out", *LACKING,
)  # fmt: skip
"""Those of them that count for a question alone. How a question is put (how long it is, what it asks for) counts only
with what the passages lack of it: by itself it tells who wrote a set of questions rather than what the documents hold.
"""
IN_TALK = (
    "talk", "talk_mean", "unusual", "score_words", "length", "missing_proper", "agree", "has", "lacks", "apart",
    "unsaid_proper", "words_stand_out",
)  # fmt: skip
"""Those that count in a conversation."""
_WINDOW, _LOCAL, _MISSING, _SECOND, _ANYWHERE = (
    NAMES.index(name) for name in ("window_coverage", "local", "missing_proper", "missing_second", "anywhere")
)


def describe_meaning(ranked: Ranked) -> Floats:
    """The values of `MEANING` for one question whose candidates have their meaning."""
    columns = ranked.columns
    assert columns is not None and ranked.lacks is not None
    features, question = ranked.found.features, ranked.question
    first = int(ranked.order[0])
    top = ranked.order[:_DEPTH]
    mean, spread = columns.usual
    content = question.content
    total = sum([term.weight for term in content]) or 1.0
    least = int(top[columns.alike_near[top].argmax()])
    has = bool(columns.has[top].any())
    both = set(_best(columns.words)) & set(_best(columns.talk))
    by_words = np.sort(columns.words)
    return np.array(
        [
            features[first, _WINDOW],
            columns.talk[first],
            float(columns.talk[top].mean()),
            (columns.talk[first] - mean) / spread,
            float(columns.words.max()),
            log(_length(question.sequence) + 1.0),
            columns.alike_near[first],
            float(columns.alike[top].mean()),
            columns.gap[least],
            features[first, _MISSING],
            sum([term.weight for term in content if term.kind in PROPER]) / total,
            features[first, _LOCAL],
            len(both) / _DEPTH,
            float(has),
            float(not has and bool(asks_for(question.sequence)[0])),
            features[first, _SECOND],
            float(features[top, _ANYWHERE].max()),
            float(by_words[-1] - by_words[max(-2, -len(by_words))]),
            float(deviations(columns.talk, COSINE_FLOOR).max()),
            float(deviations(columns.words, WORDS_FLOOR).max()),
            *ranked.lacks.tolist(),
        ]
    )


def _best(column: Floats) -> list[int]:
    """The places of the first few by one column."""
    best: list[int] = np.argsort(-column, kind="stable")[:_DEPTH].tolist()
    return best


def _length(words: Sequence[str]) -> float:
    """How long a question is, in words as long as English ones: what one word says in Turkish takes several there."""
    return sum(len(word) + 1 for word in words) / _WORD


def confidence(ranked: Ranked, weights: Weights) -> float:
    """Estimate in [0, 1] that the best passages answer the question; 0 when there are none."""
    if not len(ranked.scores) or not (ranked.question.content or ranked.columns):
        return 0.0
    if not weights.answerable:
        return float(ranked.found.coverage[ranked.order[0]])
    if ranked.columns is not None and "answerable" in weights.meaning:
        values = describe_meaning(ranked)
        found = exponent(values, weights.meaning, in_talk=ranked.columns.in_talk)
    else:
        found = _by_words(ranked, weights)
    return max(
        chance_of(found),
        _MAYBE if _headed(ranked) or _looked_up(ranked) or _told_of(ranked) or across_languages(ranked) else 0.0,
    )


def _looked_up(ranked: Ranked) -> bool:
    """Whether the best passage holds all of a few words without a question: a number, a name, a code looked up."""
    question = ranked.question
    alone = len(question.terms) == len(question.content) == len(question.sequence) <= _FEW
    return alone and float(ranked.found.features[ranked.order[0], _COVERAGE]) >= 0.99


def _told_of(ranked: Ranked) -> bool:
    """Whether the best passage holds every name and number of the question, and says most of it in its words or in
    others for them: where meaning tells nothing, "RAM" must do for "memory".
    """
    if ranked.columns is not None or not any(term.kind in PROPER for term in ranked.question.content):
        return False
    best = ranked.found.features[ranked.order[0]]
    return float(best[_MISSING]) == 0.0 and float(best[_RELATED]) >= _MOST


def _headed(ranked: Ranked) -> bool:
    """Whether the headings of the best passage hold every word of the question that the library knows, and these are a
    good part of it, or a sentence of it with its headings holds all of the question: what stands under a heading need
    not say its words again.
    """
    content = ranked.question.content
    best = ranked.found.features[ranked.order[0]]
    if best[_TITLE] > 0.0 and best[_TITLED] >= 0.99:
        return True
    total = sum([term.weight for term in content])
    known = sum([term.weight for term in content if term.frequency])
    titled = float(best[_TITLE]) * total
    return known >= _KNOWN * total and titled >= 0.99 * known > 0.0


def across_languages(ranked: Ranked) -> bool:
    """Whether the best passage is in another language than the question and says a good part of it in words like its
    own: across languages the words themselves hardly meet, which says nothing against it.
    """
    columns = ranked.columns
    if columns is None or not columns.foreign[ranked.order[0]]:
        return False
    first = int(ranked.order[0])
    mean, spread = columns.usual
    return bool(columns.alike_near[first] >= _ACROSS and columns.talk[first] >= mean + _APART * spread)


def exponent(values: Floats, meaning: Mapping[str, Mapping[str, float]], *, in_talk: bool) -> float:
    """What the model says of the values of `MEANING` for a question alone or in a conversation."""
    told = meaning["answerable_in_talk" if in_talk else "answerable"]
    return told["constant"] + float(values @ np.array([told.get(name, 0.0) for name in MEANING]))


def _by_words(ranked: Ranked, weights: Weights) -> float:
    """The exponent of the model that knows words alone."""
    constant, named = _arrays(weights)
    return constant + float(describe(ranked) @ named)


@lru_cache(maxsize=2)
def _arrays(weights: Weights) -> tuple[float, Floats]:
    named = weights.answerable
    return float(named["constant"]), np.array([named[name] for name in FEATURES])

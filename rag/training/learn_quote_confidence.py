"""Learns how sure it is that quotes hold what is asked: `python -m rag.training.learn_quote_confidence SET...`.

Knows how examples are drawn: a SET is QUESTIONS=LIBRARY, a questions.yaml (the head of the one in docs_corpus/ says
how it is written) and the library that `tandem index` made of its documents; what is quoted for a question is right
where it holds all that is wanted, and never where the documents hold no answer. Prints what the other sets teach of
each one; writes `rag/grounding/quote_confidence.json` unless `--check` is given. Does not learn what is quoted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rag.grounding import extractive, quote_confidence
from rag.library import Library
from rag.retrieval.embedders.bert_file import BertFile
from rag.retrieval.embedders.onnx_file import OnnxFile
from rag.retrieval.embedders.paired import Paired
from rag.retrieval.weights import log_odds
from rag.settings import RetrievalSettings
from rag.training.fit import Bools, Floats, auroc, logistic
from rag.training.key_facts import WHOLE, held, wordings
from rag.training.learn_quotes import texts
from rag.types import Passage, SearchResult

WORDS = 115
_RIDGE = 20.0
_DOUBTED = 0.15
"""The share of the right answers that may be called doubtful: the constant is moved to where it is so, by weights that
were learned without them."""


@dataclass(frozen=True, slots=True)
class Example:
    """What is known of one answer (`quote_confidence.describe`), and whether it held all that was wanted."""

    described: quote_confidence.Described
    right: bool


def examples(questions: Path, library: Library) -> list[Example]:
    """Two for each question of a file that is answered, not refused: with what is known of meaning, and without it."""
    drawn: list[Example] = []
    for entry in yaml.safe_load(questions.read_text(encoding="utf-8"))["questions"]:
        if entry.get("kind") in WHOLE:
            continue
        found = library.search(entry["question"], history=[tuple(turn) for turn in entry.get("history") or ()])
        if found.confidence < RetrievalSettings().minimum_confidence:
            continue
        for passages in (found.passages, _by_words(found.passages)):
            if (one := example(entry, found, passages)) is not None:
                drawn.append(one)
    return drawn


def _by_words(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    return tuple(replace(one, near=None) for one in passages)


def example(entry: Mapping[str, Any], found: SearchResult, passages: Sequence[Passage]) -> Example | None:
    """What is quoted for one question of `passages`, or None where nothing is."""
    quoted = extractive.quoted(
        found.query,
        passages,
        max_words=WORDS,
        own=entry["question"],
        likes=found.likes,
        sure=found.confidence >= RetrievalSettings().sure_confidence,
        confidence=found.confidence,
    )
    if quoted.described is None:
        return None
    said = " ".join(texts(passages, quoted.spans))
    return Example(quoted.described, bool(entry["documents"]) and held(said, wordings(entry)) == 1.0)


def fit(drawn: Sequence[Example], kind: str) -> dict[str, float]:
    """The weights of `quote_confidence.names` for answers of one kind, which `drawn` are."""
    names = quote_confidence.names(kind)
    inputs = np.array([one.described.values for one in drawn])
    constant, values = logistic(inputs, _right(drawn), np.ones(len(drawn)), ridge=_RIDGE)
    named = {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}
    return {"constant": round(constant, 4), **named}


def _right(drawn: Sequence[Example]) -> Bools:
    return np.array([one.right for one in drawn], bool)


def left_out(sets: Sequence[Sequence[Example]], kind: str) -> list[Floats]:
    """The exponents of each set's answers of one kind, by what the others teach."""
    exponents = []
    for at, own in enumerate(sets):
        learnt = fit([one for i, part in enumerate(sets) if i != at for one in part], kind)
        weights = np.array([learnt[name] for name in quote_confidence.names(kind)])
        exponents.append(np.array([learnt["constant"] + float(one.described.values @ weights) for one in own]))
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


def _named(encoder: Path) -> str:
    """The name that its vectors are kept under."""
    return hashlib.sha256(encoder.read_bytes()).hexdigest()[:16]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rag.training.learn_quote_confidence", description="Learn doubt.")
    parser.add_argument("sets", nargs="+", metavar="QUESTIONS=LIBRARY", help="questions and where their library is")
    parser.add_argument("--encoder", type=Path, required=True, help="the encoder's ONNX file")
    parser.add_argument("--second", type=Path, required=True, help="the second encoder's, for English")
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    first, second = arguments.encoder, arguments.second
    alone = OnnxFile(first, _named(first))
    drawn: list[list[Example]] = []
    for one in arguments.sets:
        questions, _, directory = one.partition("=")
        drawn.append([])
        for encoder in (Paired(alone, BertFile(second, _named(second)), "en"), alone):
            library = Library.open(Path(directory), RetrievalSettings(), write=True, embedder=encoder)
            try:
                if library.semantics is not None:
                    library.semantics.make()
                drawn[-1] += examples(Path(questions), library)
            finally:
                library.close()
    learnt = {}
    for kind in quote_confidence.KINDS:
        sets = [[example for example in one if example.described.kind == kind] for one in drawn]
        exponents, right = left_out(sets, kind), [_right(own) for own in sets]
        every, known = np.concatenate(exponents), np.concatenate(right)
        bound = float(np.quantile(every[known], _DOUBTED))
        for given, own, marks in zip((*arguments.sets, "all"), (*exponents, every), (*right, known), strict=True):
            if len(own):
                print(json.dumps({"weights": kind, "set": given, **told(own, marks, bound)}))
        learnt[kind] = moved(fit([one for own in sets for one in own], kind), every, known)
    if not arguments.check:
        quote_confidence.WEIGHTS.write_text(json.dumps(learnt, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

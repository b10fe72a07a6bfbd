"""Learns how words and meaning count together: `python -m rag.training.learn_meaning FILE... --natural SET...`.

Knows how examples are drawn of FILEs (`rag.training.evaluation_files`) and of SETs (`rag.training.question_sets`): the
ranking learns from their questions, those with a history apart from those without; the confidence from files and sets
that say what is unanswerable, and from one half of a file asked of the other half. Keeps what `rag.training.learn`
learned, so that nothing changes where there is no encoder. Prints what is found for questions that were not learned
from; with `--check` that is all.

The ranking that ships is one run with `--only ranking` on mtrag_un_a, squad_dev_a, xquad_tr, xquad_en, XQuAD's Turkish
questions on its English text and the reverse, and as sets the questions on twenty public handbooks, manuals and rules
that were written for the reader (`rag.training.learn_reading`), with what is quoted there as their key fact. The
confidence that ships was learned from other sets, and with the first encoder alone: of a conversation from mtrag_un_a,
docs_corpus, a company's handbook, Flask's documentation, and every second question on another handbook, on Celery's
documentation and on a Turkish university's rules; of a question alone from squad_dev_a's halves, xquad_tr without the
passages that answer, every question of the sets on public documents (tests/questions/README.md) and of docs_corpus, and
the people's questions of ClapNQ (its annotated development part) and of WikiQA (its development and test parts), as
files of their own.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from rag.library import Library
from rag.retrieval import confidence, rerank_features, second_stage
from rag.retrieval.embedders.base import Embedder
from rag.retrieval.ranked import Ranked
from rag.retrieval.weights import Weights, learned
from rag.training import question_sets
from rag.training.answerability import FOLDS, Told, bounded, fit_confidence, left_out
from rag.training.evaluation_files import (
    ANSWERABLE,
    PARTIAL,
    UNANSWERABLE,
    Benchmark,
    JudgedQuestion,
    open_library,
    read,
)
from rag.training.fit import Bools, Floats, auroc, listwise
from rag.training.key_facts import held, wordings
from rag.training.learn import write
from rag.training.learn_answers import halves
from rag.types import Passage

_FROM = {"words": 2.0, "own": 1.0, "talk": 1.0, "best_words": 0.5}
_HALF, _STEPS = 250, 40_000
_DECAY = {"alone": 1e-2, "talk": 3e-3}
"""The penalty on large weights: there are many of questions alone."""
_THRESHOLDS = (0.1, 0.16, 0.25, 0.35)
_OF_NATURAL = 2
"""Questions written for such documents count so much more in the ranking than those of a reading test."""
_WITHOUT_SECOND = 3
"""One question of so many is learned from as if there were no second encoder: there may be none."""
_SECOND = second_stage.NAMES.index("second")


@dataclass(frozen=True, slots=True)
class Example:
    """One question's candidates: whether it is asked in a conversation, its columns, and which are relevant."""

    group: str
    in_talk: bool
    columns: Floats
    relevant: Bools


def some(benchmark: Benchmark, most: int) -> Benchmark:
    """A file with so many of its questions at most, and all its documents; every question of a conversation stays."""
    if len(benchmark.questions) <= most or any(question.history for question in benchmark.questions):
        return benchmark
    return replace(benchmark, questions=tuple(random.Random(5).sample(benchmark.questions, most)))


def examples(
    benchmark: Benchmark, library: Library, owner: Mapping[str, str], weights: Weights
) -> list[tuple[JudgedQuestion, Ranked, Example]]:
    """The candidates of the questions that have an answer."""
    found = []
    for question in benchmark.questions:
        if question.answerability not in (ANSWERABLE, PARTIAL):
            continue
        ranked = library.searcher.rank(question.text, weights=weights, history=question.history)
        if ranked.columns is None:
            continue
        relevant = np.zeros(len(ranked.rows), bool)
        relevant[ranked.order] = [owner[str(row)] in question.relevant for row in ranked.rows]
        columns = second_stage.describe(ranked.columns)
        group = question.id.partition("<::>")[0]
        found.append((question, ranked, Example(group, ranked.columns.in_talk, columns, relevant)))
    return found


def fit(drawn: Sequence[Example]) -> dict[str, dict[str, float]]:
    """The weights of the second stage, for questions alone and in a conversation."""
    learnt = {}
    for name, in_talk in (("alone", False), ("talk", True)):
        # Alone, both cosines are the same one; in a conversation there are too few examples for what is first by words
        # and for each thing that words tell, and what kind of word is asked for was often asked before.
        dropped = ("best_words", "has", *rerank_features.NAMES) if in_talk else ("talk",)
        names = [one for one in second_stage.NAMES if one not in dropped]
        chosen = [second_stage.NAMES.index(one) for one in names]
        asked = [one for one in drawn if one.in_talk == in_talk]
        if not asked:
            learnt[name] = dict(_FROM)
            continue
        seen = [one.columns if at % _WITHOUT_SECOND else _without_second(one.columns) for at, one in enumerate(asked)]
        lists = [(columns[:, chosen], one.relevant) for columns, one in zip(seen, asked, strict=True)]
        values = listwise(lists, epochs=max(10, _STEPS // len(lists)), rate=0.05, decay=_DECAY[name])
        learnt[name] = {one: round(float(value), 4) for one, value in zip(names, values, strict=True)}
    return learnt


def _without_second(columns: Floats) -> Floats:
    return np.where(np.arange(columns.shape[1]) == _SECOND, 0.0, columns)


def hits(drawn: Sequence[Example], meaning: Mapping[str, Mapping[str, float]]) -> Floats:
    """Number of questions with a relevant candidate first, and among five."""
    count = np.zeros(2)
    for one in drawn:
        chosen = meaning["talk" if one.in_talk else "alone"]
        scores = one.columns @ np.array([chosen.get(name, 0.0) for name in second_stage.NAMES])
        ranked = one.relevant[np.argsort(-scores, kind="stable")]
        count += [bool(ranked[:1].any()), bool(ranked[:5].any())]
    return count


def recorded(benchmark: Benchmark, library: Library, weights: Weights) -> list[Told]:
    """The questions that a person marked as answerable or unanswerable."""
    found = []
    for question in benchmark.questions:
        if question.answerability in (ANSWERABLE, UNANSWERABLE):
            ranked = library.searcher.rank(question.text, weights=weights, history=question.history)
            if ranked.columns is not None and len(ranked.rows):
                values = confidence.describe_meaning(ranked)
                holds = question.answerability == ANSWERABLE
                group = question.id.partition("<::>")[0]
                found.append(Told(group, "recorded", ranked.columns.in_talk, values, holds))
    return found


def swapped(benchmark: Benchmark, directory: Path, encoder: Embedder, weights: Weights) -> list[Told]:
    """The questions of one half asked of both halves, and again without the passages that answer them."""
    chance = random.Random(4)
    sides = halves(benchmark)
    found = []
    for at, side in enumerate(sides):
        library, owner = open_library(side, directory / str(at), encoder)
        row_of = {document: int(row) for row, document in owner.items()}
        own = chance.sample(side.questions, min(_HALF, len(side.questions)))
        other = chance.sample(sides[1 - at].questions, min(_HALF, len(sides[1 - at].questions)))
        for question, holds, hard in (
            *((q, True, False) for q in own),
            *((q, False, False) for q in other),
            *((q, False, True) for q in own),
        ):
            without = {row_of[d] for d in question.relevant} if hard else ()
            ranked = library.searcher.rank(question.text, weights=weights, without=without)
            if ranked.columns is not None and len(ranked.rows):
                values = confidence.describe_meaning(ranked)
                found.append(Told(str(at), "hard" if hard else "swapped", False, values, holds))
        library.close()
    return found


def natural(questions: Path, library: Library, weights: Weights) -> tuple[list[Example], list[Told]]:
    """The questions of a set; those without documents have no answer there.

    A passage is relevant where it is of a document that answers and holds one of the key facts. Questions about whole
    documents teach no ranking.
    """
    drawn: list[Example] = []
    told: list[Told] = []
    for question, history in question_sets.asked(questions):
        ranked = library.searcher.rank(question["question"], weights=weights, history=history)
        if ranked.columns is None or not len(ranked.rows):
            continue
        group = f"{questions}<::>{question['id']}"
        holds = bool(question.get("documents"))
        told.append(Told(group, "natural", ranked.columns.in_talk, confidence.describe_meaning(ranked), holds))
        if holds:
            rows = [ranked.rows[place] for place in np.argsort(ranked.order)]
            texts = library.store.passages(rows)
            relevant = np.array([_answers(texts.get(row), question) for row in rows], bool)
            drawn.append(Example(group, ranked.columns.in_talk, second_stage.describe(ranked.columns), relevant))
    return drawn, told


def _answers(passage: Passage | None, question: Mapping[str, Any]) -> bool:
    """Whether a passage is of a document that answers and holds a key fact of the question."""
    if passage is None or passage.document not in question["documents"]:
        return False
    facts = wordings(question)
    return not facts or held(passage.text, facts) > 0.0


def check(drawn: Mapping[str, Sequence[Example]], told: Sequence[Told]) -> dict[str, dict[str, float]]:
    """Hits by file, and AUROC by source, each question scored with what the other folds taught."""
    report: dict[str, dict[str, float]] = {}
    every = [one for part in drawn.values() for one in part]
    found = {name: np.zeros(2) for name in drawn}
    exponents = left_out(told)
    for fold in range(FOLDS if drawn else 0):
        meaning = fit([one for one in every if crc32(one.group.encode()) % FOLDS != fold])
        for name, part in drawn.items():
            found[name] += hits([one for one in part if crc32(one.group.encode()) % FOLDS == fold], meaning)
    for name, part in drawn.items():
        one, five = (found[name] / max(1, len(part))).round(4).tolist()
        report[name] = {"hit@1": one, "hit@5": five}
    for source in ("recorded", "swapped", "natural"):
        of = [at for at, one in enumerate(told) if one.source == source]
        if of:
            truth = np.array([told[at].holds for at in of])
            area = auroc(exponents[of], truth)
            chances = 1 / (1 + np.exp(-exponents[of]))
            report[source] = {"auroc": round(area, 4)}
            for least in _THRESHOLDS:
                report[source][f"answerable refused at {least}"] = round(float((chances[truth] < least).mean()), 3)
                report[source][f"unanswerable refused at {least}"] = round(float((chances[~truth] < least).mean()), 3)
    return report


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rag.training.learn_meaning", description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="documents and questions (rag.training.evaluation_files)")
    parser.add_argument("--halves", type=Path, help="a file whose halves are asked of one another, for the confidence")
    parser.add_argument(
        "--natural", dest="sets", nargs="*", default=(), metavar="QUESTIONS=LIBRARY", help="sets of natural questions"
    )
    parser.add_argument("--questions", type=int, default=600, help="questions to draw from each file without history")
    parser.add_argument("--only", choices=("ranking", "confidence"), help="learn only this part, keep the other")
    question_sets.take_encoders(parser)
    arguments = parser.parse_args()
    encoder, weights = question_sets.encoders(arguments), learned()
    drawn: dict[str, list[Example]] = {}
    told: list[Told] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        root = Path(directory)
        benchmarks = [some(read(file), arguments.questions) for file in arguments.files]
        libraries = [open_library(one, root / str(at), encoder) for at, one in enumerate(benchmarks)]
        if arguments.only != "confidence":
            start = replace(weights, meaning={"alone": _FROM, "talk": _FROM})
            for file, benchmark, (library, owner) in zip(arguments.files, benchmarks, libraries, strict=True):
                drawn[file.stem] = [example for _, _, example in examples(benchmark, library, owner, start)]
            for questions, library in question_sets.opened(arguments):
                drawn[str(questions)] = natural(questions, library, start)[0] * _OF_NATURAL
            ranking = fit([one for part in drawn.values() for one in part])
            weights = replace(weights, meaning={**weights.meaning, **ranking})
        if arguments.only != "ranking":
            for benchmark, (library, _) in zip(benchmarks, libraries, strict=True):
                told += recorded(benchmark, library, weights) if _marked(benchmark) else []
            if arguments.halves is not None:
                told += swapped(read(arguments.halves), root / "halves", encoder, weights)
            for questions, library in question_sets.opened(arguments):
                told += natural(questions, library, weights)[1]
            learnt = fit_confidence(told)
            learnt["answerable"] = bounded(learnt["answerable"], told, left_out(told))
            weights = replace(weights, meaning={**weights.meaning, **learnt})
        for library, _ in libraries:
            library.close()
    print(json.dumps(check(drawn, told), indent=1))
    if not arguments.check:
        write(weights)


def _marked(benchmark: Benchmark) -> bool:
    return any(question.answerability == UNANSWERABLE for question in benchmark.questions)


if __name__ == "__main__":
    main()

"""Learns how words and meaning count together: `python -m rag.training.learn_meaning ENCODER FILE... [--check]`.

Knows how examples are drawn: the ranking learns from every file's questions, those with a history apart from those
without; the confidence from files that say what is unanswerable, and from one half of a file asked of the other half.
Keeps what `rag.training.learn` learned, so that nothing changes where there is no encoder. Prints what is found for
questions that were not learned from; with `--check` that is all.

What ships is one run on mtrag_un_a, squad_dev_a (as `--halves` too), xquad_tr, XQuAD's Turkish questions on its English
text and the reverse, and `--natural` docs_corpus, a company's handbook, Flask's documentation, and every second
question on another handbook, on Celery's documentation and on a Turkish university's rules. What it says of the
confidence of a question alone was learned again from squad_dev_a's halves, xquad_tr without the passages that answer,
every question of the sets on public documents (tests/questions/README.md) and of docs_corpus, and the people's
questions of ClapNQ (its annotated development part) and of WikiQA (its development and test parts), as files of their
own. How much the second encoder adds (`--second`) is from questions apart from those, on a handbook, Flask's and
Celery's documentation, with the rest.
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
import yaml

from rag.library import Library
from rag.retrieval import confidence, second_stage
from rag.retrieval.embedders.base import Embedder
from rag.retrieval.embedders.bert_file import BertFile
from rag.retrieval.embedders.onnx_file import OnnxFile
from rag.retrieval.embedders.paired import Paired
from rag.retrieval.ranked import Ranked
from rag.retrieval.weights import Weights, learned
from rag.settings import RetrievalSettings
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
from rag.training.key_facts import WHOLE, spoken, wordings
from rag.training.learn import write
from rag.training.learn_answers import halves
from rag.types import Passage

_FROM = {"words": 2.0, "own": 1.0, "talk": 1.0, "best_words": 0.5}
_HALF, _STEPS = 250, 40_000
_THRESHOLDS = (0.1, 0.16, 0.25, 0.35)
_OF_NATURAL = 3
"""Questions written for such documents count so much more in the ranking than those of a reading test."""
_SECOND = np.arange(0.0, 3.25, 0.25)
"""The weights that are tried for a second encoder."""
_ENOUGH = 20
"""Questions of a file from which on its shares count there."""


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
        # Alone, both cosines are the same one; in a conversation there are too few examples for what is first by words,
        # and what kind of word is asked for was often asked before.
        dropped = (second_stage.SECOND, *(("best_words", "has") if in_talk else ("talk",)))
        names = [one for one in second_stage.NAMES if one not in dropped]
        chosen = [second_stage.NAMES.index(one) for one in names]
        lists = [(one.columns[:, chosen], one.relevant) for one in drawn if one.in_talk == in_talk]
        if not lists:
            learnt[name] = dict(_FROM)
            continue
        values = listwise(lists, epochs=max(25, _STEPS // len(lists)), rate=0.05, decay=3e-3)
        learnt[name] = {one: round(float(value), 4) for one, value in zip(names, values, strict=True)}
    return learnt


def fit_second(drawn: Mapping[str, Sequence[Example]], meaning: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """What a second encoder's cosine adds to the ranking as it is, of questions alone and in a conversation: the weight
    with the most answers first and among three, each file counting the same, by which no file has fewer first.
    """
    at = second_stage.NAMES.index(second_stage.SECOND)
    learnt = {}
    for name, in_talk in (("alone", False), ("talk", True)):
        told = [[one for one in part if one.in_talk == in_talk and one.columns[:, at].any()] for part in drawn.values()]
        parts = [part for part in told if len(part) >= _ENOUGH]
        chosen = np.array([meaning[name].get(one, 0.0) for one in second_stage.NAMES])
        shares = np.array([[_first_and_three(part, chosen, at, weight) for part in parts] for weight in _SECOND])
        lost = (shares[:, :, 0] < shares[0, :, 0]).any(axis=1) if parts else np.ones(len(_SECOND), bool)
        learnt[name] = float(_SECOND[np.where(lost, -1.0, shares.sum(axis=(1, 2))).argmax()]) if parts else 0.0
    return learnt


def _first_and_three(drawn: Sequence[Example], weights: Floats, at: int, weight: float) -> tuple[float, float]:
    weights = np.where(np.arange(len(weights)) == at, weight, weights)
    best = [one.relevant[np.argsort(-(one.columns @ weights), kind="stable")[:3]] for one in drawn]
    return float(np.mean([one[:1].any() for one in best])), float(np.mean([one.any() for one in best]))


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


def opened(folder: Path, directory: Path, encoder: Embedder) -> Library:
    """The library of a folder's documents, with their vectors."""
    library = Library.open(directory, RetrievalSettings(), write=True, embedder=encoder)
    library.sync([folder])
    assert library.semantics is not None
    library.semantics.make()
    return library


def natural(folder: Path, library: Library, weights: Weights) -> tuple[list[Example], list[Told]]:
    """The questions of the questions.yaml beside a folder's documents; those without documents have no answer there.

    A passage is relevant where it is of a document that answers and holds one of the key facts. Questions about whole
    documents teach no ranking.
    """
    drawn: list[Example] = []
    told: list[Told] = []
    for question in yaml.safe_load((folder / "questions.yaml").read_text(encoding="utf-8"))["questions"]:
        if question.get("kind") in WHOLE:
            continue
        history = tuple((before, said) for before, said in question.get("history", ()))
        ranked = library.searcher.rank(question["question"], weights=weights, history=history)
        if ranked.columns is None or not len(ranked.rows):
            continue
        group = f"{folder.name}<::>{question['id']}"
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
    text, facts = spoken(passage.text), wordings(question)
    return not facts or any(spoken(wording) in text for fact in facts for wording in fact)


def check(drawn: Mapping[str, Sequence[Example]], told: Sequence[Told]) -> dict[str, dict[str, float]]:
    """Hits by file, and AUROC by source, each question scored with what the other folds taught."""
    report: dict[str, dict[str, float]] = {}
    every = [one for part in drawn.values() for one in part]
    found = {name: np.zeros(2) for name in drawn}
    exponents = left_out(told)
    for fold in range(FOLDS):
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
    parser.add_argument("encoder", type=Path, help="the ONNX file (see rag.retrieval.embedders.onnx_file)")
    parser.add_argument("files", type=Path, nargs="+", help="documents and questions (rag.training.evaluation_files)")
    parser.add_argument("--halves", type=Path, required=True, help="a file whose halves are asked of one another")
    parser.add_argument(
        "--natural", type=Path, nargs="*", default=(), help="folders of documents with a questions.yaml beside them"
    )
    parser.add_argument("--questions", type=int, default=400, help="questions to draw from each file without history")
    parser.add_argument("--second", type=Path, help="a second encoder, for English: learn only how much it adds")
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    encoder: Embedder = OnnxFile(arguments.encoder, "learning")
    start = replace(learned(), meaning={"alone": _FROM, "talk": _FROM})
    if arguments.second is not None:
        encoder, start = Paired(encoder, BertFile(arguments.second, "second"), "en"), learned()
    drawn: dict[str, list[Example]] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        root = Path(directory)
        libraries = []
        for number, file in enumerate(arguments.files):
            benchmark = some(read(file), arguments.questions)
            library, owner = open_library(benchmark, root / str(number), encoder)
            libraries.append((benchmark, library))
            drawn[file.stem] = [example for _, _, example in examples(benchmark, library, owner, start)]
        folders = [(folder, opened(folder, root / f"n{at}", encoder)) for at, folder in enumerate(arguments.natural)]
        for folder, library in folders:
            drawn[folder.name] = natural(folder, library, start)[0] * _OF_NATURAL
        if arguments.second is not None:
            for library in [*(one for _, one in libraries), *(one for _, one in folders)]:
                library.close()
            added = fit_second(drawn, start.meaning)
            print(json.dumps(added))
            if not arguments.check:
                write(replace(start, meaning={**start.meaning, second_stage.SECOND: added}))
            return
        ranking = fit([one for part in drawn.values() for one in part])
        weights = replace(start, meaning=ranking)
        told = [
            one
            for benchmark, library in libraries
            if _marked(benchmark)
            for one in recorded(benchmark, library, weights)
        ]
        told += swapped(read(arguments.halves), root / "halves", encoder, weights)
        for folder, library in folders:
            told += natural(folder, library, weights)[1]
        for library in [*(one for _, one in libraries), *(one for _, one in folders)]:
            library.close()
    print(json.dumps({**ranking, **check(drawn, told)}, indent=1))
    if not arguments.check:
        kept = {name: values for name, values in learned().meaning.items() if name == second_stage.SECOND}
        learnt = fit_confidence(told)
        learnt["answerable"] = bounded(learnt["answerable"], told, left_out(told))
        write(replace(weights, meaning={**kept, **ranking, **learnt}))


def _marked(benchmark: Benchmark) -> bool:
    return any(question.answerability == UNANSWERABLE for question in benchmark.questions)


if __name__ == "__main__":
    main()

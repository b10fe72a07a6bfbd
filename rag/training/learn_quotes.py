"""Learns what makes a stretch of a passage an answer: `python -m rag.training.learn_quotes FILE...`.

Knows how examples are drawn: a unit is right where what is quoted with it holds as much of the wanted answer as any
other does. FILE is a JSON file of `rag.training.evaluation_files`, or a questions.yaml beside its documents (the head
of the one in docs_corpus/ says how it is written). Writes `rag/grounding/weights.json`; with `--check` it writes
nothing and prints, for each file, what the others teach: the share of the questions whose quotes hold all that is
wanted.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.grounding import choosing, stretches, unit_features
from rag.grounding.spans import Span
from rag.grounding.units import Kind
from rag.library import Library
from rag.retrieval.embedders.base import Embedder
from rag.retrieval.embedders.onnx_file import OnnxFile
from rag.retrieval.weights import learned
from rag.settings import RetrievalSettings
from rag.training import evaluation_files, question_sets
from rag.training.fit import Bools, Floats, listwise
from rag.training.key_facts import held, wordings
from rag.types import Likes, Passage

WORDS = 120
_SHARE_OF_WRITTEN = 6
"""Questions written for such documents count so many times as much as those of a reading test."""
_CALM = 0.8
"""The odds that were learned are less sure of documents that they were not learned from."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was searched, what was found and in which documents, the wanted facts in their wordings, and the
    words that are like the question's.
    """

    question: str
    passages: tuple[Passage, ...]
    documents: tuple[str, ...]
    right: frozenset[str]
    facts: tuple[tuple[str, ...], ...]
    likes: Likes


def asked(file: Path, directory: Path, questions: int, encoder: Embedder | None) -> Iterator[Asked]:
    """The answerable questions of a file, `questions` of them at most, each with what a search finds."""
    if file.suffix == ".json":
        benchmark = evaluation_files.read(file)
        library, owner = evaluation_files.open_library(benchmark, directory, encoder)
        drawn = random.Random(3).sample(benchmark.questions, min(questions, len(benchmark.questions)))
        for one in drawn:
            found = library.search(one.text, history=one.history)
            names = tuple(owner[passage.id] for passage in found.passages)
            if found.passages and one.relevant:
                yield Asked(found.query, found.passages, names, one.relevant, (one.answers,), found.likes)
    else:
        library = Library.open(directory, RetrievalSettings(), write=True, embedder=encoder)
        library.sync([file.resolve().parent])
        if library.semantics is not None:
            library.semantics.make()
        for entry, found in question_sets.searched(file, library):
            names = tuple(passage.document for passage in found.passages)
            if found.passages and entry["documents"]:
                right, facts = frozenset(entry["documents"]), wordings(entry)
                yield Asked(found.query, found.passages, names, right, facts, found.likes)
    library.close()


def example(one: Asked) -> tuple[Floats, Bools] | None:
    """(features, which units are right) of a question, or None where nothing that was found holds the answer."""
    found = unit_features.split(one.passages)
    if not found:
        return None
    alone = np.full(len(found), -99.0)
    shares: list[float] = []
    for i, unit in enumerate(found):
        alone[i] = 1.0
        grown = stretches.grow(one.passages, found, i, alone if unit.unit.kind is Kind.ROW else None)
        alone[i] = -99.0
        said = " ".join(one.passages[found[k].passage].text[found[k].start : found[k].end] for k in grown)
        shares.append(held(said, one.facts))
    share = np.array(shares)
    right = np.array([one.documents[unit.passage] in one.right for unit in found], bool)
    if not (share * right).any():
        right[:] = True
    best = (share * right).max()
    return (
        (unit_features.describe(one.question, one.passages, found, learned(), likes=one.likes), (share >= best) & right)
        if best
        else None
    )


def texts(passages: Sequence[Passage], spans: Sequence[Span]) -> list[str]:
    """What is quoted, unit by unit, as it stands in the passages."""
    return [passages[span.passage].text[unit.start : unit.end] for span in spans for unit in span.units]


def answered(questions: Sequence[Asked], values: Floats) -> tuple[float, float]:
    """(share of the questions whose quotes hold every fact, mean number of quoted words)."""
    hits, words = 0, 0
    for one in questions:
        found = unit_features.split(one.passages)
        scores = unit_features.describe(one.question, one.passages, found, learned(), likes=one.likes) @ values
        said = texts(one.passages, choosing.choose(one.passages, found, scores, WORDS) if found else [])
        hits += held(" ".join(said), one.facts) == 1.0
        words += sum(map(unit_features.word_count, said))
    return hits / max(1, len(questions)), words / max(1, len(questions))


def learn(lists: Sequence[tuple[Floats, Bools]]) -> Floats:
    """The weight of each of `unit_features.FEATURES`."""
    return _CALM * listwise(lists, epochs=15, rate=0.03)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rag.training.learn_quotes", description="Learn what to quote.")
    parser.add_argument("files", nargs="+", type=Path, help="questions with their documents")
    parser.add_argument("--check", action="store_true", help="score each file with what the others teach")
    parser.add_argument("--questions", type=int, default=350, help="questions to draw from each JSON file")
    parser.add_argument("--encoder", type=Path, help="the ONNX file, without which words alone find and choose")
    arguments = parser.parse_args()
    encoder = OnnxFile(arguments.encoder, "learning") if arguments.encoder is not None else None
    sets: list[list[Asked]] = []
    lists: list[list[tuple[Floats, Bools]]] = []
    for file in arguments.files:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            sets.append(list(asked(file, Path(directory), arguments.questions, encoder)))
        drawn = [made for one in sets[-1] if (made := example(one)) is not None]
        lists.append(drawn if file.suffix == ".json" else drawn * _SHARE_OF_WRITTEN)
    if arguments.check:
        for at, file in enumerate(arguments.files):
            values = learn([one for i, part in enumerate(lists) if i != at for one in part])
            share, words = answered(sets[at], values)
            print(json.dumps({"file": file.name, "all_facts": round(share, 4), "words": round(words, 1)}))
        return
    values = learn([one for part in lists for one in part])
    named = {name: round(float(value), 4) for name, value in zip(unit_features.FEATURES, values, strict=True)}
    unit_features.WEIGHTS.write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Learns the weights of retrieval from files of documents and questions: `python -m rag.training.learn FILE [--check]`.

Knows how examples are drawn so that no question is scored with what was learned from its own document, and the listwise
fit. Writes `weights.json`. With `--check` it writes nothing and prints the cross-validated recall instead: by document,
or with `--check title` by work (the documents of one title), which says what to expect of works never seen. Needs only
numpy. The fit is a linear ranker under the listwise softmax loss (ListNet's top-one case, Cao and others 2007), by
Adam.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.rerank_features import NAMES
from rag.retrieval.reranker import score, standardised
from rag.retrieval.searcher import Searcher
from rag.retrieval.weights import PATH, Weights, learned
from rag.text.analyser import tokens
from rag.text.language import detect
from rag.training.evaluation_files import Benchmark, JudgedQuestion, open_library, read
from rag.training.fit import Floats, listwise
from rag.training.learn_answers import learn_answerable

_PRIOR = 4.0
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question and whether a passage that answers it holds the word."""

    stem: str
    kind: str
    carried: bool


@dataclass(frozen=True, slots=True)
class Example:
    """The candidates of one question: their features as they are, which of them are relevant, and how many were dropped
    (see `rag.retrieval.reranker.standardised`).
    """

    features: Floats
    relevant: NDArray[np.bool_]
    dropped: int


class Carry:
    """Counts of how often words of a question occur in the passages that answer it, less one group's own questions."""

    def __init__(self, language: str, words: Mapping[str, Sequence[Word]]) -> None:
        """`words`: group -> the words of all its questions; a group is a document or a work."""
        self._language = language
        self._words = words
        self._seen: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        kinds: dict[str, Counter[str]] = defaultdict(Counter)
        totals: Counter[str] = Counter()
        hits: Counter[str] = Counter()
        for of_group in words.values():
            for word in of_group:
                self._seen[word.stem] += 1
                self._held[word.stem] += word.carried
                kinds[word.stem][word.kind] += 1
                totals[word.kind] += 1
                hits[word.kind] += word.carried
        self.kinds = {kind: _bounded(hits[kind] / totals[kind]) for kind in sorted(totals)}
        self._kind = {stem: counts.most_common(1)[0][0] for stem, counts in kinds.items()}
        self._table = {stem: self._chance(stem, n, self._held[stem]) for stem, n in self._seen.items() if n >= 3}

    def _chance(self, stem: str, seen: int, held: int) -> float:
        prior = self.kinds[self._kind[stem]]
        return _bounded((held + _PRIOR * prior) / (seen + _PRIOR))

    def weights(self, base: Weights) -> Weights:
        """`base` with these chances."""
        table = dict(sorted(self._table.items()))
        return replace(base, carry={self._language: table}, carry_kinds=self.kinds)

    def without(self, group: str, base: Weights) -> Weights:
        """`base` with the chances as they would be had the questions of `group` never been seen."""
        own_seen, own_held = Counter[str](), Counter[str]()
        for word in self._words.get(group, ()):
            own_seen[word.stem] += 1
            own_held[word.stem] += word.carried
        table = dict(self._table)
        for stem, n in own_seen.items():
            left = self._seen[stem] - n
            if left >= 3:
                table[stem] = self._chance(stem, left, self._held[stem] - own_held[stem])
            else:
                table.pop(stem, None)
        return replace(base, carry={self._language: table}, carry_kinds=self.kinds)


def _bounded(chance: float) -> float:
    """Never certain: the weight of a word that always or never is in the answer would have no bounds."""
    return round(min(0.98, max(0.02, chance)), 3)


def groups_of(benchmark: Benchmark, by: str) -> dict[str, str]:
    """Document id -> its group: itself, or by "title" the work it belongs to."""
    return {identity: title if by == "title" and title else identity for identity, title, _ in benchmark.documents}


def words_by_group(
    benchmark: Benchmark, searcher: Searcher, groups: Mapping[str, str]
) -> tuple[str, dict[str, list[Word]]]:
    """The language of a file and, for each group of documents, the words of its questions."""
    bodies = {identity: f"{title}\n{text}" for identity, title, text in benchmark.documents}
    language = detect(" ".join(q.text for q in benchmark.questions[:200]))
    stems: dict[str, set[str]] = {}
    words: dict[str, list[Word]] = defaultdict(list)
    for question in benchmark.questions:
        document = min(question.relevant)
        if document not in stems:
            stems[document] = {token.term for token in tokens(bodies[document], language)}
        for term in searcher.analyse(question.text).terms:
            if not term.stop:
                held = any(s in stems[document] for s in term.stems)
                words[groups[document]].append(Word(term.stems[0], term.kind, held))
    return language, words


def examples(
    questions: Sequence[JudgedQuestion],
    searcher: Searcher,
    owner: Mapping[str, str],
    carry: Carry,
    groups: Mapping[str, str],
) -> list[Example]:
    """The candidates of every question, each analysed without its own group's questions."""
    found: list[Example] = []
    base = Weights()
    chances: dict[str, Weights] = {}
    for question in questions:
        group = groups[min(question.relevant)]
        if group not in chances:
            chances = {group: carry.without(group, base)}  # the questions of a group mostly follow one another
        ranked = searcher.rank(question.text, weights=chances[group])
        relevant = np.zeros(len(ranked.rows), bool)
        relevant[ranked.order] = [owner[str(row)] in question.relevant for row in ranked.rows]
        found.append(Example(ranked.found.features, relevant, ranked.dropped))
    return found


def fit(drawn: Sequence[Example], base: Weights) -> Weights:
    """`base` with the ranking that puts the relevant candidates first."""
    spread = np.concatenate([e.features for e in drawn]).std(axis=0)
    weights = listwise([(standardised(e.features, spread, e.dropped), e.relevant) for e in drawn])
    return replace(
        base,
        ranking={name: round(float(w), 4) for name, w in zip(NAMES, weights, strict=True)},
        spread={name: round(float(w), 5) for name, w in zip(NAMES, spread, strict=True)},
    )


def recall(drawn: Sequence[Example], weights: Weights) -> dict[int, int]:
    """Number of questions with a relevant candidate among the first k."""
    hits = {1: 0, 5: 0, 10: 0}
    for example in drawn:
        ranked = example.relevant[np.argsort(-score(example.features, weights, example.dropped), kind="stable")]
        for k in hits:
            hits[k] += bool(ranked[:k].any())
    return hits


def cross_validate(benchmark: Benchmark, directory: Path, by: str) -> dict[str, float]:
    """Recall on groups of documents none of whose questions were learned from, in five folds; see `groups_of`."""
    library, owner = open_library(benchmark, directory)
    groups = groups_of(benchmark, by)
    language, words = words_by_group(benchmark, library.searcher, groups)
    totals: Counter[int] = Counter()
    for fold in range(_FOLDS):
        held_out = {group for group in words if crc32(group.encode()) % _FOLDS == fold}
        carry = Carry(language, {group: w for group, w in words.items() if group not in held_out})
        parts: tuple[list[JudgedQuestion], list[JudgedQuestion]] = [], []
        for question in benchmark.questions:
            parts[groups[min(question.relevant)] in held_out].append(question)
        taught, asked = (examples(part, library.searcher, owner, carry, groups) for part in parts)
        totals.update(recall(asked, fit(taught, Weights())) if asked else {})
    library.close()
    return {f"recall@{k}": round(total / max(1, len(benchmark.questions)), 4) for k, total in sorted(totals.items())}


def learn(benchmark: Benchmark, directory: Path, base: Weights) -> Weights:
    """Weights learned from every question of a file, in place of those of `base`: as if its works had not been seen."""
    library, owner = open_library(benchmark, directory)
    groups = groups_of(benchmark, "title")
    language, words = words_by_group(benchmark, library.searcher, groups)
    carry = Carry(language, words)
    drawn = examples(benchmark.questions, library.searcher, owner, carry, groups)
    library.close()
    return fit(drawn, carry.weights(base))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rag.training.learn", description="Learn the weights of retrieval.")
    parser.add_argument("file", type=Path, help="documents and questions (see rag.training.evaluation_files)")
    parser.add_argument(
        "--check",
        nargs="?",
        choices=("document", "title"),
        const="document",
        help="print the cross-validated recall, by document or by the works of one title, and write nothing",
    )
    parser.add_argument("--only", choices=("ranking", "answers"), help="learn only this part, keep the other")
    parser.add_argument("--questions", type=int, default=1200, help="questions to draw for each later part")
    arguments = parser.parse_args()
    benchmark = read(arguments.file)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        if arguments.check:
            print(json.dumps(cross_validate(benchmark, root, arguments.check)))
            return
        weights = learned()
        if arguments.only != "answers":
            weights = learn(benchmark, root / "ranking", weights)
            write(weights)
        if arguments.only != "ranking":
            answering, report = learn_answerable(benchmark, root / "answerable", weights, arguments.questions)
            weights = replace(weights, answerable=answering)
            write(weights)
            print(json.dumps(report))


def write(weights: Weights) -> None:
    """Replace the weights that ship."""
    content = {
        "carry": weights.carry,
        "carry_kinds": weights.carry_kinds,
        "ranking": weights.ranking,
        "spread": weights.spread,
        "answerable": weights.answerable,
        "meaning": weights.meaning,
    }
    PATH.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    learned.cache_clear()  # what is learned next searches with these


if __name__ == "__main__":
    main()

"""Measures retrieval on a file of documents, questions and which documents are relevant.

Knows the format (`documents`: id, title, text; `questions`: id, question, relevant, answers, and where a conversation
was recorded `history` and `answerability`), the metrics and the clock. Every document is indexed as one passage;
documents that share a title are parts of one work. Does not tune anything.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import regex

from rag.errors import UserFacingError
from rag.formats.extracted import Extracted
from rag.ingest.chunking import Cut
from rag.ingest.document_builder import analysed_document
from rag.library import Library
from rag.principal import ANYBODY
from rag.retrieval.embedders.base import Embedder
from rag.settings import RetrievalSettings
from rag.storage.records import NewDocument
from rag.training.fit import auroc

_DEPTH = 10
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TYPO_WORD = regex.compile(r"\p{L}{4,}")
ANSWERABLE, PARTIAL, UNANSWERABLE = "answerable", "partial", "unanswerable"


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """A question, the documents that answer it, and texts that an answer may contain.

    `history` has the (question, answer) pairs asked before it, oldest first. `answerability` is "answerable",
    "partial", "unanswerable" or another word of the file; where the file has none, what it has relevant documents for
    is answerable.
    """

    id: str
    text: str
    relevant: frozenset[str]
    answers: tuple[str, ...]
    history: tuple[tuple[str, str], ...] = ()
    answerability: str = ANSWERABLE


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A retrieval file: `documents` as (id, title, text)."""

    documents: tuple[tuple[str, str, str], ...]
    questions: tuple[JudgedQuestion, ...]


def read(path: Path) -> Benchmark:
    """Read a retrieval file. Raises UserFacingError when it cannot be read or has another form."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        documents = tuple((str(d["id"]), str(d.get("title") or ""), str(d["text"])) for d in content["documents"])
        questions = tuple(_question(q) for q in content["questions"])
    except OSError as error:
        raise UserFacingError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserFacingError(
            f"{path} is no retrieval file; it needs `documents` (id, title, text) and "
            "`questions` (id, question, relevant, and maybe history, a list of questions with their answers)."
        ) from error
    return Benchmark(documents, questions)


def _question(entry: dict[str, Any]) -> JudgedQuestion:
    relevant = frozenset(map(str, entry["relevant"]))
    return JudgedQuestion(
        str(entry["id"]),
        str(entry["question"]),
        relevant,
        tuple(map(str, entry.get("answers", ()))),
        tuple((str(asked), str(answered)) for asked, answered in entry.get("history") or ()),
        str(entry.get("answerability") or (ANSWERABLE if relevant else UNANSWERABLE)),
    )


def open_library(
    benchmark: Benchmark, directory: Path, embedder: Embedder | None = None
) -> tuple[Library, dict[str, str]]:
    """Index a benchmark's documents in `directory`, and make their vectors where there is an `embedder`; returns the
    library and passage id -> document id.
    """
    library = Library.open(directory, RetrievalSettings(), write=True, embedder=embedder)
    works: dict[str, list[tuple[str, str, str]]] = {}
    for document in benchmark.documents:
        works.setdefault(document[1] or f"\0{document[0]}", []).append(document)
    owners: list[list[str]] = []
    made: list[NewDocument] = []
    for number, parts in enumerate(works.values()):
        text, cuts, ids = "", [], []
        for identity, _, body in parts:
            text += "\n\n" if text else ""
            cuts.append(Cut(len(text), len(text) + len(body), None, ()))
            text += body
            ids.append(identity)
        extracted = Extracted(text, title=parts[0][1])
        made.append(analysed_document(extracted, cuts, name=_nameless(number), kind="txt", modified=0.0))
        owners.append(ids)
    stored = library.add(made)
    if library.semantics is not None:
        library.semantics.make()
    passages = {
        passage_id: owner
        for document_id, ids in zip(stored, owners, strict=True)
        for passage_id, owner in zip(library.seen_by(ANYBODY).passage_ids(document_id), ids, strict=True)
    }
    return library, passages


def _nameless(number: int) -> str:
    """A document's name that no question holds, so that it neither helps nor harms."""
    return f"qx{''.join(_LETTERS[int(digit)] for digit in str(number))}"


def evaluate_file(path: Path, *, typos: int = 0, seed: int = 0, embedder: Embedder | None = None) -> dict[str, float]:
    """Recall@1, @5, @10, MRR@10, nDCG@10 (binary relevance), hit@1, hit@5 and the time of a search in ms (p50, p95) on
    one file; where it has both answerable and unanswerable questions, how well the confidence tells them apart.

    `typos` misspells that many letters of every question, the same for the same `seed`. With an `embedder`, meaning
    takes part.
    """
    benchmark = read(path)
    with tempfile.TemporaryDirectory() as directory:
        library, owner = open_library(benchmark, Path(directory), embedder)
        chance = random.Random(seed)
        found: list[list[str]] = []
        sure: list[float] = []
        times: list[float] = []
        library.warm(60.0)
        for question in benchmark.questions:
            text = question.text
            for _ in range(typos):
                text = misspell(text, chance)
            began = time.perf_counter()
            result = library.search(text, history=question.history, limit=_DEPTH)
            times.append((time.perf_counter() - began) * 1000.0)
            found.append([owner[passage.id] for passage in result.passages])
            sure.append(result.confidence)
        library.close()
    having = [at for at, question in enumerate(benchmark.questions) if question.relevant]
    report = metrics([benchmark.questions[at].relevant for at in having], [found[at] for at in having])
    report |= hits(benchmark.questions, found) | refusals(benchmark.questions, sure)
    times.sort()
    report["p50_ms"] = round(_quantile(times, 0.5), 3)
    report["p95_ms"] = round(_quantile(times, 0.95), 3)
    return report


def metrics(relevant: Sequence[frozenset[str]], found: Sequence[Sequence[str]]) -> dict[str, float]:
    """The ranking metrics of many questions, each the mean over questions. Recall@k is the share of the relevant
    found.
    """
    sums = {"recall@1": 0.0, "recall@5": 0.0, "recall@10": 0.0, "mrr@10": 0.0, "ndcg@10": 0.0}
    for wanted, ranking in zip(relevant, found, strict=True):
        for depth in (1, 5, 10):
            sums[f"recall@{depth}"] += len(wanted & set(ranking[:depth])) / max(1, min(depth, len(wanted)))
        places = [rank for rank, one in enumerate(ranking[:_DEPTH], 1) if one in wanted]
        sums["mrr@10"] += 1.0 / places[0] if places else 0.0
        ideal = sum(1.0 / log2(rank + 1) for rank in range(1, min(_DEPTH, len(wanted)) + 1))
        sums["ndcg@10"] += sum(1.0 / log2(rank + 1) for rank in places) / ideal if ideal else 0.0
    count = max(1, len(relevant))
    return {name: round(value / count, 4) for name, value in sums.items()}


def hits(questions: Sequence[JudgedQuestion], found: Sequence[Sequence[str]]) -> dict[str, float]:
    """The share of answerable and partly answerable questions with any relevant document first, or among five."""
    asked = [
        (question.relevant, ranking)
        for question, ranking in zip(questions, found, strict=True)
        if question.answerability in (ANSWERABLE, PARTIAL)
    ]
    return {
        f"hit@{depth}": round(sum(not wanted.isdisjoint(r[:depth]) for wanted, r in asked) / max(1, len(asked)), 4)
        for depth in (1, 5)
    }


def refusals(questions: Sequence[JudgedQuestion], sure: Sequence[float]) -> dict[str, float]:
    """How well confidence tells answerable questions from unanswerable ones: AUROC, and the shares of both that the
    default setting refuses; nothing where one of the two is missing.
    """
    kinds = np.array([question.answerability for question in questions])
    scores = np.array(sure)
    yes, no = kinds == ANSWERABLE, kinds == UNANSWERABLE
    if not yes.any() or not no.any():
        return {}
    refused = scores < RetrievalSettings().minimum_confidence
    told = yes | no
    return {
        "auroc": round(auroc(scores[told], yes[told]), 4),
        "refused_answerable": round(float(refused[yes].mean()), 4),
        "refused_unanswerable": round(float(refused[no].mean()), 4),
    }


def misspell(text: str, chance: random.Random) -> str:
    """`text` with one random edit (swap, drop, double or replace a letter) inside one of its longer words."""
    words = list(_TYPO_WORD.finditer(text))
    if not words:
        return text
    word = chance.choice(words)
    at = chance.randrange(word.start(), word.end() - 1)
    kind = chance.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + text[at] + text[at:]
    return text[:at] + chance.choice(_LETTERS) + text[at + 1 :]


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

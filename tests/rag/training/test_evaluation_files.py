"""Measuring retrieval, and learning from a small made-up file."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from rag.errors import UserFacingError
from rag.retrieval.weights import Weights
from rag.training import evaluation_files, fit
from rag.training.learn import cross_validate, learn
from rag.training.learn_answers import learn_answerable

_TOPICS = ["leave", "backup", "laptop", "server", "travel", "badge", "parking", "canteen", "printer", "visitor"]
_PLACES = ["Tartu", "Leeds", "Izmir", "Quebec"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents, questions = [], []
    for at, (topic, place) in enumerate((t, p) for t in _TOPICS for p in _PLACES):
        text = f"In {place} the {topic} office opens at {at + 3} past noon. Anyone may ask. It has {at + 50} seats."
        documents.append({"id": at, "title": f"The {topic} handbook", "text": text})
        asked = f"When does the {topic} office in {place} open?"
        questions.append({"id": at, "question": asked, "relevant": [at], "answers": [f"{at + 3} past"]})
    path = tmp_path_factory.mktemp("retrieval") / "file.json"
    path.write_text(json.dumps({"documents": documents, "questions": questions}), encoding="utf-8")
    return path


def test_every_document_is_one_passage_and_the_right_one_is_found(file: Path) -> None:
    report = evaluation_files.evaluate_file(file)
    assert set(report) == {
        "recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10", "hit@1", "hit@5", "p50_ms", "p95_ms",
    }  # fmt: skip
    assert report["recall@1"] == 1.0


def test_conversations_are_asked_and_refusals_counted(tmp_path: Path) -> None:
    documents = [
        {"id": "a", "title": "Leave", "text": "Employees get 25 days of annual leave a year."},
        {"id": "b", "title": "Leave", "text": "Contractors get twelve days of unpaid leave a year."},
        {"id": "c", "title": "Backups", "text": "The nightly backup runs at two and is kept for ninety days."},
    ]
    asked = {"history": [["How many days of annual leave do employees get?", "25 days."]], "answers": []}
    questions = [
        {"id": "1", "question": "and contractors?", "relevant": ["b", "a"], "answerability": "answerable", **asked},
        {"id": "2", "question": "When does the backup run?", "relevant": ["a"], "answerability": "partial"},
        {"id": "3", "question": "Which restaurant serves soup?", "relevant": [], "answerability": "unanswerable"},
        {"id": "4", "question": "Tell me more", "relevant": [], "answerability": "underspecified"},
    ]
    path = tmp_path / "file.json"
    path.write_text(json.dumps({"documents": documents, "questions": questions}), encoding="utf-8")
    read = evaluation_files.read(path)
    assert read.questions[0].history == (("How many days of annual leave do employees get?", "25 days."),)
    report = evaluation_files.evaluate_file(path)
    assert report["hit@1"] == 0.5
    assert report["auroc"] == 1.0
    assert report["refused_unanswerable"] == 1.0
    assert report["recall@1"] == 0.5


def test_typos_are_the_same_for_the_same_seed(file: Path) -> None:
    text = "When does the backup office open?"
    assert evaluation_files.misspell(text, random.Random(3)) == evaluation_files.misspell(text, random.Random(3))
    changed = [evaluation_files.misspell(text, random.Random(seed)) for seed in range(20)]
    assert sum(one != text for one in changed) >= 18
    assert evaluation_files.evaluate_file(file, typos=1)["recall@5"] >= 0.9


def test_metrics_of_a_known_ranking() -> None:
    report = evaluation_files.metrics([frozenset("a"), frozenset("b")], [["a", "x"], ["x", "y", "b"]])
    assert report["recall@1"] == 0.5
    assert report["recall@5"] == 1.0
    assert report["mrr@10"] == pytest.approx((1 + 1 / 3) / 2, abs=1e-4)
    assert report["ndcg@10"] == pytest.approx((1 + 0.5) / 2, abs=1e-4)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"documents": []}',
        '{"documents": [{"id": 1}], "questions": []}',
        "\ud83d",
        '{"documents": [], "questions": [{"id": 1, "question": "a", "relevant": [], "history": ["b"]}]}',
    ],
)
def test_a_file_of_another_form_is_refused_in_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserFacingError, match=r"file\.json"):
        evaluation_files.read(path)


def test_what_is_learned_ranks_and_refuses(file: Path, tmp_path: Path) -> None:
    benchmark = evaluation_files.read(file)
    weights = learn(benchmark, tmp_path / "a", Weights())
    assert weights.carry_kinds["name"] > 0.9
    answerable, report = learn_answerable(benchmark, tmp_path / "b", weights, 20)
    assert report["auroc"] > 0.9
    assert "constant" in answerable


@pytest.mark.parametrize("by", ["document", "title"])
def test_cross_validation_scores_every_question_once(file: Path, tmp_path: Path, by: str) -> None:
    report = cross_validate(evaluation_files.read(file), tmp_path, by)
    assert report["recall@1"] > 0.9
    assert report["recall@1"] <= report["recall@5"] <= report["recall@10"] <= 1.0


def test_the_listwise_fit_finds_the_column_that_tells() -> None:
    draw = np.random.default_rng(0)
    lists = []
    for _ in range(200):
        features = draw.normal(size=(10, 3))
        lists.append((features, features[:, 1] == features[:, 1].max()))
    weights = fit.listwise(lists)
    assert weights[1] > 5 * max(abs(weights[0]), abs(weights[2]))


def test_the_logistic_fit_is_calibrated_and_auroc_counts_ties_half() -> None:
    draw = np.random.default_rng(0)
    features = draw.normal(size=(4000, 2))
    truth = draw.random(4000) < 1 / (1 + np.exp(-(2 * features[:, 0] - 1)))
    constant, weights = fit.logistic(features, truth, np.ones(4000), ridge=1.0)
    assert constant == pytest.approx(-1.0, abs=0.2)
    assert weights == pytest.approx([2.0, 0.0], abs=0.2)
    assert fit.auroc(np.zeros(4), np.array([True, False, True, False])) == 0.5

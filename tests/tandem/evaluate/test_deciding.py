"""`tandem evaluate routing`, `grounding`, `citations`, `fit`, `replay`, and `tandem cost`, as a person calls them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from hybrid.tracing.sql_store import SqlTraceStore
from hybrid.tracing.trace import Trace
from tests.support.terminal import Tandem


def pairs(file: Path, rows: int, seed: int) -> Path:
    """Sums, of which the small model gets some wrong and shows it."""
    chance = random.Random(seed)
    lines = []
    for _ in range(rows):
        a, b = chance.randint(2, 50), chance.randint(2, 50)
        right = chance.random() < 0.6
        stated = a * b if right else a * b + chance.choice([1, 10, 100])
        wobble = chance.random() < 0.1
        lines.append(
            json.dumps(
                {
                    "question": f"A crate holds {a} bottles. How many are in {b} crates?",
                    "small": {"text": f"There are {a} * {b} = {stated} bottles.", "correct": right != wobble},
                    "large": {"text": f"{a} * {b} = {a * b}.", "correct": chance.random() < 0.9},
                }
            )
        )
    file.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return file


VOCABULARY = "bridge river harbour opened builders stone tower engineers council winter market square garden"


def grounded(file: Path, rows: int, seed: int) -> Path:
    chance = random.Random(seed)
    words = sorted(VOCABULARY.split())
    lines = []
    for _ in range(rows):
        context = " ".join(chance.sample(words, 9))
        held = chance.random() < 0.5
        answer = " ".join(context.split()[2:7]) if held else "i really love " + " ".join(chance.sample(words, 4))
        label = "Fully attributable" if held else "Not fully attributable"
        lines.append(json.dumps({"context": context, "message": "?", "answer": answer, "label": label}))
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_routing_by_cross_validation_with_a_picture(tandem: Tandem, tmp_path: Path) -> None:
    result = tandem("evaluate", "routing", str(pairs(tmp_path / "a.jsonl", 160, 1)), "--json", "--plot", "curve.png")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert {"apgr", "apgr_low", "cpt50", "cpt80", "ece", "auroc"} <= record.keys()
    assert record["apgr_low"] < record["apgr"] < record["beside"]["oracle"]["apgr"]
    assert record["apgr"] > record["beside"]["length_600"]["apgr"]
    assert record["beside"]["random"]["apgr"] == pytest.approx(0.5, abs=0.1)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_routing_fitted_on_another_file(tandem: Tandem, tmp_path: Path) -> None:
    train, test = pairs(tmp_path / "a.jsonl", 120, 1), pairs(tmp_path / "b.jsonl", 60, 2)
    record = json.loads(tandem("evaluate", "routing", str(test), "--fit", str(train), "--json").stdout)
    assert record["fitted"] == "fitted on a.jsonl" and record["questions"] == 60
    assert record["auroc"] > 0.8


def test_grounding_both_ways(tandem: Tandem, tmp_path: Path) -> None:
    train, test = grounded(tmp_path / "a.jsonl", 80, 1), grounded(tmp_path / "b.jsonl", 60, 2)
    alone = json.loads(tandem("evaluate", "grounding", str(train), "--json").stdout)
    fitted = json.loads(tandem("evaluate", "grounding", str(test), "--fit", str(train), "--json").stdout)
    assert alone["auroc"] > 0.95 and fitted["auroc"] > 0.95
    assert fitted["p99_ms"] >= fitted["p50_ms"] > 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"question": "x"}\n' * 50, ["line 1", "small"]),
        ("nonsense\n", ["line 1"]),
        ("", ["0 lines", "at least 40"]),
        (b"\xff\xfe", ["UTF-8"]),
        (None, ["cannot be read"]),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(
    tandem: Tandem, tmp_path: Path, content: str | bytes | None, words: list[str]
) -> None:
    file = tmp_path / "bad.jsonl"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    for command in ("routing", "grounding"):
        result = tandem("evaluate", command, str(file))
        said = str(result.exception)
        assert result.exit_code != 0 and "Traceback" not in said
        if command == "routing":
            assert all(word in said for word in words), said


def test_planted_faults_are_counted(tandem: Tandem, home: Path, corpus: Path) -> None:
    questions = """
questions:
  - {id: a, question: "How many days of paid holiday has an employee?", documents: [leave.md],
     answer: "Every employee has 25 days of paid holiday a year.", key_facts: ["25 days"]}
  - {id: b, question: "How much may a hotel cost a night?", documents: [travel.md],
     answer: "A hotel may cost 120 euros a night at most.", key_facts: ["120 euros"]}
"""
    (corpus / "questions.yaml").write_text(questions, encoding="utf-8")
    record = json.loads(tandem("evaluate", "citations", str(corpus / "questions.yaml"), "--json").stdout)
    assert record["faults"] >= 3 and record["good"] >= 2
    assert record["faults_marked"] == 1.0 and record["good_marked"] == 0.0


def test_too_few_judged_answers_and_no_answers_at_all_are_told(tandem: Tandem, home: Path) -> None:
    assert "No question was answered" in str(tandem("evaluate", "fit").exception)
    assert "No question was answered" in str(tandem("cost").exception)


def stored(home: Path, count: int) -> None:
    """Answers of the small model, judged by a comparison with the large one."""
    chance = random.Random(5)
    store = SqlTraceStore(home / ".tandem" / "traces.db")
    for number in range(count):
        support = chance.random()
        trace = Trace.start(f"question {number}", "c")
        trace.signals = {
            "chars": 200.0, "support": support, "refused": 0.0, "confidence": 0.8, "truncated": 0.0,
            "repetition": 0.0, "topics": 0.0, "weakest_support": support,
        }  # fmt: skip
        agreed = support + 0.2 * chance.random() > 0.5
        trace.comparison = {"agreement": 0.9 if agreed else 0.1, "support": 1.0, "draft_support": 1.0}
        trace.outcome, trace.answer = "finished", "x"
        store.save(trace.finish())
    store.close()


def test_fit_replay_and_cost_on_stored_answers(tandem: Tandem, home: Path) -> None:
    stored(home, 80)
    fitted = tandem("evaluate", "fit", "--json")
    assert fitted.exit_code == 0, fitted.exception
    report = json.loads(fitted.stdout)
    assert report["labels"] == 80 and report["auroc"] > 0.8
    assert (home / ".tandem" / "policy.json").is_file()
    replayed = json.loads(tandem("evaluate", "replay", "--json", "--thresholds", "0.2,0.8").stdout)
    assert replayed["answers"] == replayed["judged"] == 80
    low, high = replayed["policies"]["logistic >= 0.2"], replayed["policies"]["logistic >= 0.8"]
    assert low["escalated"] > high["escalated"]
    assert low["bad_escalated"] > low["good_escalated"]
    assert replayed["policies"]["always"]["escalated"] == 1.0
    cost = json.loads(tandem("cost", "--json").stdout)
    assert cost["answers"] == 80 and cost["money"] == 0.0
    assert "always large" in tandem("cost").stdout
    assert "no list of probabilities" in str(tandem("evaluate", "replay", "--thresholds", "often").exception)

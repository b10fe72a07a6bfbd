import json
from pathlib import Path

import pytest

from tandem.evaluate.answers import Outcome, contains, report
from tandem.evaluate.questions import Asked
from tests.support.terminal import Tandem

QUESTIONS = """
questions:
  - {id: holidays, question: "How many days of holiday has an employee?", documents: [leave.md], key_facts: ["25 DAYS"]}
  - {id: hotel, question: "How much may a hotel cost?", documents: [travel.md], key_facts: [["120 euros", "€120"]]}
  - {id: wrong, question: "How are journeys under six hours made?", documents: [travel.md], key_facts: ["by camel"]}
  - {id: none, question: "Who composed the opera about the moon landing?", documents: [], key_facts: []}
"""
BENCHMARK = {
    "documents": [
        {"id": 1, "title": "Parking", "text": "The car park behind the library opens at six in the morning."},
        {"id": 2, "title": "Canteen", "text": "The canteen serves lunch from noon until two."},
    ],
    "questions": [
        {"id": "q1", "question": "When does the car park open?", "relevant": [1], "answers": ["six in the morning"]},
        {"id": "q2", "question": "When does the canteen serve lunch?", "relevant": [2], "answers": ["never"]},
    ],
}


@pytest.mark.parametrize(
    ("text", "wanted", "found"),
    [
        ("It takes 4.5\nseconds [2].", "4.5 seconds", True),
        ("Within ten [1] working days", "ten working days", True),
        ("İSTANBUL ofisi", "istanbul", True),
        ("It takes 45 seconds.", "4.5 seconds", False),
        ("It is kept for 15 years.", "5 years", False),
        ("The limit is 0.65.", "0.6", False),
        ("Memnuniyet yüzde 91 oldu.", "%91", True),
        ("It reached 80% of them.", "80 per cent", True),
    ],
)
def test_an_answer_contains_a_fact_whatever_its_case_spaces_and_markers(text: str, wanted: str, found: bool) -> None:
    assert contains(text, [wanted]) is found
    assert contains(text, ["nowhere in it", wanted]) is found


def test_the_report_counts_each_kind_apart() -> None:
    answerable = Asked(id="a", question="?", documents=("x",), key_facts=("six", ("dawn", "sunrise")))
    unanswerable = Asked(id="u", question="?")
    outcomes = [
        Outcome(answerable, "At six, at sunrise [1].", False, ("y", "x")),
        Outcome(answerable, "At six.", False, ("y", "y", "y", "y", "y", "x"), doubtful=True),
        Outcome(answerable, "No.", True, ("x",)),
        Outcome(answerable, "At six, at dawn.", False, ("x",)),
        Outcome(unanswerable, "No.", True, ()),
        Outcome(unanswerable, "Perhaps so.", False, ("x",)),
    ]
    measured = report(outcomes)
    assert measured["recall@5"] == 0.75
    assert measured["key_facts"] == 0.5
    assert measured["abstention"] == 0.5
    assert measured["false_refusals"] == 0.25
    assert measured["refused"] == pytest.approx(2 / 6, abs=1e-4)
    assert measured["words"] == pytest.approx((4 + 2 + 4 + 2) / 4)
    assert (measured["doubted_right"], measured["doubted_wrong"]) == (0.0, 0.5)
    assert (measured["answerable"], measured["unanswerable"]) == (4, 2)
    assert measured["missed"]["abstention"] == ["u"]


def test_the_same_columns_over_two_tables_are_no_loop() -> None:
    head = "| Alias | Made by | Licence | Context length |\n| --- | --- | --- | --- |\n"
    asked = Asked(id="two", question="Which licences?", documents=("x",))
    rows = ("| phi-4-mini | Microsoft | MIT | 128,000 [3] |", "| gpt-oss-20b | OpenAI | Apache 2.0 | 131,072 [3] |")
    assert not Outcome(asked, "\n\n".join(head + row for row in rows), False, ()).repeats
    assert Outcome(asked, "\n\n".join(["The licence of the model is MIT."] * 4), False, ()).repeats


def test_evaluate_answers_of_a_folder(tandem: Tandem, corpus: Path) -> None:
    (corpus / "questions.yaml").write_text(QUESTIONS, encoding="utf-8")
    measured = json.loads(tandem("evaluate", "answers", str(corpus / "questions.yaml"), "--json").stdout)
    assert measured["recall@5"] == 1.0
    assert "holidays" not in measured["missed"]["key_facts"]
    assert "wrong" in measured["missed"]["key_facts"]
    assert (measured["answerable"], measured["unanswerable"]) == (3, 1)


CONVERSATION = """
questions:
  - {id: holidays, question: "How many days of holiday has an employee?", documents: [leave.md], key_facts: ["25 days"]}
  - id: hotel
    kind: follow-up
    history: [["How are journeys under six hours made?", "By train."]]
    question: "And how much may a hotel cost?"
    documents: [travel.md]
    key_facts: ["120 euros"]
"""


def test_conversations_are_asked_with_what_was_said_before_and_kinds_are_counted_apart(
    tandem: Tandem, corpus: Path
) -> None:
    (corpus / "questions.yaml").write_text(CONVERSATION, encoding="utf-8")
    file = str(corpus / "questions.yaml")
    measured = json.loads(tandem("evaluate", "answers", file, "--json", "--show").stdout)
    assert set(measured["kinds"]) == {"plain", "follow-up"}
    assert measured["kinds"]["follow-up"]["key_facts"] == 1.0
    assert [(one["id"], one["kind"]) for one in measured["answers"]] == [("holidays", "plain"), ("hotel", "follow-up")]
    alone = json.loads(tandem("evaluate", "answers", file, "--json", "--kind", "follow-up").stdout)
    assert (alone["answerable"], "kinds" in alone) == (1, False)


def test_evaluate_answers_of_a_file_with_documents(tandem: Tandem, tmp_path: Path) -> None:
    file, other = tmp_path / "some.json", tmp_path / "other.json"
    file.write_text(json.dumps(BENCHMARK), encoding="utf-8")
    other.write_text(json.dumps({**BENCHMARK, "documents": BENCHMARK["documents"][1:]}), encoding="utf-8")
    measured = json.loads(tandem("evaluate", "answers", str(file), "--json").stdout)
    assert (measured["recall@5"], measured["contains_answer"]) == (1.0, 0.5)
    assert measured["words"] > 0
    elsewhere = json.loads(tandem("evaluate", "answers", str(file), "--documents", str(other), "--json").stdout)
    assert (elsewhere["answerable"], elsewhere["unanswerable"]) == (0, 2)
    assert elsewhere["recall@5"] is None


def test_evaluate_retrieval(tandem: Tandem, tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    file.write_text(json.dumps(BENCHMARK), encoding="utf-8")
    measured = json.loads(tandem("evaluate", "retrieval", str(file), "--json").stdout)
    assert measured["recall@1"] == 1.0
    assert {"recall@5", "recall@10", "mrr@10", "ndcg@10", "p50_ms", "p95_ms"} <= set(measured)

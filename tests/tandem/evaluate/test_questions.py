import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import UserFacingError
from tandem.evaluate.questions import read

YAML = """
questions:
  - {id: a, question: "When?", language: en, documents: [x.md], answer: "At six.", key_facts: [six, [dawn, sunrise]]}
  - {id: b, question: "Why?", language: en, documents: [], answer: "", key_facts: []}
"""
BENCHMARK = {
    "documents": [{"id": 7, "title": "t", "text": "The car park opens at six."}],
    "questions": [{"id": "q", "question": "When?", "relevant": [7], "answers": ["at six", " ", "six"]}],
}


def test_questions_beside_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "questions.yaml"
    file.write_text(YAML, encoding="utf-8")
    asked = read(file)
    assert asked.source == tmp_path.resolve()
    assert asked.questions[0].facts == (("six",), ("dawn", "sunrise"))
    assert asked.questions[1].documents == ()


def test_questions_with_their_documents(tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    file.write_text(json.dumps(BENCHMARK), encoding="utf-8")
    asked = read(file)
    assert asked.source == file
    assert asked.questions[0].documents == ("7",)
    assert asked.questions[0].facts == (("at six", "six"),)


def test_asked_elsewhere_nothing_has_an_answer(tmp_path: Path) -> None:
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    for file in (here, there):
        file.write_text(json.dumps(BENCHMARK), encoding="utf-8")
    asked = read(here).asked_elsewhere(read(there))
    assert asked.source == there
    assert [(q.question, q.documents, q.facts) for q in asked.questions] == [("When?", (), ())]


def test_only_the_kinds_asked_for_and_a_kind_without_questions_is_said(tmp_path: Path) -> None:
    file = tmp_path / "questions.yaml"
    file.write_text("questions: [{id: a, question: B}, {id: c, kind: list, question: D}]", encoding="utf-8")
    asked = read(file)
    assert [one.id for one in asked.of_kinds(()).questions] == ["a", "c"]
    assert [one.id for one in asked.of_kinds(("list",)).questions] == ["c"]
    with pytest.raises(UserFacingError, match=r"no question of kind tables; there are: list, plain"):
        asked.of_kinds(("tables",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no list of questions"),
        ("questions: []", "no list of questions"),
        ("questions: [{id: a}]", "question of question 1"),
        ("questions: [{id: a, question: b}, 3]", "entry of question 2"),
        ("questions: [", "YAML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "questions.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserFacingError, match=expected):
        read(file)


def test_a_missing_file(tmp_path: Path) -> None:
    for name in ("none.yaml", "none.json"):
        with pytest.raises(UserFacingError, match="cannot be read"):
            read(tmp_path / name)


@given(data=st.binary() | st.text().map(str.encode), name=st.sampled_from(["any.yaml", "any.json"]))
def test_no_file_ends_in_anything_but_questions_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    file = tmp_path_factory.getbasetemp() / name
    file.write_bytes(data)
    try:
        read(file)
    except UserFacingError as problem:
        assert "\n" not in str(problem)

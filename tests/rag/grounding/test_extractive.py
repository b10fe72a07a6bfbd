"""Quoting: which sentences, how many, from where."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.grounding import extractive
from rag.types import Passage


def passage(text: str, score: float = 1.0, language: str = "en") -> Passage:
    return Passage("1", "a.md", text, 0, len(text), language=language, score=score)


_BACKUP = "The library keeps everything. The nightly backup runs at half past two. Restores are tested every May."
_LEAVE = "Employees get 25 days of leave. They ask their manager first."


def test_the_sentence_that_answers_comes_first_and_is_where_it_says() -> None:
    passages = [passage(_LEAVE, 1.0), passage(_BACKUP, 2.0)]
    best = extractive.quote("When does the nightly backup run?", passages)[0]
    assert best.text == "The nightly backup runs at half past two."
    assert best.passage == 1
    assert passages[1].text[best.start : best.end] == best.text


def test_a_number_is_preferred_where_a_number_is_asked_for() -> None:
    text = "The leave of employees is generous and popular with employees. Employees get 25 days of leave."
    best = extractive.quote("How many days of leave do employees get?", [passage(text)])[0]
    assert best.text == "Employees get 25 days of leave."


def test_turkish_and_chinese_are_quoted_too() -> None:
    turkish = passage("Kurum büyüktür. Çalışanlar yılda yirmi beş gün izin kullanır.", language="tr")
    assert "yirmi beş" in extractive.quote("Çalışanlar kaç gün izin kullanır?", [turkish])[0].text
    chinese = passage("天气很好。夜间备份在凌晨两点半运行。", language="zh")
    assert "备份" in extractive.quote("夜间备份什么时候运行？", [chinese])[0].text


def test_list_marks_are_not_quoted() -> None:
    text = "- Call the help desk.\n- Encrypt the disk of the laptop."
    assert extractive.quote("How is the disk of the laptop protected?", [passage(text)])[0].text.startswith("Encrypt")


def test_nothing_comes_from_nothing() -> None:
    assert extractive.quote("Anything?", []) == []
    assert extractive.quote("Anything?", [passage("—")]) == []


@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(1, 80)), min_size=1, max_size=30), st.integers(5, 100))
def test_quotes_stay_within_the_allowance(sentences: list[tuple[float, int]], allowance: int) -> None:
    scores = np.array([score for score, _ in sentences])
    sizes = [size for _, size in sentences]
    chosen = extractive.choose(scores, sizes, allowance)
    assert chosen[0] == int(np.argmax(scores))
    assert len(chosen) == len(set(chosen))
    assert len(chosen) == 1 or sum(sizes[i] for i in chosen) <= allowance * 3 // 2


@given(st.text(max_size=200), st.lists(st.text(max_size=300), max_size=4))
def test_any_question_and_any_passages_can_be_quoted_from(question: str, texts: list[str]) -> None:
    passages = [passage(text) for text in texts]
    for one in extractive.quote(question, passages):
        assert passages[one.passage].text[one.start : one.end] == one.text
        assert one.text.strip()

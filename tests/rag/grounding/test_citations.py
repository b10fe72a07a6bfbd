"""The citation check: verdicts, markers, offsets."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.grounding import citations
from rag.types import Passage, Support

_LEAVE = "Employees get 25 days of annual leave a year. Unused days are carried over until the end of March."
_BACKUP = "The nightly backup runs at half past two in Tartu. Backups are kept for ninety days and tested every May."
_TURKISH = "Yükleniciler yılda on iki gün ücretsiz izin alır. İzin proje yöneticisiyle kararlaştırılır."


def passages() -> list[Passage]:
    texts = [_LEAVE, _BACKUP, _TURKISH]
    return [
        Passage(f"p{n}", f"{n}.md", text, 0, len(text), language="tr" if n == 2 else "en")
        for n, text in enumerate(texts)
    ]


def test_a_supported_sentence_gets_its_passage_and_its_evidence() -> None:
    checked = citations.check("The nightly backup runs at half past two.", passages())
    sentence = checked.sentences[0]
    assert sentence.support is Support.SUPPORTED
    assert sentence.passages == ("p1",)
    assert checked.text == "The nightly backup runs at half past two [2]."
    assert sentence.evidence is not None
    assert _BACKUP[slice(*sentence.evidence)] == "The nightly backup runs at half past two in Tartu."


def test_a_wrong_marker_is_replaced_and_an_impossible_one_dropped() -> None:
    checked = citations.check("Employees get 25 days of annual leave [2][9].", passages())
    assert checked.text == "Employees get 25 days of annual leave [1]."
    assert set(checked.dropped) == {2, 9}


@pytest.mark.parametrize(
    "claim",
    [
        "Employees get 40 days of annual leave a year [1].",
        "The nightly backup runs in Istanbul at half past two [2].",
        "The canteen serves vegetarian lunch on Fridays [1].",
    ],
)
def test_inventions_are_unsupported_and_carry_no_marker(claim: str) -> None:
    checked = citations.check(claim, passages())
    assert checked.sentences[0].support is Support.UNSUPPORTED
    assert "[" not in checked.text
    assert checked.sentences[0].passages == ()


@pytest.mark.parametrize(
    "text",
    ["Hello!", "# Leave", "Would you like to know more?", "The documents do not contain information about that.", ""],
)
def test_what_makes_no_claim_is_neutral(text: str) -> None:
    checked = citations.check(text, passages())
    assert all(s.support is Support.NEUTRAL for s in checked.sentences)
    assert checked.supported_share == 1.0


def test_turkish_answers_are_checked() -> None:
    answer = "Yükleniciler yılda on iki gün ücretsiz izin alır. Otopark ücreti 90 liradır."
    checked = citations.check(answer, passages())
    assert [s.support for s in checked.sentences] == [Support.SUPPORTED, Support.UNSUPPORTED]


def test_without_passages_every_claim_is_unsupported() -> None:
    assert citations.check("Employees get 25 days.", []).sentences[0].support is Support.UNSUPPORTED


_PARTS = [
    "Employees get 25 days of annual leave",
    "[1]",
    "[7]",
    "[2, 3]",
    ". ",
    "! ",
    "\n\n",
    "- ",
    "7 dogs",
    "【1】",
    " ",
]


@given(st.lists(st.sampled_from(_PARTS), max_size=14))
def test_offsets_hold_and_only_valid_markers_stay(parts: list[str]) -> None:
    found = passages()
    checked = citations.check("".join(parts), found)
    for sentence in checked.sentences:
        assert checked.text[sentence.start : sentence.end] == sentence.text
    numbers = [int(n) for n in re.findall(r"\[(\d+)\]", checked.text)]
    assert all(1 <= n <= len(found) for n in numbers)
    for sentence in checked.sentences:
        if sentence.support is Support.SUPPORTED:
            assert sentence.passages
            assert "[" in sentence.text


_DISK = "At least 25 GB must remain free on a workstation after a model is downloaded."
_DESK = "The Model Desk reviews a new release within 10 working days. It has 4 members, led by Maya Kurt."
_FREE = "How much disk space must stay free if I download a model to my own workstation?"


def of_desk(answer: str, question: str = _FREE) -> Support:
    found = [Passage(f"q{n}", f"{n}.md", text, 0, len(text), language="en") for n, text in enumerate([_DISK, _DESK])]
    return citations.check(answer, found, question).sentences[0].support


@pytest.mark.parametrize("answer", ["25 GB.", "Answer: 25 GB [1]", "At least 25 GB must stay free [1]."])
def test_a_bare_number_counts_where_the_passage_answers_the_question(answer: str) -> None:
    assert of_desk(answer) is Support.SUPPORTED


@pytest.mark.parametrize("answer", ["Answer: 10 [2]", "4 GB must remain free.", "At least 10 GB must stay free [1]."])
def test_a_number_that_stands_elsewhere_supports_nothing(answer: str) -> None:
    assert of_desk(answer) in (Support.UNSUPPORTED, Support.DOUBTFUL)


@pytest.mark.parametrize("text", ["1. 2.", "2)", "(3)", "Answer:", "***"])
def test_a_list_number_or_a_label_makes_no_claim(text: str) -> None:
    assert of_desk(text) is Support.NEUTRAL


def test_a_sentence_of_another_language_than_the_rest_is_read_in_its_own() -> None:
    turkish = " ".join(["Otopark ücreti doksan liradır ve personel bunu her ay öder."] * 3)
    checked = citations.check(f"{turkish} At least 25 GB must remain free on a workstation.", [
        Passage("q", "q.md", _DISK, 0, len(_DISK), language="en")
    ])  # fmt: skip
    assert checked.sentences[-1].support is Support.SUPPORTED


@pytest.mark.parametrize(
    ("row", "supported"),
    [
        ("Format: q4; Needs: nothing special; Remark: works everywhere.", True),
        ("Format: q4; Needs: nothing special; Remark: smaller and faster.", False),
        ("Format: q4; Remark: training only.", False),
    ],
)
def test_the_cells_of_a_row_stand_in_one_row_of_the_table(row: str, supported: bool) -> None:
    table = (
        "Format: q4; Needs: nothing special; Remark: works everywhere.\n"
        "Format: q4f16; Needs: the adapter feature shader-f16; Remark: smaller and faster.\n"
        "Format: bf16; Needs: a graphics card; Remark: training only."
    )
    checked = citations.check(row, [Passage("p", "a.md", table, 0, len(table), language="en")], "")
    assert (checked.sentences[0].support is Support.SUPPORTED) is supported

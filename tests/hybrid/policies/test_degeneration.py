"""What is left of texts that go wrong by their form; texts of real weak models among them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.policies.degeneration import CUT, ECHO, LOOP, Growing, Sound, sound

ASKED = "How much disk space must stay free?"
TOLD = "Use only the passages between the lines. Answer in the language of the question, briefly and plainly."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Answer: 10 [2]\n" * 40, "Answer: 10 [2]"),
        ("1. 1. 2. 2. 3. 3.", ""),
        (
            "25 GB must stay free.\n2. The call is made again.\n3. The call is made again.\n4. The call is made again.",
            None,
        ),
        (
            "The server keeps up with the demand of the server if it keeps up with the demand of the server, and " * 4,
            "",
        ),
        ("Sunucu yeniden başlar. " * 6, "Sunucu yeniden başlar."),
    ],
)
def test_loops_end_before_they_begin(text: str, left: str | None) -> None:
    found = sound(text)
    assert LOOP in found.faults
    assert found.text == left if left is not None else found.text.startswith("25 GB must stay free.")
    assert LOOP not in sound(found.text).faults


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("25 GB.\n\nQuestion: How long does it take?\nAnswer: 12 GB.", "25 GB."),
        ("25 GB.\n\nAnswer: 12 GB.\n\nAnswer: 9 GB.", "25 GB."),
        (
            "===== PASSAGES =====\n[2] security/disks.md > Disks\nAt least 25 GB must stay free.",
            "At least 25 GB must stay free.",
        ),
        (f"{ASKED}\nAt least 25 GB.", "At least 25 GB."),
        ("At least 25 GB. Answer in the language of the question, briefly and plainly.", "At least 25 GB."),
        ("25 GB.<|im_end|>\n<|im_start|>user\nAnd then?", None),
    ],
)
def test_echoes_of_the_prompt_go(text: str, left: str | None) -> None:
    found = sound(text, question=ASKED, instructions=TOLD)
    assert ECHO in found.faults
    assert found.text == left if left is not None else "And then" not in found.text


@pytest.mark.parametrize(
    ("text", "cut", "turns"),
    [
        ("25 GB.\n\nAnswer: 12 GB.\n\nAnswer: 9 GB.", False, ("12 GB.", "9 GB.")),
        (f"25 GB.\n\n{ASKED}\n\nAnswer: 12 GB. It is free.\n\nAnswer: 9", True, ("12 GB. It is free.",)),
        ("25 GB.\n\nAnswer: 25 GB.\n\nAnswer: 25 GB.\n\nAnswer: 9 GB.", False, ()),
        ("1 GB.\n\n" + "".join(f"Answer: {n} GB.\n\n" for n in range(2, 90)), False, ("2 GB.", "3 GB.", "4 GB.")),
    ],
)
def test_what_a_text_answers_after_its_first_answer(text: str, cut: bool, turns: tuple[str, ...]) -> None:
    assert sound(text, question=ASKED, instructions=TOLD, truncated=cut).turns == turns


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("1\n\nThe AI Board, Meetings. Five members make a quorum.", "Five members make a quorum."),
        ("Five.\n\nThe AI Board, Meetings. Five members make a quorum.", "Five."),
        (f"25\n\nQuestion: {ASKED}\n\nAnswer: 25", "25"),
    ],
)
def test_a_number_before_a_heading_goes_with_it(text: str, left: str) -> None:
    assert sound(text, question=ASKED, headings=["The AI Board, Meetings"]).text == left


def test_a_heading_recited_with_a_word_left_out_is_an_echo() -> None:
    headings = ["The model server in Tartu, Place and power"]
    told = "The server stands in room B12, rack 3."
    found = sound(f"The server in Tartu, Place and power. {told}", headings=headings)
    assert (found.text, found.faults) == (told, (ECHO,))
    assert not sound("The server in Tartu has power.", headings=headings).faults
    begun = sound("The model server in Tartu,\n\nThe model server in Tartu,", headings=headings)
    assert (begun.text, begun.faults) == ("", (ECHO,))
    cut = sound("The model server in Tartu,\n\nThe model server in", headings=headings, truncated=True)
    assert (cut.text, cut.faults) == ("", (ECHO, CUT))
    assert not sound("The model server in Tartu.", headings=headings).faults


def test_a_marker_that_was_begun_and_a_number_that_heads_no_list_go() -> None:
    assert sound("Leave is 25 days. [1][", truncated=True) == Sound("Leave is 25 days. [1]")
    assert sound("1.\n\nLeave is 25 days.") == Sound("Leave is 25 days.")
    kept = "1. Leave is 25 days.\n2. It is booked in May."
    assert sound(kept) == Sound(kept)


def test_the_unfinished_last_sentence_of_a_cut_text_goes() -> None:
    found = sound("Leave is 25 days. Unused days may be car", truncated=True)
    assert (found.text, found.faults) == ("Leave is 25 days.", (CUT,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "25 GB",
        "Leave is 25 days [1]. Unused days expire in March [1].",
        "1. Open the page.\n2. Choose a model.\n3. Confirm.",
        "- phi-4-mini: 3.8 billion\n- gpt-oss-20b: 21 billion\n\nBoth run locally.",
        "| Model | Size |\n| --- | --- |\n| phi-4-mini | 3.8 |\n| gpt-oss-20b | 21 |",
    ],
)
def test_sound_texts_stay_as_they_are(text: str) -> None:
    assert sound(text, question=ASKED, instructions=TOLD) == sound(text)
    assert sound(text).text == text and not sound(text).faults


@given(st.text(max_size=300), st.booleans())
def test_what_is_left_is_made_of_what_was_there(text: str, truncated: bool) -> None:
    found = sound(text, question=ASKED, instructions=TOLD, truncated=truncated)
    assert set(found.text.split()) <= set(text.split())
    assert len(found.text) <= len(text)


UNITS = (
    "Leave is 25 days per year for every employee [1].",
    "Unused days expire at the end of March, on the 3. Mai at the latest [1, 2]!",
    "- phi-4-mini runs locally\n- gpt-oss-20b does too\n",
    "1. Open the page.\n2.",
    "The call is made again, as the handbook for operators says.",
    "The call is made again, as the handbook for the operators says.",
    "Question: And then?\n",
    "Answer in the language of the question, briefly and plainly.",
    ASKED,
)


@given(st.lists(st.sampled_from(UNITS), max_size=12), st.lists(st.integers(1, 700), max_size=12))
def test_a_growing_text_shows_what_the_whole_one_does_wherever_it_is_cut(units: list[str], cuts: list[int]) -> None:
    text = " ".join(units)
    growing = Growing(question=ASKED, instructions=TOLD)
    borders = sorted({0, *(cut for cut in cuts if cut < len(text)), len(text)})
    for start, end in pairwise(borders):
        growing.add(text[start:end])
    growing.add(" " * 40)
    whole = sound(text, question=ASKED, instructions=TOLD)
    assert growing.faults == set(whole.faults)
    assert growing.said == bool(whole.text)


def test_a_growing_text_of_list_numbers_alone_is_a_loop() -> None:
    growing = Growing()
    for number in range(60):
        growing.add(f"{number}. {number}. ")
    assert growing.faults == {LOOP} and not growing.said


@pytest.mark.parametrize("before", ["", "1. ", "Answer: ", "- "])
def test_headings_that_are_recited_are_an_echo(before: str) -> None:
    read = sound(f"{before}AI Board, Meetings. The board meets in May.", headings=["AI Board, Meetings"])
    assert read.text == "The board meets in May." and read.faults == (ECHO,)

"""Short forms and the long ones they stand for, as passages tell them."""

from __future__ import annotations

from rag.grounding import extractive
from rag.grounding.short_forms import short_forms
from rag.types import Passage


def passage(text: str, document: str = "a.md", *headings: str) -> Passage:
    return Passage(text, document, text, 0, len(text), headings=headings, language="en", score=1.0)


def test_a_short_form_in_brackets_stands_for_what_is_before_it() -> None:
    found = short_forms(
        [passage("The crew has paid harbour leave (PHL) each year. The Office of the Pilots (OP) is shut.")]
    )
    assert set(found) == {"phl", "op"}
    assert len(found["phl"]) == 3 and len(found["op"]) == 2


def test_what_is_in_brackets_for_another_reason_is_no_short_form() -> None:
    assert short_forms([passage("Send the form to the desk (NB) before noon.")]) == {}


def test_a_title_stands_for_its_initials_where_a_passage_writes_them() -> None:
    title = "Objectives and Key Results.md"
    assert "okr" in short_forms([passage("Everybody tracks their OKRs in a sheet.", title)])
    assert short_forms([passage("Everybody tracks their goals in a sheet.", title)]) == {}


def test_a_question_with_the_long_form_finds_what_says_the_short_one() -> None:
    told = passage("You are entitled to 12 weeks off.", "leave.md", "About PHL")
    defined = passage("We have paid harbour leave (PHL).", "leave.md")
    beside = passage("Harbour masters answer within 4 weeks.", "masters.md", "Letters")
    quotes = extractive.quote("How long is paid harbour leave?", [beside, defined, told], max_words=12)
    assert quotes[0].text == told.text

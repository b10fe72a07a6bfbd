"""Answers that are quoted: in the language of the question, and in the order of the documents."""

from __future__ import annotations

from hybrid.runtimes.base import ChatRequest, Part
from hybrid.runtimes.extractive import compose
from rag.types import Passage


def passage(text: str, document: str = "rules.md", language: str = "en") -> Passage:
    return Passage(document, document, text, 0, len(text), headings=("Diplomas",), language=language, score=5.0)


def test_what_two_parts_of_a_question_quote_of_one_passage_stands_in_its_order_once() -> None:
    text = (
        "On the diplomas of those who finish an evening programme the evening programme is not named.\n\n"
        "A diploma has no photograph of whoever gets it and no mark.\n\n"
        "The seal of the rector stands on every diploma."
    )
    parts = (
        Part("Is there a photograph on it?", "Is there a photograph on the diploma?", (0,), True),
        Part("Is the evening programme named?", "Is the evening programme named on the diplomas?", (0,), True),
    )
    request = ChatRequest("", (), parts[0].question, passages=(passage(text),), parts=parts, language="en")
    said = compose(request).text
    assert said.index("evening programme is not named") < said.index("no photograph")
    assert said.count("no photograph") == said.count("evening programme is not named") == 1


def test_what_two_documents_say_in_nearly_the_same_words_is_said_once() -> None:
    rule = "You should submit {} requests at least three business days in advance, and make timely edits to them."
    passages = (passage(rule.format("leave"), "leave.md"), passage(rule.format("absence"), "time.md"))
    request = ChatRequest("", (), "How far ahead do I submit a leave request?", passages=passages, language="en")
    assert compose(request).text.count("three business days") == 1


def test_how_many_items_are_left_out_is_said_in_the_language_of_the_question() -> None:
    goods = ["kazak", "palto", "eldiven", "çorap", "atkı", "bere", "mont", "yelek", "gömlek", "pantolon"]
    items = "\n".join(f"- Depodaki {one} her yıl sayılır, {'kaydı tutulur ve ' * 9}rafa konur." for one in goods)
    request = ChatRequest(
        "", (), "Depodaki palto ne zaman sayılır?", passages=(passage(items, language="tr"),), language="tr"
    )
    assert "madde daha var)*" in compose(request).text

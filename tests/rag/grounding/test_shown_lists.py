"""Lists and tables in quotes: in their order and depth, and how much of them was left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from rag.grounding.quoting import Composer
from rag.grounding.spans import Span
from rag.grounding.units import units
from rag.types import Passage
from tests.rag.grounding.quoting_help import composed, some_of

_ONE = "*(1 more item in the document)*"


def test_a_list_keeps_its_lead_in_and_its_numbers() -> None:
    answer = composed("Do this:\n\n3. Call.\n4. Wait.").checked().text
    assert answer == "Do this [1]:\n\n3. Call [1].\n4. Wait [1]."


def test_paragraphs_and_letters_of_rules_keep_their_names() -> None:
    """Whoever cites a rule cites "paragraph 2, letter ç"."""
    answer = composed("(2) It needs:\n\n(3) Nothing else.\n\na) A card.\n\nç) A stamp.").checked().text
    assert [line for line in answer.splitlines() if line] == [
        "**(2)** It needs [1]:",
        "**(3)** Nothing else [1].",
        "- a) A card [1].",
        "- ç) A stamp [1].",
    ]


def test_a_paragraph_of_rules_after_letters_is_not_below_them() -> None:
    answer = composed("It is forbidden:\n\na) No fire.\n\nb) No noise.\n\n(2) Who does it is warned.").checked().text
    assert answer.splitlines()[2:] == [
        "- a) No fire [1].",
        "- b) No noise [1].",
        "",
        "**(2)** Who does it is warned [1].",
    ]


def test_where_items_of_a_list_were_left_out_a_line_says_so() -> None:
    text = "Bring:\n\n- A card.\n- A coat.\n- A pen.\n- A lamp.\n- A rope."
    shown = some_of(text, "Bring", "A card", "A lamp").splitlines()
    assert shown == ["Bring [1]:", "", "- A card [1].", "- A lamp [1].", "- *(3 more items in the document)*"]
    assert some_of(text, "A pen", "A lamp", "A rope").splitlines()[-1] == "- *(2 more items in the document)*"
    ordered = "Bring:\n\n1. A card.\n2. A coat.\n3. A pen.\n4. A lamp."
    shown = some_of(ordered, "Bring", "A card", "A pen").splitlines()
    assert shown[2:] == ["1. A card [1].", f"- {_ONE}", "3. A pen [1].", f"- {_ONE}"]
    whole = some_of(text, "Bring", "A card", "A coat", "A pen", "A lamp", "A rope")
    assert "more" not in whole


def test_items_left_out_are_counted_in_the_language_of_the_answer_without_what_stands_below_them() -> None:
    text = "Getir:\n\n- Bir kart.\n- Bir palto:\n  - yünden,\n  - uzun.\n- Bir kalem."
    passage = Passage("7", "a.md", text, 0, len(text), language="tr")
    told = {"tr": "belgede 2 madde daha var", "de": "2 weitere Punkte im Dokument", "": "2 more items in the document"}
    for language, said in told.items():
        composer = Composer([passage], language)
        composer.quote(Span(0, units(text)[:2], 1.0))
        assert composer.checked().text == f"Getir [1]:\n\n- Bir kart [1].\n- *({said})*"


def test_what_a_sub_list_stands_under_is_no_part_of_it_where_that_began_elsewhere() -> None:
    """A passage may begin amid an item: what stands after its sub-items are others of the list that it is of."""
    text = (
        "Requests include the dates:\n\n  - Use this form.\n  - Ask early.\n6. Masks. Wear one.\n7. Groups. Join one."
    )
    _, form, ask, *others = units(text)
    assert form.group == ask.group != others[0].group
    assert composed(text).checked().text.startswith("Requests include the dates [1]:\n\n- Use this form [1].\n- Ask")
    assert some_of(text, "Requests", "Use", "Ask").endswith("\n- Ask early [1].")


def test_a_list_that_begins_before_its_passage_says_so() -> None:
    assert some_of("2. A card.\n\n3. A coat.", "A card", "A coat").startswith(f"- {_ONE}\n2. A card")
    assert some_of("b) A card.\n\nc) A coat.", "A card", "A coat") == "- b) A card [1].\n- c) A coat [1]."
    assert "more" not in some_of("(2) Who does it is warned.\n\n(3) Twice.", "Who", "Twice")  # paragraphs have a number


@pytest.mark.parametrize(
    ("text", "edges", "shown"),
    [
        ("- A card.\n- A coat.", ("- A pen.", ""), "AB…"),
        ("- A card.\n- A coat.", ("Bring a pen.", "\n\nAnd a rope."), "AB"),
        ("- A card.\n- A coat.", ("", "- A rope."), "AB…"),
        ("2. A card.\n3. A coat.", ("1. A pen.", "4. A rope."), "…AB…"),
        ("2. A card.\n3. A coat.", ("1. A pen.", "1. A rope."), "…AB"),  # another list
        ("2. A card.\n3. A coat.", ("1. A pen.", "- A rope."), "…AB"),
        ("a) A card.\nb) A coat.", ("", "c) A rope."), "AB…"),
    ],
)
def test_a_list_that_goes_across_passages_says_so(text: str, edges: tuple[str, str], shown: str) -> None:
    lines = some_of(text, "A card", "A coat", edges=edges).splitlines()
    signs = {"card": "A", "coat": "B", "more": "…"}
    assert "".join(sign for line in lines for word, sign in signs.items() if word in line) == shown


def test_a_list_whose_end_is_shown_from_the_next_passage_has_no_sign_between() -> None:
    first, second = "Bring:\n\n- A card.\n- A coat.", "- A pen.\n- A rope."
    passages = [
        Passage("7", "a.md", first, 0, len(first), language="en", edges=("", "- A pen.")),
        Passage("8", "a.md", second, len(first) + 1, len(first) + 1 + len(second), language="en",
                edges=("- A coat.", "- A lamp.")),
    ]  # fmt: skip
    composer = Composer(passages)
    for at, text in enumerate((first, second)):
        composer.quote(Span(at, units(text), 1.0))
    answer = composer.checked()
    assert answer.text.splitlines()[2:] == [
        "- A card [1].", "- A coat [1].", "- A pen [2].", "- A rope [2].", "- *(more items in the document)*",
    ]  # fmt: skip
    assert all(answer.text[one.start : one.end] == one.text for one in answer.sentences)


def test_a_list_that_goes_on_in_the_next_passage_is_one() -> None:
    one, two = "Bring:\n\n- A card.\n- A coat. It rains there.", "- A pen.\n- A lamp."
    first = Passage("1", "a.md", one, 0, len(one), language="en", score=5.0)
    second = Passage("2", "a.md", two, len(one) + 1, len(one) + 1 + len(two), language="en", score=4.0)
    composer = Composer([first, second])
    lead, card, coat = units(one)
    composer.quote(Span(0, (lead, card, replace(coat, end=coat.start + len("A coat."))), 2.0))  # said shorter
    composer.quote(Span(1, tuple(units(two)), 1.0))
    shown = composer.checked().text
    assert shown == "Bring [1]:\n\n- A card [1].\n- A coat [1].\n- A pen [2].\n- A lamp [2]."


def test_an_item_that_is_not_shown_to_its_end_says_so() -> None:
    text = "Bring:\n\n- A card. It is blue.\n- A coat that is made of"
    lead, card, coat = units(text)
    for below, sign in (
        ("wool.", " …"),
        ("\n\nThe desk opens at nine.", ""),
        ("- A pen.", "\n- *(more items in the document)*"),
        ("", ""),
    ):
        composer = Composer([Passage("1", "a.md", text, 0, len(text), edges=("", below))])
        composer.quote(Span(0, (lead, card, coat), 1.0))
        assert composer.checked().text == f"Bring [1]:\n\n- A card. It is blue [1].\n- A coat that is made of [1]{sign}"


def test_where_rows_of_a_table_were_left_out_a_row_says_so() -> None:
    text = "\n\n".join(f"Room: {room}; People: {count}." for room, count in zip("ABCDE", range(5), strict=True))
    rows = units(text)
    passage = Passage("7", "rooms.md", text, 0, len(text))
    for chosen, wanted in (((0, 1, 2, 3, 4), "ABCDE"), ((0, 2), "A…C…"), ((1, 4), "…B…E"), ((2,), "…C…")):
        composer = Composer([passage])
        composer.quote(Span(0, tuple(rows[at] for at in chosen), 1.0))
        shown = composer.checked().text
        assert "".join(line[2] for line in shown.rpartition("--- |\n")[2].splitlines()) == wanted
        rendered = MarkdownIt("commonmark").enable("table").render(shown)
        assert rendered.count("<tr>") == len(wanted) + 1 and rendered.count("<td>") == 2 * len(wanted)


_STEPS = (
    "1. Install the pump:\n\n    $ pump install\n\n2. Add it to the rooms:\n\n    ROOMS = ['pump']\n\n"
    "The name has no dash.\n\n3. Turn the wheel of the mill:\n\n    $ pump turn --wheel\n"
)


def test_a_step_by_itself_says_that_others_are_before_it() -> None:
    said = some_of(_STEPS, "3. Turn", "Turn the wheel")
    assert "*(2 more items in the document)*" in said


def test_the_first_item_alone_says_that_its_list_goes_on() -> None:
    text = "Where a paper is lost;\n\na) Its owner asks for another."
    passage = Passage("7", "a.md", text, 0, len(text), edges=("", "The request has a copy of the card."))
    composer = Composer([passage])
    composer.quote(Span(0, units(text), 1.0))
    assert composer.checked().text.splitlines()[-1] == "- *(more items in the document)*"

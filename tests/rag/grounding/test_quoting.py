"""Quotes as Markdown: lists, tables and code that read well, every piece with its marker and its place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.grounding import extractive
from rag.grounding.plain_text import plain
from rag.grounding.quoting import Composer
from rag.grounding.spans import Span
from rag.grounding.units import Kind, units
from rag.types import Passage, Support


def composed(text: str) -> Composer:
    """All of a passage quoted in one span."""
    passage = Passage("7", "a.md", text, 0, len(text), language="en")
    composer = Composer([passage])
    composer.quote(Span(0, tuple(u for u in units(text) if u.kind is not Kind.NOISE), 1.0))
    return composer


def test_sentences_are_one_paragraph_each_with_its_marker() -> None:
    assert (
        composed("It opens at six. It closes\nat ten!").checked().text == "It opens at six [1]. It closes at ten! [1]"
    )


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


def some_of(text: str, *starts: str, edges: tuple[str, str] = ("", "")) -> str:
    """What is shown of a text where only the units that begin so are quoted."""
    made = tuple(unit for unit in units(text) if text[unit.start : unit.end].startswith(starts))
    composer = Composer([Passage("7", "a.md", text, 0, len(text), language="en", edges=edges)])
    composer.quote(Span(0, made, 1.0))
    return composer.checked().text


def test_where_items_of_a_list_were_left_out_a_line_says_so() -> None:
    text = "Bring:\n\n- A card.\n- A coat.\n- A pen.\n- A lamp.\n- A rope."
    shown = some_of(text, "Bring", "A card", "A lamp").splitlines()
    assert shown == ["Bring [1]:", "", "- A card [1].", "- …", "- A lamp [1].", "- …"]
    assert some_of(text, "A pen", "A lamp", "A rope").splitlines()[0] == "- …"
    whole = some_of(text, "Bring", "A card", "A coat", "A pen", "A lamp", "A rope")
    assert "…" not in whole


def test_a_list_that_begins_before_its_passage_says_so() -> None:
    assert some_of("b) A card.\n\nc) A coat.", "A card", "A coat").startswith("- …\n- b) A card")
    assert "…" not in some_of("(2) Who does it is warned.\n\n(3) Twice.", "Who", "Twice")  # paragraphs have a number


@pytest.mark.parametrize(
    ("text", "edges", "shown"),
    [
        ("- A card.\n- A coat.", ("- A pen.", ""), "…AB"),
        ("- A card.\n- A coat.", ("Bring a pen.", "And a rope."), "AB"),
        ("- A card.\n- A coat.", ("", "- A rope."), "AB…"),
        ("2. A card.\n3. A coat.", ("1. A pen.", "4. A rope."), "…AB…"),
        ("2. A card.\n3. A coat.", ("1. A pen.", "1. A rope."), "…AB"),  # another list
        ("2. A card.\n3. A coat.", ("1. A pen.", "- A rope."), "…AB"),
        ("a) A card.\nb) A coat.", ("", "c) A rope."), "AB…"),
    ],
)
def test_a_list_that_goes_across_passages_says_so(text: str, edges: tuple[str, str], shown: str) -> None:
    lines = some_of(text, "A card", "A coat", edges=edges).splitlines()
    signs = {"card": "A", "coat": "B", "…": "…"}
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
        "- A card [1].", "- A coat [1].", "- A pen [2].", "- A rope [2].", "- …",
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


def test_a_table_is_a_table() -> None:
    answer = composed("Alias: phi; Size: 3|4 GB.\n\nAlias: gpt; Size: 12 GB; Use: drafts.").checked().text
    assert answer.splitlines() == [
        "| Alias | Size | Use |",
        "| --- | --- | --- |",
        "| phi | 3\\|4 GB |   [1] |",
        "| gpt | 12 GB | drafts [1] |",
    ]
    assert "<td>3|4 GB</td>" in MarkdownIt("commonmark").enable("table").render(answer)


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


def test_code_is_fenced_and_the_fence_cannot_be_closed_from_within() -> None:
    answer = composed("Run this::\n\n    $ make run\n    ```\n    $ done(now)").checked().text
    html = MarkdownIt("commonmark").render(answer)
    assert html.count("<pre>") == 1
    assert "make run" in answer


def test_every_piece_points_at_the_text_it_came_from() -> None:
    text = "Rules:\n\n- Ask first.\n- Stay calm.\n\nAlias: phi; Size: 3 GB. That is all."
    checked = composed(text).checked()
    assert checked.supported_share == 1.0
    lead, *rest = checked.sentences
    assert (lead.text, lead.support) == ("Rules [1]:", Support.NEUTRAL)  # what leads into a list claims nothing
    for one in rest:
        assert checked.text[one.start : one.end] == one.text
        assert one.support is Support.SUPPORTED and one.passages == ("7",) and one.evidence is not None
    first = checked.sentences[1]
    assert first.evidence is not None and text[slice(*first.evidence)] == "Ask first."


def test_what_tandem_says_claims_nothing() -> None:
    composer = composed("It opens at six.")
    composer.say("This may answer it.")
    assert [one.support for one in composer.checked().sentences] == [Support.SUPPORTED, Support.NEUTRAL]


def test_a_bare_list_stands_under_its_heading() -> None:
    text = "- Ask first.\n- Stay calm."
    passage = Passage("7", "a.md", text, 0, len(text), headings=("Guide", "Rules"), language="en")
    composer = Composer([passage])
    composer.quote(Span(0, tuple(units(text)), 1.0))
    assert composer.checked().text == "**Rules**\n\n- Ask first [1].\n- Stay calm [1]."


def test_markup_is_not_shown() -> None:
    assert plain("See :ref:`the guide <guide>`, `docs <somewhere>`_ and ``x``::") == "See `the guide`, docs and `x`:"


def test_a_sentence_does_not_become_a_heading() -> None:
    assert composed("Yes. # hash marks a heading.").checked().text.startswith("Yes [1].")
    assert not extractive.quoted("?", []).spans


@given(st.text(alphabet=st.sampled_from("ab .:;-*\n1|=`#?→é字[]"), max_size=200))
def test_any_text_can_be_composed_with_right_offsets(text: str) -> None:
    checked = composed(text).checked()
    for one in checked.sentences:
        assert checked.text[one.start : one.end] == one.text
        assert one.evidence is None or text[slice(*one.evidence)].strip()


def test_marks_that_close_in_another_sentence_are_not_shown() -> None:
    assert plain("**Do not use this server.") == "Do not use this server."
    assert plain("**Never** use it.") == "**Never** use it."


def test_the_tags_of_a_template_are_not_shown() -> None:
    assert plain('Use [Award Leave]({% page "/leave/#award" %}) first.') == "Use Award Leave first."
    assert plain('Ask in {% slack_channel "dc" %}.') == "Ask in dc."
    assert plain("Call :meth:`@Celery.start`: what can I do?.") == "Call `Celery.start`: what can I do?"
    assert plain("{% endhint %}\nLeave begins in May.\n{% include foot.html %}") == "Leave begins in May."
    assert plain("A variable never stands within {% translate %}.") == "A variable never stands within {% translate %}."


def test_what_a_name_heads_stands_under_it_unless_it_says_the_name() -> None:
    for text, heading, shown in (
        ("The folder in which a crawl keeps its state.", "JOBDIR", True),
        ("Set JOBDIR to the folder of the crawl.", "JOBDIR", False),
        ("The folder in which a crawl keeps its state.", "Keeping the state of a crawl", False),
    ):
        passage = Passage("7", "a.md", text, 0, len(text), headings=(heading,), language="en")
        composer = Composer([passage])
        composer.quote(Span(0, units(text), 1.0))
        assert composer.checked().text.startswith(f"**{heading}**") == shown


def test_yes_and_no_stand_under_the_question_that_they_answer() -> None:
    text = "No. We pay market rates."
    passage = Passage("7", "a.md", text, 0, len(text), language="en", headings=("Pay", "Do you match my salary?"))
    composer = Composer([passage])
    composer.quote(Span(0, tuple(units(text)), 1.0))
    assert composer.checked().text == "**Do you match my salary?**\n\nNo. We pay market rates [1]."
    text = "No employee waits."
    composer = Composer([Passage("7", "a.md", text, 0, len(text), language="en", headings=("Pay",))])
    composer.quote(Span(0, tuple(units(text)), 1.0))
    assert composer.checked().text == "No employee waits [1]."


def test_no_marker_stands_within_three_dots_or_before_a_bracket_that_ends_a_sentence() -> None:
    assert composed("They run in order (1, 2, 3, ...).").checked().text == "They run in order (1, 2, 3, ...) [1]."
    assert composed("Bring tools (a saw, nails, etc.)").checked().text == "Bring tools (a saw, nails, etc.) [1]"
    assert composed("Follow this list...\n\n- Call.\n- Wait.").checked().text.startswith("Follow this list... [1]")


def test_an_answer_that_leans_on_its_question_has_it_above_and_the_letters_for_both_are_left_out() -> None:
    text = "Q: Is the stipend taxed?\n\nA: Yes, like all stipends it will be taxed in full.\n\nA: The desk pays in May."
    passages = [Passage("1", "a.md", text, 0, len(text), language="en")]
    composer = Composer(passages)
    for span in extractive.quoted("Will a stipend be taxed?", passages).spans:
        composer.quote(span)
    said = composer.checked().text
    assert said.startswith("**Is the stipend taxed?**\n\nYes, like all stipends it will be taxed in full [1].")
    assert "A:" not in said


def test_a_heading_is_not_put_between_two_pieces_of_its_passage() -> None:
    text = "The desk opens at six on all days.\n\nIt closes at ten."
    passage = Passage("1", "a.md", text, 0, len(text), language="en", headings=("Hours",))
    composer = Composer([passage])
    for unit in units(text):
        composer.quote(Span(0, (unit,), 1.0))
    assert composer.checked().text == "The desk opens at six on all days [1].\n\nIt closes at ten [1]."


def test_an_answer_by_yes_at_its_end_has_the_heading_that_asked() -> None:
    text = "If you are an employee with vested options, yes."
    passage = Passage("1", "a.md", text, 0, len(text), language="en", headings=("Options", "Do they expire?"))
    composer = Composer([passage])
    composer.quote(Span(0, units(text), 1.0))
    assert composer.checked().text.startswith("**Do they expire?**")


def test_code_is_cut_between_statements_and_says_that_it_goes_on() -> None:
    lines = [f"value_{at} = {at}" for at in range(40)]
    said = composed("\n".join(lines)).checked().text
    assert "value_23 = 23\n…\n```" in said and "value_24" not in said
    lines[20:26] = ["values = [", *(f"    {at}," for at in range(20, 24)), "]"]
    said = composed("\n".join(lines)).checked().text
    assert "value_19 = 19\n…\n```" in said and "values" not in said
    whole = "\n".join(lines[:22])
    assert f"{whole}\n```" in composed(f"{whole}\n\nThat is all there is.").checked().text


def test_code_of_which_the_rest_is_not_shown_says_so() -> None:
    text = "class Desk(Room):\n    lamp = True\n\n    def light(self):\n        self.lamp = True\n\nIt is lit."
    assert "lamp = True\n…\n```" in some_of(text, "class Desk")
    assert "…" not in composed(text).checked().text


def test_code_does_not_end_with_a_comment_on_what_comes_next() -> None:
    code = "doc:\n    path: /doc\n    # redirects are temporary by default"
    assert "path: /doc\n…\n```" in composed(code).checked().text
    assert "# send it ...\n```" in composed("def told(text):\n    send = text\n    # send it ...").checked().text


def test_the_first_line_of_a_passage_stands_as_far_in_as_what_belongs_to_it() -> None:
    said = (
        composed("public function told(): void\n    {\n        $this->say();\n    }\n}\n\nIt is told.").checked().text
    )
    assert "…\n    public function told(): void\n    {\n        $this" in said
    said = composed("def told(self):\n        return self.text\n\nIt is told.").checked().text
    assert "```\ndef told(self):\n    return self.text\n```" in said


def test_a_marker_stands_behind_a_quotation_that_a_sentence_ends_with() -> None:
    assert composed('Just say "not here." It helps.').checked().text == 'Just say "not here." [1] It helps [1].'


def test_an_item_by_itself_is_a_sentence_and_one_that_something_leads_into_stays_an_item() -> None:
    text = "Leave:\n\n- It is asked for at the desk.\n- For two weeks you must give three months' notice."
    passage = Passage("1", "a.md", text, 0, len(text), language="en")
    composer = Composer([passage])
    composer.quote(Span(0, (units(text)[-1],), 1.0))
    assert composer.checked().text == "For two weeks you must give three months' notice [1]."
    assert "- Ask at the desk for leave [1]." in composed("Do this:\n\n- Ask at the desk for leave.").checked().text


def test_what_has_no_end_does_not_run_into_the_next_paragraph() -> None:
    said = composed("supported transports: Redis\n\nPriority 0 is the highest.").checked().text
    assert said == "supported transports: Redis [1]\n\nPriority 0 is the highest [1]."


def test_a_label_over_what_is_quoted_is_its_heading() -> None:
    said = composed("Bank letters\n\n- The desk sends them on a Monday.\n- They are signed.").checked().text
    assert said.startswith("**Bank letters**\n\n- The desk")


def test_what_is_quoted_from_amid_a_section_stands_under_its_heading() -> None:
    text = "Leave is asked for in writing.\n\nBegin this process two weeks before."
    passage = Passage("1", "a.md", text, 0, len(text), language="en", headings=("Leaving",))
    composer = Composer([passage])
    composer.quote(Span(0, units(text)[1:], 1.0))
    assert composer.checked().text == "**Leaving**\n\nBegin this process two weeks before [1]."


def test_a_few_words_that_reply_to_the_heading_stand_under_it() -> None:
    text = "At least fifteen weeks before."
    passage = Passage("1", "a.md", text, 0, len(text), language="en", headings=("Leave", "When do I tell the office?"))
    composer = Composer([passage])
    composer.quote(Span(0, units(text), 1.0))
    assert composer.checked().text == "**When do I tell the office?**\n\nAt least fifteen weeks before [1]."


def test_paragraphs_stay_paragraphs() -> None:
    assert composed("It opens at six.\n\nIt closes at ten.").checked().text == (
        "It opens at six [1].\n\nIt closes at ten [1]."
    )


def test_the_number_of_an_article_is_its_name_and_which_law_changed_it_is_not_said() -> None:
    said = "MADDE 12 – (1) (Değişik:RG-21/5/2019-30780) Ders kaydı zorunludur.(2)"
    assert composed(said).checked().text == "**MADDE 12 (1)** Ders kaydı zorunludur [1]."
    assert composed("See article 12 (1) of the law.").checked().text == "See article 12 (1) of the law [1]."


def test_code_keeps_how_far_in_each_of_its_lines_stands() -> None:
    answer = composed("Write:\n\n    def f():\n        return 1\n\n    f()\n\nThen run it.").checked().text
    assert "```\ndef f():\n    return 1\n\nf()\n```" in answer


def test_the_first_row_of_a_table_without_names_names_its_columns_where_it_alone_has_no_number() -> None:
    answer = composed("Room | People.\n\nHall | 40.\n\nKitchen | 6.").checked().text
    assert answer.splitlines() == ["| Room | People |", "| --- | --- |", "| Hall | 40 [1] |", "| Kitchen | 6 [1] |"]


def test_the_marks_of_a_heading_are_not_shown_in_it() -> None:
    said = composed("##Equity\n\n- The desk grants it on a Monday.\n- It is signed.").checked().text
    assert said.startswith("**Equity**")


def test_stray_marks_of_notes_are_not_shown() -> None:
    assert composed("*Note that it is closed.").checked().text == "Note that it is closed [1]."
    assert composed("It is said with *this* word.").checked().text == "It is said with *this* word [1]."
    passage = Passage("7", "a.md", "- Yazılı yapılır.\n- Sözlü de yapılır.", 0, 40, headings=("Sınavlar:35",))
    composer = Composer([passage])
    composer.quote(Span(0, units(passage.text), 1.0))
    assert composer.checked().text.startswith("**Sınavlar**")
    assert composed("Use the argument :\n\n- one\n- two").checked().text.startswith("Use the argument [1]:")


def test_a_figure_stands_in_the_last_column_of_rows_without_names() -> None:
    answer = composed("1 | Hall | Seats | 1.0.\n\n2 | Kitchen | 3.").checked().text
    assert answer.splitlines()[-1] == "| 2 | Kitchen |   | 3 [1] |"


def test_code_that_begins_or_ends_in_another_passage_says_so() -> None:
    begun = some_of("public function told(): string\n{\n    return $this->text;\n", "public")
    assert begun.startswith("```\npublic function") and "\n…\n```" in begun
    ended = some_of("    $a = 1;\n    $b = 2;\n    }\n}\n\nIt is done.", "$a")
    assert ended.startswith("```\n…\n")
    whole = some_of('<form>\n    <input name="a">\n    <br>\n</form>', "<form>")
    assert "…" not in whole


def test_an_account_is_no_heading() -> None:
    text = "- The fee is paid to the office.\n- The card is fetched there."
    numbered = Passage("7", "a.md", text, 0, len(text), headings=("TR 55 0001 5001 5800 7292",), language="en")
    composer = Composer([numbered])
    composer.quote(Span(0, tuple(units(text)), 1.0))
    assert composer.checked().text.startswith("- The fee")


def test_an_item_without_a_verb_that_is_one_of_several_stays_an_item() -> None:
    text = "We want all to be satisfied.\n\n1. Go home.\n2. Work only on the tickets of the day.\n3. Wait."
    assert some_of(text, "Work only") == "- …\n2. Work only on the tickets of the day [1].\n- …"
    assert (
        some_of("- Rest.\n- They are paid for the tickets of the day.", "They")
        == "They are paid for the tickets of the day [1]."
    )


def test_the_title_of_an_article_is_no_sentence() -> None:
    text = "Araştırma görevlileri:26 Madde 33 –\n\na) Araştırma görevlileri yardımcı olur."
    composer = Composer([Passage("7", "a.md", text, 0, len(text), headings=("Madde 32",), language="tr")])
    composer.quote(Span(0, tuple(units(text)), 1.0))
    shown = composer.checked()
    assert shown.text.startswith("**Madde 33: Araştırma görevlileri**\n\n- a) Araştırma")
    assert len(shown.sentences) == 1


def test_a_table_that_goes_on_in_the_next_passage_is_one() -> None:
    first = "\n\n".join(f"Room: {room}; People: {count}." for room, count in zip("ABC", range(3), strict=True))
    second = "\n\n".join(f"Room: {room}; People: {count}." for room, count in zip("DEF", range(3), strict=True))
    one = Passage("1", "a.md", first, 0, len(first))
    after = Passage("2", "a.md", second, len(first) + 2, len(first) + 2 + len(second))
    composer = Composer([one, after])
    composer.quote(Span(0, units(first)[:2], 1.0))
    composer.quote(Span(1, units(second)[1:], 1.0))
    shown = composer.checked()
    assert [line[2] for line in shown.text.splitlines()] == ["R", "-", "A", "B", "…", "E", "F"]
    assert all(shown.text[each.start : each.end] == each.text for each in shown.sentences)


def test_an_item_that_the_passage_before_leads_into_stays_an_item() -> None:
    first, second = "There are things to think about:", "- Workers are started again by the desk.\n- They are few."
    one = Passage("1", "a.md", first, 0, len(first))
    after = Passage("2", "a.md", second, len(first) + 1, len(first) + 1 + len(second))
    composer = Composer([one, after])
    lead = units(f"{first}\n\n{second}")[0]
    composer.quote(Span(0, (lead,), 1.0))
    composer.quote(Span(1, units(second)[:1], 1.0))
    assert composer.checked().text.endswith("\n\n- Workers are started again by the desk [2].\n- …")


def test_code_that_goes_on_further_in_in_the_next_passage_says_so() -> None:
    first, second = "class Desk:\n    lamp = True", "def light(self):\n    return self.lamp"
    for white, sign in ((6, True), (2, False)):
        after = Passage("2", "a.md", second, len(first) + white, len(first) + white + len(second))
        composer = Composer([Passage("1", "a.md", first, 0, len(first)), after])
        composer.quote(Span(0, units(first), 1.0))
        assert ("lamp = True\n…\n" in composer.checked().text) is sign


def test_bold_and_the_hollow_bullets_of_print_are_shown_as_such() -> None:
    assert composed("** Not paid (ever)** The fund does not pay.").checked().text.startswith("**Not paid (ever)** The")
    assert composed("It takes 2 ** 3 and 4 ** 5 steps.").checked().text == "It takes 2 ** 3 and 4 ** 5 steps [1]."
    listed = composed("- A card.\n\no: A coat.\n\no: A lamp.").checked().text
    assert listed == "- A card [1].\n- A coat [1].\n- A lamp [1]."
    assert composed("(5)The desk pays.").checked().text == "**(5)** The desk pays [1]."


def test_what_a_page_is_found_by_is_not_quoted() -> None:
    said = composed("title: Desks\nquestions: desk, desk@example.org\n\nA desk is given to all.").checked().text
    assert said == "**Desks**\n\nA desk is given to all [1]."

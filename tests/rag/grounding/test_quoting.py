"""Quotes as Markdown: lists, tables and code that read well, every piece with its marker and its place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.grounding import extractive
from rag.grounding.plain_text import plain
from rag.grounding.quoting import Composer
from rag.grounding.spans import Span
from rag.grounding.units import units
from rag.types import Passage, Support
from tests.rag.grounding.quoting_help import composed, some_of


def test_sentences_are_one_paragraph_each_with_its_marker() -> None:
    assert (
        composed("It opens at six. It closes\nat ten!").checked().text == "It opens at six [1]. It closes at ten! [1]"
    )


def test_a_table_is_a_table() -> None:
    answer = composed("Alias: phi; Size: 3|4 GB.\n\nAlias: gpt; Size: 12 GB; Use: drafts.").checked().text
    assert answer.splitlines() == [
        "| Alias | Size | Use |",
        "| --- | --- | --- |",
        "| phi | 3\\|4 GB |   [1] |",
        "| gpt | 12 GB | drafts [1] |",
    ]
    assert "<td>3|4 GB</td>" in MarkdownIt("commonmark").enable("table").render(answer)


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


def test_some_rows_without_names_are_a_list_and_the_only_one_a_line() -> None:
    assert composed("Kitchen | 3.").checked().text == "Kitchen · 3 [1]"
    text = "1 | Hall | Seats | 1.0.\n\n2 | Kitchen | 3.\n\n3 | Attic | 4."
    passage = Passage("7", "a.md", text, 0, len(text))
    composer = Composer([passage])
    composer.quote(Span(0, units(text)[1:2], 1.0))
    assert composer.checked().text.splitlines() == ["- 2 · Kitchen · 3 [1]", "- *(more items in the document)*"]


def test_an_account_is_no_heading() -> None:
    text = "- The fee is paid to the office.\n- The card is fetched there."
    numbered = Passage("7", "a.md", text, 0, len(text), headings=("TR 55 0001 5001 5800 7292",), language="en")
    composer = Composer([numbered])
    composer.quote(Span(0, tuple(units(text)), 1.0))
    assert composer.checked().text.startswith("- The fee")


def test_an_item_without_a_verb_that_is_one_of_several_stays_an_item() -> None:
    text = "We want all to be satisfied.\n\n1. Go home.\n2. Work only on the tickets of the day.\n3. Wait."
    more = "- *(1 more item in the document)*"
    assert some_of(text, "Work only") == f"{more}\n2. Work only on the tickets of the day [1].\n{more}"
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
    assert composer.checked().text.endswith(
        "\n\n- Workers are started again by the desk [2].\n- *(1 more item in the document)*"
    )


def test_bold_and_the_hollow_bullets_of_print_are_shown_as_such() -> None:
    assert composed("** Not paid (ever)** The fund does not pay.").checked().text.startswith("**Not paid (ever)** The")
    assert composed("It takes 2 ** 3 and 4 ** 5 steps.").checked().text == "It takes 2 ** 3 and 4 ** 5 steps [1]."
    listed = composed("- A card.\n\no: A coat.\n\no: A lamp.").checked().text
    assert listed == "- A card [1].\n- A coat [1].\n- A lamp [1]."
    assert composed("(5)The desk pays.").checked().text == "**(5)** The desk pays [1]."


def test_what_a_page_is_found_by_is_not_quoted() -> None:
    said = composed("title: Desks\nquestions: desk, desk@example.org\n\nA desk is given to all.").checked().text
    assert said == "**Desks**\n\nA desk is given to all [1]."


def test_the_place_of_contents_is_not_shown() -> None:
    said = composed("[TOC]\n\nThis guide is about the mill and its wheel.").checked().text
    assert said.startswith("This guide")

"""What is quoted in one piece: how far it goes on, and what may stand beside it."""

from __future__ import annotations

import pytest

from rag.grounding import extractive
from rag.grounding.quoting import Composer
from rag.types import Passage


def passage(text: str, score: float, document: str = "a.md", headings: tuple[str, ...] = ()) -> Passage:
    return Passage(document, document, text, 0, len(text), headings=headings, language="en", score=score)


def answer(question: str, passages: list[Passage], max_words: int = 100) -> str:
    composer = Composer(passages)
    for span in extractive.quoted(question, passages, max_words=max_words).spans:
        composer.quote(span)
    return composer.checked().text


def test_a_quote_goes_on_to_the_end_of_its_section_where_there_is_room() -> None:
    text = (
        "The ferry to the island leaves at nine.\n\n"
        "On Sundays there is none. Whoever misses it waits for the mail boat, which has eight seats.\n\n"
        "You need:\n\n- a ticket,\n- a coat."
    )
    said = answer("When does the ferry to the island leave?", [passage(text, 5.0)])
    assert said.split("\n\n") == [
        "The ferry to the island leaves at nine [1].",
        "On Sundays there is none [1]. Whoever misses it waits for the mail boat, which has eight seats [1].",
        "You need [1]:",
        "- a ticket, [1]\n- a coat [1].",
    ]
    short = answer("When does the ferry to the island leave?", [passage(text, 5.0)], max_words=28)
    assert short.endswith("eight seats [1].")  # a list of which one item has room is not begun


def test_a_quote_does_not_go_on_into_the_next_question_nor_a_list_of_links() -> None:
    told = "A badge is made on Wednesdays by the security office."
    asked = passage(f"When are badges made? {told}\n\nWhat does a badge cost?\n\nNothing.", 5.0)
    assert answer("On which day is a badge made?", [asked]).count("[1]") == 1
    linked = passage(f"{told}\n\nFact sheets:\n\n- Badge rules\n- Office hours", 5.0)
    assert answer("On which day is a badge made?", [linked]) == told.replace(".", " [1].")


def test_what_leans_on_the_paragraph_before_it_is_quoted_with_that() -> None:
    text = (
        "You can only take advanced leave that you earn back by the end of the year.\n\n"
        "For example: you earn four hours in a period, and fourteen periods are left. You may take 56 hours."
    )
    said = answer("How many hours may I take?", [passage(text, 5.0)])
    assert said.startswith("You can only take advanced leave")


def test_beside_the_best_one_other_passage_is_quoted_under_its_own_heading() -> None:
    passages = [
        passage("Guests park their cars behind the mill.", 5.0, "guests.md", ("Guests", "Cars")),
        passage("Staff park their cars in the yard.", 5.0, "staff.md", ("Staff", "Cars")),
        passage("Drivers park the cars of the mayor in the street.", 5.0, "mayor.md", ("Mayor", "Cars")),
    ]
    said = answer("Where does one park cars?", passages)
    assert said.count("[1]") + said.count("[2]") + said.count("[3]") == 2
    assert said.count(" › Cars**") == 1


def test_a_quote_does_not_end_with_the_name_of_what_is_told_next() -> None:
    told = "Requests are sent on by the gate where this is set."
    text = f"{told} It is off at first.\n\nGATE_NAMES\n\n- Names of the gates, of which there may be as many as needed."
    said = answer("Where are requests sent on by the gate?", [passage(text, 5.0)], max_words=20)
    assert said.endswith("It is off at first [1].")


def test_a_sentence_that_announces_steps_is_not_the_last() -> None:
    told = "Nobody works more than forty hours without being paid."
    text = f"{told} If you have to, here are the steps to take before it.\n\n1. Ask.\n2. Wait."
    said = answer("How many hours does nobody work without being paid?", [passage(text, 5.0)], max_words=21)
    assert said == told.replace(".", " [1].")


def test_another_document_that_is_far_behind_is_quoted_only_if_it_says_more() -> None:
    best = passage("The swimming test of the school is taken in the harbour every May.", 6.0, "a.md", ("Test",))
    other = passage("The swimming hall is behind the school of the harbour town.", 2.0, "b.md", ("Hall",))
    assert "[2]" not in answer("Where is the swimming test of the school taken?", [best, other])


def test_another_section_that_says_much_less_of_the_question_is_not_quoted() -> None:
    best = passage("The ferry leaves the harbour at nine with the post of the island.", 5.0, "a.md", ("Ferry",))
    other = passage("The harbour master sells tickets until nine.", 5.0, "a.md", ("Tickets",))
    assert "[2]" not in answer("When does the ferry leave the harbour?", [best, other])
    assert "[2]" in answer("Until when does the harbour master sell tickets for the ferry?", [best, other])


def test_what_speaks_of_something_named_before_is_quoted_with_that() -> None:
    told = "You will have to store this file on the server by hand and keep it from the others."
    named = "The key that opens the letters is written into a file of its own. "
    said = answer("What is to be stored on the server by hand?", [passage(f"{named}\n\n{told}", 5.0)])
    assert said.startswith("The key that opens")
    own = "If you make a file with a key, you will have to store this file on the server by hand and keep it."
    assert answer("What is to be stored on the server by hand?", [passage(f"{named}\n\n{own}", 5.0)]).startswith(
        "If you"
    )


def test_a_sentence_that_says_what_to_do_instead_is_quoted_with_what_it_is_said_of() -> None:
    text = (
        "The server is told where the application is. The word for that stands between two signs, and the first of "
        "them is the name of the file in which it was written down, as it is with all of these servers on the whole."
        "\n\n"
        "If you have a factory, call the factory instead."
    )
    said = answer("What is called if you have a factory?", [passage(text, 5.0)], max_words=30)
    assert "the whole [1].\n\nIf you have a factory" in said


def test_a_first_paragraph_that_leans_on_another_passage_gives_way_to_a_list_that_answers() -> None:
    text = (
        "If your need to care for somebody is outside of this group, write to the desk.\n\n"
        "- Paid leave for care lasts four weeks.\n- Unpaid leave for care lasts eight weeks."
    )
    assert answer("How long does leave for care last?", [passage(text, 5.0)]).startswith("- Paid leave")


def test_a_quote_ends_with_no_number_of_what_comes_next_nor_ways_that_it_does_not_say() -> None:
    told = "The harbour is closed in January."
    said = answer("When is the harbour closed?", [passage(f"{told} (4)", 5.0)])
    assert said == told.replace(".", " [1].")
    ways = f"{told} There are two ways to leave it.\n\n" + "The first of them is by the sea and takes a day. " * 9
    assert answer("When is the harbour closed?", [passage(ways, 5.0)], max_words=14) == told.replace(".", " [1].")


def test_where_it_is_not_sure_what_answers_another_document_has_to_say_some_of_the_question() -> None:
    best = passage("The ferry leaves the harbour with the post of the island.", 1.0, "a.md", ("Ferry",))
    other = passage("The post has eight seats for those who wait.", 1.0, "b.md", ("Seats",))
    question = "When does the harbour master let the ferry sail?"
    made = extractive.quoted(question, [best, other], sure=False).spans
    assert {span.passage for span in made} == {0}


def test_of_two_long_items_both_are_quoted_by_their_first_sentences() -> None:
    first = "The rating is put down in writing by the lead. " + "It is kept in the file of the person for a year. " * 4
    second = "The plan is shown to the person by the lead. " + "It is kept in the file of the person for a year. " * 5
    text = f"There are two things to do for a rating:\n\n1. {first.strip()}\n2. {second.strip()}"
    said = answer("What is to be done for a rating?", [passage(text, 5.0)])
    assert "\n2. The plan is shown to the person by the lead [1]." in said


def test_a_quote_does_not_go_on_into_a_form_or_end_with_the_number_of_a_clause() -> None:
    told = "Changes of the handbook take effect on the first of the month."
    form = passage(f"{told}\n\nSignature: ______________", 5.0)
    assert answer("When do changes of the handbook take effect?", [form]) == told.replace(".", " [1].")
    clauses = passage(f"3.5. {told}\n\n3.6. They are told to all.\n\n3.7. ", 5.0)
    said = answer("When do changes of the handbook take effect?", [clauses])
    assert said == f"**3.5.** {told.replace('.', ' [1].')}\n\n**3.6.** They are told to all [1]."


def test_two_passages_of_one_section_are_quoted_in_its_order() -> None:
    before, after = "The sixth week is a hack week.", "We will also hold a hack week off site in spring."
    start = len(before) + 2
    one = Passage("1", "a.md", after, start, start + len(after), headings=("Weeks",), language="en", score=5.0)
    two = Passage("2", "a.md", before, 0, len(before), headings=("Weeks",), language="en", score=4.0)
    said = answer("When is the hack week?", [one, two])
    assert said.index(before[:-1]) < said.index(after[:-1])


def test_a_quote_does_not_go_on_into_the_contents_of_its_document() -> None:
    told = "Probation takes three months for all who join the mill."
    text = f"{told}\n\nThis page answers:\n\n- What is probation?\n- How is it passed?\n- Who decides it?"
    assert answer("How long does probation take?", [passage(text, 5.0)]) == told.replace(".", " [1].")


def test_the_line_at_the_foot_of_a_document_is_no_part_of_an_answer() -> None:
    told = "At 38 degrees the server of the mill shuts down."
    text = f"{told}\n\nThe mill · The server of the mill"
    assert answer("At what degrees does the server of the mill shut down?", [passage(text, 5.0)]) == told.replace(
        ".", " [1]."
    )


def test_of_code_for_several_kinds_of_file_the_first_is_quoted() -> None:
    text = (
        "The mail is sent by the host that is set here:\n\n    # config/mail.yaml\n    mail:\n        host: a\n\n"
        "    <!-- config/mail.xml -->\n    <mail>\n        <host>a</host>\n    </mail>\n"
    )
    other = "    // config/mail.php\n    use Mail;\n\n    // the host that sends the mail\n    $mail->host('a');\n"
    said = answer("Where is the host set that sends the mail?", [passage(text, 5.0), passage(other, 4.9)])
    assert "mail.yaml" in said and "mail.php" not in said
    assert "mail.xml" not in said


def test_the_last_item_of_a_list_is_quoted_with_the_code_that_it_leads_into() -> None:
    text = (
        "There are 2 ways to bring the key to the server:\n\n1. Copy the file to the server.\n"
        "2. Set the variable to the key. Its value is shown by:\n\n    $ key show --value\n"
    )
    said = answer("In which ways is the key brought to the server?", [passage(text, 5.0)])
    assert "2. Set the variable" in said
    assert "$ key show --value" in said


def test_a_quote_has_no_sentence_that_only_refers_to_a_label_of_the_source() -> None:
    told = "The development server is started by the run command."
    text = f"{told} See /deploying/index for how to run in production. It is not meant to be fast."
    said = answer("What starts the development server?", [passage(text, 5.0)])
    assert said == "The development server is started by the run command [1]. It is not meant to be fast [1]."


def test_what_a_page_is_about_gives_way_to_what_it_says() -> None:
    page = "This page explains by whom the development server of the office is started. It is reviewed in May."
    told = "The development server is started by the porter at seven."
    passages = [passage(page, 5.0, "a.md", ("Server",)), passage(told, 5.0, "a.md", ("Porter",))]
    assert answer("By whom is the development server started?", passages).startswith("The development server")


def test_a_document_without_headings_is_named_where_a_quote_says_little_without_it() -> None:
    table = "Years: 7; Pay: 120.\n\nYears: 3; Pay: 100."
    said = answer("What is the pay after 7 years?", [passage(table, 5.0, "office/salary-and_shares.md")])
    assert said.startswith("**Salary and shares**\n\n| Years |")
    assert answer("What is the pay after 7 years?", [passage(table, 5.0, "office/1734693453.pdf")]).startswith("|")


def test_of_definitions_the_one_that_is_looked_up_is_quoted() -> None:
    text = (
        "In this rule:\n\n- Desk: the room in which the papers of the harbour are kept.\n"
        "- Price board: those who set the prices of the harbour.\n- Harbour: the water and the walls around it.\n"
    )
    said = answer("Who sets the prices of the harbour?", [passage(text, 5.0, "a.md", ("Definitions",))])
    assert "Price board: those who set the prices" in said
    assert "papers" not in said and "water" not in said


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Picture: the harbour gate", False),
        ("Example of the harbour gate in summer.", False),
        ("Figure 3. The harbour gate in summer", False),
        ("Example of the harbour in summer: it opens early.", True),
    ],
)
def test_a_few_words_on_a_picture_and_its_caption_are_no_part_of_a_quote(words: str, shown: bool) -> None:
    text = f"The harbour opens at six in summer.\n\n{words}\n\nIn winter it opens at eight."
    said = answer("When does the harbour open in summer and in winter?", [passage(text, 5.0)])
    assert "opens at six" in said and (words[:12] in said) is shown


def test_the_last_item_of_a_list_that_began_elsewhere_stands_beside_no_answer() -> None:
    text = (
        "- priority: the first ferry of the board goes, in the order of their numbers;\n\n"
        "Whatever is chosen, if every ferry is late, the post waits for the fog to lift."
    )
    said = answer("What happens to the post if every ferry is late?", [passage(text, 5.0)])
    assert said.startswith("Whatever is chosen")


def test_what_leans_on_code_is_quoted_with_the_code_and_what_leads_into_it() -> None:
    text = (
        '- Write less at once.\n- Let the store wait longer by its option:\n\n    "OPTIONS": {"timeout": 20}\n\n'
        "This will make the store wait before it says that it is locked."
    )
    said = answer("What makes the store wait before it is locked?", [passage(text, 5.0)])
    assert said.index("Let the store") < said.index("timeout") < said.index("This will make")


def test_what_leans_on_a_list_is_quoted_with_the_list_and_what_leads_into_it() -> None:
    text = (
        "The store knows two locks:\n\n- One for those who read.\n- One for those who write.\n\n"
        "The only difference is how long the store waits for a letter."
    )
    said = answer("How long does the store wait for a letter?", [passage(text, 5.0)])
    assert said.index("two locks") < said.index("who read") < said.index("who write") < said.index("only difference")


def test_two_stretches_of_one_section_are_quoted_in_its_order() -> None:
    early, late = "If a letter fails it is sent again by the desk.", "If the letter fails again, the desk puts it away."
    one = Passage("1", "a.md", late, 900, 900 + len(late), headings=("Letters",), language="en", score=5.0)
    two = Passage("2", "a.md", early, 0, len(early), headings=("Letters",), language="en", score=4.9)
    said = answer("What does the desk do if a letter fails again?", [one, two])
    assert said.index("sent again") < said.index("puts it away")


def test_an_answer_in_a_list_is_quoted_with_its_question_and_no_question_is_the_last() -> None:
    long = "The office keeps the hours of everybody in a book of its own, which is read at the end of the month. " * 3
    items = [
        "- Q: May I change the hours of a day that is over?",
        f"  - A: {long}",
        "- Q: Who works on a Sunday?",
        f"  - A: Nobody works more than forty hours in the week of a Sunday. {long}",
        "- Q: Are there hours for interns?",
        f"  - A: {long}",
    ]
    said = answer("More than forty hours in the week?", [passage("\n".join(items), 5.0)], max_words=70)
    assert said.index("Q: Who works on a Sunday") < said.index("A: Nobody works more")
    assert "interns" not in said


def test_what_then_has_to_be_done_is_quoted_with_what_is_done_before() -> None:
    text = "The command starts a small server.\n\nYou then only need to set the host and the port of the mail."
    said = answer("What do I need to set of the mail, the host or the port?", [passage(text, 5.0)])
    assert said.startswith("The command starts")


def test_a_first_paragraph_that_leans_on_another_passage_gives_way_to_one_that_says_hardly_less() -> None:
    text = (
        "This is a change of the order in which the letters of the workers are kept, so all have to follow it.\n\n"
        "For harbours with some workers it is advised that the order of the letters is kept by all of the workers."
    )
    said = answer("In which order are the letters of the workers kept?", [passage(text, 5.0)])
    assert said.startswith("For harbours")


def test_what_announces_ways_after_a_purpose_is_no_answer_by_itself() -> None:
    ways = passage("To make the harbour of the island fast, there are a few things you need to do.", 5.0)
    told = passage("The harbour of the island is fast where its gates stand open.", 4.9, "b.md")
    assert answer("How do I make the harbour of the island fast?", [ways, told]).startswith("The harbour")


def test_the_date_of_a_page_stands_beside_no_answer() -> None:
    pay = "Staff in the mill are paid on the 15th and on the last day of each month."
    for line in ("Effective date: February 1, 2023", "Last updated: 2024-05-01", "Son güncelleme: 3 Mayıs 2024"):
        passages = [passage(line, 5.0, "pay.md", ("How to get paid",)), passage(pay, 4.9, "pay.md", ("Pay",))]
        assert line not in answer("On which days do staff get paid?", passages)


def test_the_end_of_a_torn_sentence_is_quoted_with_its_beginning() -> None:
    """What was read from a page may have a full stop where its line ended."""
    text = "On the diploma of whoever finished in the evening, the second.\n\nprogramme of teaching is never named."
    assert answer("Is the programme of teaching named?", [passage(text, 5.0)]).startswith("On the diploma")


def test_the_first_file_of_a_folder_is_called_by_the_folder() -> None:
    text = "- We sell flour.\n- We answer letters."
    for document, name in (("guides/sales-team/index.md", "Sales team"), ("sales_team/README.md", "Sales team")):
        assert answer("What do we sell?", [passage(text, 5.0, document)]).startswith(f"**{name}**")


def test_a_short_table_is_quoted_whole() -> None:
    towns = {"York": "Mill Lane", "Bath": "High Street", "Leeds": "River Road", "Hull": "The Quay"}
    rows = [f"Office: {town}; Address: {street}; Floors: {town[0]}." for town, street in towns.items()]
    said = answer("Where is the Leeds office?", [passage("\n\n".join(rows), 5.0)])
    assert all(street in said for street in towns.values()) and "…" not in said
    many = [*rows, *(f"Office: Town{at}; Address: Street{at}; Floors: {at}." for at in range(20))]
    assert "Street19" not in answer("Where is the Leeds office?", [passage("\n\n".join(many), 5.0)])


def test_a_long_quote_does_not_go_on_with_what_says_nothing_of_the_question() -> None:
    ferry = "The ferry to the island leaves the harbour at nine on all days but Sundays. " + " ".join(
        f"From the harbour of town{at} the ferry leaves for the island at {at}." for at in range(10, 16)
    )
    besides = "Bread is baked in the village.\n\nMilk is sold by its farmers.\n\nCheese is made of some of it."
    said = answer("When does the ferry to the island leave?", [passage(f"{ferry}\n\n{besides}", 5.0)], 120)
    assert "town15" in said and "Cheese" not in said
    brief = passage(f"The ferry to the island leaves at nine.\n\n{besides}", 5.0)
    assert "Cheese" in answer("When does the ferry to the island leave?", [brief], 120)


def test_a_sentence_that_takes_back_what_was_said_is_quoted_with_it() -> None:
    text = "Dental prostheses are not paid for by the fund of the institute."
    more = "However, those that the board of doctors asks for are paid."
    first = passage(text, 5.0)
    after = Passage("b", "a.md", more, len(text) + 2, len(text) + 2 + len(more), language="en", score=1.0)
    said = answer("Are dental prostheses paid for?", [first, after], max_words=12)
    assert said.startswith("Dental prostheses are not paid") and said.endswith("asks for are paid [2].")
    items = "\n".join(f"- Fund {at} pays for what is bought there. {'It has many rules. ' * 9}" for at in range(3))
    long = (
        f"These pay:\n\n{items}\n- Fund 9 pays for tools. However, saws are not paid for. {'It has many rules. ' * 9}"
    )
    assert "However, saws are not paid" in answer("Which fund pays for what is bought?", [passage(long, 5.0)])


def test_an_item_of_a_list_is_quoted_with_what_leads_into_it() -> None:
    before = "We want all customers to be content with the desk.\n\nWhoever has too many tickets does this:"
    items = "\n".join(f"{at}. {'Write to the manager of the desk about room ' + str(at)}." for at in range(1, 9))
    said = answer("What is written about room 4?", [passage(f"{before}\n\n{items}", 5.0)], max_words=20)
    assert "does this [1]:" in said and "room 4" in said


def test_the_calls_that_a_reference_describes_are_headings_in_it() -> None:
    text = "open()\n\nOpens the desk of the harbour.\n\nshut()\n\nShuts the desk of the harbour in the evening."
    said = answer("What shuts the desk of the harbour in the evening?", [passage(text, 5.0)])
    assert "**shut()**\n\nShuts the desk" in said and "```" not in said


def test_more_information_alone_is_no_part_of_a_quote() -> None:
    text = "The ferry to the island leaves at nine. More information."
    assert answer("When does the ferry leave?", [passage(text, 5.0)]) == "The ferry to the island leaves at nine [1]."


def test_a_quote_does_not_end_with_what_says_that_something_stands_below() -> None:
    told = "A fault is reported to the help desk."
    for below in (
        "The steps below assume that you have seen the fault yourself.",
        "Sunucuda aşağıdaki ayarlar yapılmalıdır.",
        "(2)",
        "Sayfanın tümü için buraya tıklayınız.",
        "For the whole page click here.",
    ):
        said = answer("To whom is a fault reported?", [passage(f"{told}\n\n{below}", 5.0)])
        assert said == "A fault is reported to the help desk [1]."


def test_a_title_and_what_cannot_be_read_are_no_answer_where_something_is_said() -> None:
    told = "Cats on the campus are fed by the wardens."
    title = "Directive On Homeless Cats Living On Campus Grounds"
    drawn = (
        "CATS CAMPUS FED 900 A (200) 4 BI (600) * B2 (400) cats campus 800 A (200) B2 — 550 * 150 fed 1200 (609) 400 "
        "who 1200 4"
    )
    for other in (title, drawn):
        passages = [passage(other, 5.0, "b.md"), passage(told, 4.0)]
        assert answer("Who feeds the cats on the campus?", passages).startswith("Cats on the campus are fed")

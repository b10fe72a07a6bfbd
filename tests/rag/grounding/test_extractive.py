"""Quoting: which sentences, how many, from where."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.grounding import extractive, unit_features
from rag.types import Passage


def passage(text: str, score: float = 1.0, language: str = "en") -> Passage:
    return Passage("1", "a.md", text, 0, len(text), language=language, score=score)


_BACKUP = "The library keeps everything. The nightly backup runs at half past two. Restores are tested every May."
_LEAVE = "Employees get 25 days of leave. They ask their manager first."


def quoted(question: str, passages: list[Passage], max_words: int = 100) -> list[str]:
    return [one.text for one in extractive.quote(question, passages, max_words=max_words)]


def test_the_sentence_that_answers_is_quoted_with_its_neighbours_and_is_where_it_says() -> None:
    passages = [passage(_LEAVE, 1.0), passage(_BACKUP, 2.0)]
    quotes = extractive.quote("When does the nightly backup run?", passages)
    assert "The nightly backup runs at half past two." in [one.text for one in quotes]
    assert quotes[0].passage == 1
    assert all(passages[one.passage].text[one.start : one.end] == one.text for one in quotes)


def test_a_number_is_preferred_where_a_number_is_asked_for() -> None:
    about = "The leave of employees is generous and popular with employees."
    passages = [passage(f"{about}\n\nEmployees get 25 days of leave.")]
    assert quoted("How many days of leave do employees get?", passages)[0] == "Employees get 25 days of leave."


def test_turkish_and_chinese_are_quoted_too() -> None:
    turkish = passage("Kurum büyüktür. Çalışanlar yılda yirmi beş gün izin kullanır.", language="tr")
    assert any("yirmi beş" in one for one in quoted("Çalışanlar kaç gün izin kullanır?", [turkish]))
    chinese = passage("天气很好。夜间备份在凌晨两点半运行。", language="zh")
    assert any("备份" in one for one in quoted("夜间备份什么时候运行？", [chinese]))


def test_when_an_article_was_changed_is_no_answer_to_what_it_says() -> None:
    text = (
        "MADDE 33- (Değişik:RG-26/1/2025-32794)\n\n"
        "Kayıt en çok iki yarıyıl dondurulabilir. Başvuru dört hafta içinde yapılır."
    )
    found = quoted("Kayıt dondurma süresi ne kadar?", [passage(text, language="tr")])
    assert found[0] == "Kayıt en çok iki yarıyıl dondurulabilir." and not [one for one in found if "RG-" in one]
    told = "Section 3 (Amended in 2024 by the board)\n\nFees are due in May."
    assert quoted("When are fees due?", [passage(told)]) == ["Fees are due in May."]


_CANTEEN = (
    "The canteen serves soup, bread and a choice of two dishes on all days but Sundays, when it is closed for repairs, "
    "and everybody brings sandwiches from home or from the bakery in the street behind the old mill, open from six "
    "and sells what is left of the day before at half the price until seven or until nothing is left of it at all.\n\n"
    "In that case the days of leave are paid by the employees of the canteen."
)
_CALENDAR = (
    "The calendar of the board:\n\n- The days of leave are planned in the first days of January; and\n"
    "- The holidays of schools and ferries come after these."
)


def test_what_is_quoted_besides_can_be_read_without_what_is_not() -> None:
    for text, torn in ((_CANTEEN, "In that case"), (_CALENDAR, "The days of leave are planned")):
        passages = [passage("Employees get 25 days of leave each year."), passage(text)]
        found = unit_features.split(passages)
        said = [passages[one.passage].text[one.start : one.end] for one in found]
        scores = np.array(
            [3.0 if one.startswith("Employees") else 2.5 if one.startswith(torn) else -3.0 for one in said]
        )
        quotes = [
            passages[span.passage].text[unit.start : unit.end]
            for span in extractive.choose(passages, found, scores, 24)
            for unit in span.units
        ]
        assert quotes == ["Employees get 25 days of leave each year."]
        scores[0] = 2.0  # as the best there is it is quoted
        first = extractive.choose(passages, found, scores, 24)[0]
        assert any(passages[1].text[unit.start : unit.end].startswith(torn) for unit in first.units)


_STEPS = """The disk of a laptop is protected so:

1. Call the help desk.
2. Encrypt the disk of the laptop.
3. Restart.

Nothing else is needed on Mondays."""


def test_a_list_is_quoted_whole_in_its_order_with_what_leads_into_it() -> None:
    assert quoted("How is the disk of the laptop encrypted?", [passage(_STEPS)])[:4] == [
        "The disk of a laptop is protected so:",
        "Call the help desk.",
        "Encrypt the disk of the laptop.",
        "Restart.",
    ]


def test_a_list_that_goes_on_in_the_next_passage_is_quoted_from_both() -> None:
    first, second = "To get a key, do this:\n\n1. Fill in the form for a key.", "2. Bring it to the desk.\n3. Sign."
    text = f"{first}\n{second}"
    one = Passage("1", "a.md", first, 0, len(first), headings=("Keys",), language="en", score=2.0)
    two = Passage("2", "a.md", second, len(first) + 1, len(text), headings=("Keys",), language="en", score=1.0)
    assert quoted("How do I get a key?", [one, two]) == [
        "To get a key, do this:",
        "Fill in the form for a key.",
        "Bring it to the desk.",
        "Sign.",
    ]


def test_what_leads_into_nothing_is_not_quoted() -> None:
    torn = passage("The disk of a laptop is protected so:")
    rest = passage("Ask the help desk about the disk of your laptop.")
    assert quoted("How is the disk of the laptop protected?", [torn, rest]) == [rest.text]
    assert quoted("How is the disk of the laptop protected?", [torn]) == []


def test_a_question_is_no_answer() -> None:
    text = "May I bring my dog to the office? Dogs are welcome on Fridays. May I bring my cat? No."
    found = quoted("May I bring my dog to the office?", [passage(text)])
    assert "Dogs are welcome on Fridays." in found
    assert not [one for one in found if one.endswith("?")]


_TABLE = """Memory needed – phi-4-mini: 8 GB free; gpt-oss-20b: 16 GB free.

Licence – phi-4-mini: MIT; gpt-oss-20b: Apache 2.0."""


def test_the_row_that_answers_is_quoted() -> None:
    found = quoted("How much memory is needed for gpt-oss-20b?", [passage(_TABLE)])
    assert found[0].startswith("Memory needed")


def test_what_two_passages_share_is_quoted_once() -> None:
    shared = "The nightly backup runs at half past two."
    found = quoted("When does the nightly backup run?", [passage(_BACKUP), passage(f"{shared} It is on tape.")])
    assert found.count(shared) == 1


def test_nothing_comes_from_nothing() -> None:
    assert extractive.quote("Anything?", []) == []
    assert extractive.quote("Anything?", [passage("—")]) == []


@given(st.lists(st.text(max_size=400), min_size=1, max_size=3), st.integers(5, 60))
def test_quotes_stay_within_the_allowance_but_for_the_first_stretch(texts: list[str], allowance: int) -> None:
    passages = [passage(text) for text in (*texts, _BACKUP, _STEPS)]
    spans = extractive.quoted("When does the nightly backup run?", passages, max_words=allowance).spans
    words = [sum(unit_features.word_count(passages[s.passage].text[u.start : u.end]) for u in s.units) for s in spans]
    assert sum(words) <= max(allowance, 2 * max(words, default=0))


@given(st.text(max_size=200), st.lists(st.text(max_size=300), max_size=4))
def test_any_question_and_any_passages_can_be_quoted_from(question: str, texts: list[str]) -> None:
    passages = [passage(text) for text in texts]
    for one in extractive.quote(question, passages):
        assert passages[one.passage].text[one.start : one.end] == one.text
        assert one.text.strip()


def test_the_item_that_answers_is_quoted_whole_though_its_list_is_too_long() -> None:
    items = [
        f"{n}. Step {n} is done by the team of floor {n}. It takes them a day or two or more." for n in range(1, 9)
    ]
    items[3] = "4. The badge is printed at the gate of the yard. You return it on your last day."
    said = quoted("Where is the badge printed?", [passage("Arrive so:\n\n" + "\n".join(items))])
    assert "The badge is printed at the gate of the yard. You return it on your last day." in said


def test_nothing_in_another_language_follows_an_answer() -> None:
    found = quoted(
        "When does the nightly backup run?",
        [passage(_BACKUP, 2.0), passage("Yedek her gece alınır; backup sunucusu İzmir'dedir.", 1.0, "tr")],
    )
    assert found and not any("Yedek" in one for one in found)


def test_a_sentence_is_quoted_under_the_label_that_stands_over_it() -> None:
    text = "Overview\n--------\n\nEverything is listed here.\n\nPrices\n------\n\nA badge costs nine euros at the gate."
    assert quoted("What does a badge cost?", [passage(text)])[:2] == ["Prices", "A badge costs nine euros at the gate."]


def test_a_stretch_does_not_end_with_what_leads_into_nothing() -> None:
    said = quoted("How many spiders share a process?", [passage("Two spiders share a process. Here is an example:")])
    assert said == ["Two spiders share a process."]


def headed(text: str, *headings: str, score: float = 1.0) -> Passage:
    return Passage("1", "a.md", text, 0, len(text), headings=headings, language="en", score=score)


def test_a_few_words_answer_the_heading_over_them() -> None:
    text = "The program receives cookies and sends cookies back with each request that goes forth."
    best = headed(text, "Cookies", score=1.0)
    short = headed("Enable the COOKIES_DEBUG setting.", "How can I see the cookies being sent and received?")
    assert quoted("How can I see which cookies are sent back and forth?", [best, short]) == [short.text, best.text]


_RULES = "A draft is escalated when one of these rules holds:\n\n" + "\n".join(
    (
        "- Long draft. It has more than six hundred characters, and it is therefore worth the time that it takes to "
        "polish it before anybody of the board has to read it.",
        "- Empty draft. It has so few characters that it says nothing at all of what was asked, whatever the number of "
        "its words and however well they sound.",
        "- Flagged topic. The question touches a topic of the list of the board, such as contracts or the safety at "
        "sea, and somebody will look at the answer again.",
        "- Repetition. The same sentence or phrase is said again and again in it, which readers of reports do not "
        "forgive, whoever has written them.",
    )
)


def test_a_list_that_is_too_long_is_quoted_by_its_items_first_sentences() -> None:
    quotes = quoted("Which rules cause a draft to be escalated?", [passage(_RULES)])
    assert quotes[1:] == ["Long draft.", "Empty draft.", "Flagged topic.", "Repetition."]


def test_a_list_beside_an_answer_gets_the_room_that_is_left() -> None:
    said = "A draft that a rule escalates is read by the desk at once. It says so."
    question = "Which rules of the desk cause a draft to be escalated?"
    quotes = quoted(question, [passage(said), passage(_RULES)], max_words=78)
    assert quotes[-3:] == ["Empty draft.", "Flagged topic.", "Repetition."]
    assert sum(len(one.split()) for one in quotes) <= 78


def test_a_list_that_names_the_sections_of_its_document_is_no_answer() -> None:
    items = "- Introduction\n- Entries\n- Fields of an entry of a schedule\n- Starting the scheduler"
    sections = [
        headed("The scheduler kicks off tasks at regular intervals.", "Schedules", "Introduction"),
        headed("A task and a frequency are given.", "Schedules", "Entries"),
        headed("Type beat in the shell of the machine.", "Schedules", "Starting the scheduler"),
    ]
    contents = headed(items, "Schedules", score=2.0)
    quotes = quoted("Which fields can an entry of a schedule have?", [contents, *sections])
    assert quotes[0] == sections[1].text
    assert "Entries" not in quotes


def test_the_list_that_a_paragraph_ends_with_is_quoted_with_it() -> None:
    text = "Staff may publish on several blogs of the agency. Most write for their own team. These are the blogs:"
    quotes = quoted("Which blogs can staff publish on?", [passage(text + "\n- FedRAMP\n- USAGov")])
    assert quotes[-2:] == ["FedRAMP", "USAGov"]


def test_where_to_read_on_is_no_answer() -> None:
    best = passage("The desk opens at nine and the desk closes at five.", 2.0)
    question = "What are the opening hours of the desk?"
    assert quoted(question, [best, passage("See the opening hours.")]) == [best.text]


def test_a_sentence_that_a_list_interrupts_is_quoted_to_its_end() -> None:
    text = "You can request the editor or:\n\n- the viewer\n- the whole suite\n\nby writing to the service desk."
    assert quoted("Which programs can I request?", [passage(text)])[-1] == "by writing to the service desk."


def test_what_the_end_of_a_passage_cuts_off_is_not_quoted() -> None:
    torn = passage(
        "The permit of a company is valid for a year. It is renewed every December. Whoever sells the car of a"
    )
    assert quoted("How long is the permit of a company valid?", [torn])[-1] == "It is renewed every December."
    listed = passage(
        "Permits of companies:\n- Keep the permit in the car.\n- Renew the permit.\n- Return the permit to the"
    )
    assert quoted("What about permits of companies?", [listed])[-1] == "Renew the permit."


def test_a_sentence_is_not_said_again_with_a_mark_before_it() -> None:
    said = "Students who have passed no preparatory class take the exam and need a grade of at least sixty to begin."
    again = passage(f"N (4) {said}")
    assert quoted("Which grade do students need in the exam to begin?", [again, passage(said)]) == [again.text]


def test_what_a_question_of_the_list_asks_is_no_answer() -> None:
    asks = passage("Before a gift is taken:\n\n- Has the gift been reported?\n- Who gave the gift?", score=3.0)
    tells = passage("A gift of up to 50 euros may be kept by its receiver.")
    assert quoted("Which gift may be kept?", [asks, tells])[0] == tells.text
    contents = (
        "- Security\n  - Is pickle a concern?\n  - Is root safe?\n- Tasks\n  - Why is it slow?\n  - Who deletes it?"
    )
    risk = passage("Pickle runs any code that is in a message.")
    assert quoted("Why is pickle a security concern?", [passage(contents, score=3.0), risk])[0] == risk.text


@given(st.lists(st.integers(0, 3), min_size=4, max_size=9), st.integers(40, 200))
def test_of_a_list_nothing_is_left_out_between_two_items(kinds: list[int], allowance: int) -> None:
    tell = (
        "The swimming test is taken in the harbour",
        "Shoes are left at the door",
        "Swimming",
        "Every pupil is tested",
    )
    items = [f"{tell[kind]} on day {at}{', as is told at length' * kind}." for at, kind in enumerate(kinds)]
    text = "\n".join(f"{at}. {item}" for at, item in enumerate(items, 1))
    found = extractive.quote("Where is the swimming test taken?", [passage(text)], max_words=allowance)
    places = sorted(
        next(at for at, item in enumerate(items) if one.text and item.startswith(one.text)) for one in found
    )
    assert places == list(range(places[0], places[-1] + 1))


def test_a_stretch_does_not_end_with_an_item_that_announces_or_a_sentence_without_its_end() -> None:
    items = "- The leave of a student lasts one year at most, as the board decides.\n- The cases of leave are:"
    assert quoted("How long is the leave of a student?", [passage(items)]) == [
        "The leave of a student lasts one year at most, as the board decides."
    ]
    torn = "Views may wait for the leave of a student. For example, when the leave is asked for at the desk,"
    assert quoted("How do views wait for leave?", [passage(torn)]) == ["Views may wait for the leave of a student."]


def test_a_title_is_not_quoted_beside_an_answer() -> None:
    answer = passage("Courses of the summer school may be taken at another university.", score=3.0)
    title = passage("Taking Summer School Courses At Another University And Their Assessment", score=2.0)
    assert quoted("May summer school courses be taken at another university?", [answer, title]) == [answer.text]


def test_what_says_where_to_read_on_is_not_quoted_around_an_answer() -> None:
    for points in (
        "For more info see topics-leave.",
        "More information about leave can be found on the page of the desk.",
        "Please see the leave policy of the office for further details.",
        "Weitere Informationen zum Urlaub finden Sie im Handbuch.",
        "İzin hakkında daha fazla bilgi için kılavuza bakınız.",
    ):
        told = "Employees get 25 days of leave in a year."
        assert quoted("How many days of leave do employees get?", [passage(f"{points} {told} {points}")]) == [told]


def test_a_list_of_other_documents_is_no_answer() -> None:
    readme = passage("- Leave\n- Office visitors\n- Titles for designers\n- Pay", score=3.0)
    titles = Passage(
        "2", "roles/designers.md", "A junior draws. A lead decides.", 0, 31, headings=("Titles for designers",)
    )
    assert quoted("titles for designers", [readme, titles])[0] == "A junior draws."


def test_what_leans_on_a_sentence_before_it_brings_it() -> None:
    text = (
        "A form has a limit in bytes for the fields that hold no file. If this is exceeded, an error is raised by it."
    )
    assert len(quoted("When is an error raised?", [passage(f"Forms.\n\n{text}")])) == 2


def test_what_has_nothing_to_do_with_the_question_is_not_quoted_beside_an_answer_that_has() -> None:
    answer = passage("The swimming test is taken in the harbour every May, and lasts an hour a pupil.", score=3.0)
    other = "Invoices are sent to the finance desk, which pays them within a month of their receipt."
    elsewhere = Passage("2", "b.md", other, 0, len(other), language="en", score=2.9)
    assert quoted("Where is the swimming test taken?", [answer, elsewhere]) == [answer.text]
    assert quoted("Wo ist die Prüfung?", [answer, elsewhere])  # where nothing is shared, nothing can be told apart


def test_what_was_changed_in_a_version_answers_only_who_asks_for_it() -> None:
    log = "- A worker takes priority messages again (Issue 5).\n- A worker starts faster than before."
    history = Passage("2", "history/whatsnew-4.rst", log, 0, len(log), language="en", score=3.2)
    told = passage("A worker takes the messages of the lowest priority number before the others.", score=3.0)
    assert quoted("How does a worker take priority messages?", [history, told])[0] == told.text
    asked = "What changed in how a worker takes priority messages?"
    assert quoted(asked, [history, told])[0].startswith("A worker takes priority messages again")


def test_a_list_under_see_also_is_no_answer() -> None:
    links = "- The favicon article of an encyclopaedia\n- Icons"
    also = Passage("2", "a.md", links, 0, len(links), language="en", score=4.0, headings=("Favicon", "See also"))
    told = passage("A favicon is 16 pixels wide.", score=3.0)
    assert quoted("favicon article", [also, told])[0] == told.text


def test_code_that_ends_with_its_imports_where_the_passage_ends_is_not_quoted() -> None:
    text = "The mode is not suitable for unit tests. Say we had a task like this:\n\nfrom shop import Product"
    assert quoted("Is the mode suitable for unit tests?", [passage(text)]) == [
        "The mode is not suitable for unit tests."
    ]


def test_of_a_list_that_the_passage_cuts_off_after_one_item_none_is_quoted() -> None:
    told = "Escaping is switched off in a template by those who trust its author."
    text = f"{told} There are three ways to do it:\n\n- Wrap the text first."
    assert quoted("Who switches escaping off in a template?", [passage(text)]) == [told]


def test_a_dialogue_and_a_nameless_default_are_not_quoted_beside_an_answer() -> None:
    answer = "A worker takes four messages at a time, which the prefetch setting says."
    for other in (
        "Them: I take messages at a time. You: Oh, that sounds great, take a message.",
        "A worker is here.\n\nDefault: 4 messages",
    ):
        passages = [passage(answer, score=3.0), passage(other, score=2.9)]
        assert quoted("How many messages does a worker take at a time?", passages) == [answer]


def test_a_list_of_addresses_is_no_answer_and_an_announcement_ends_none() -> None:
    links = passage("- https://shop.example/cookies\n- Cookies: https://shop.example/set-cookie", score=4.0)
    told = "A cookie lasts thirty days in the shop."
    shown = passage(f"{told} Here is how to set a cookie.", score=3.0)
    assert quoted("How long do cookies last in the shop?", [links, shown]) == [told]


def test_the_less_is_quoted_the_surer_the_first_stretch_answers() -> None:
    answer = passage("The swimming test is taken in the harbour every May by all pupils of the school.", score=6.0)
    more = passage("A harbour tour in May shows pupils where the boats lie.", score=1.0)
    assert quoted("Where is the swimming test of the school taken?", [answer, more]) == [answer.text]


def test_a_default_is_quoted_with_the_name_of_its_setting() -> None:
    text = "MAX_PARTS\n\nHow many fields a form may have. More are refused.\n\nDefault: 1000"
    assert quoted("What is the default?", [passage(text)]) == [
        "MAX_PARTS",
        "How many fields a form may have.",
        "More are refused.",
        "Default: 1000",
    ]


def test_what_leads_into_code_brings_the_sentence_that_it_leans_on() -> None:
    text = "The argument says how to load the shop. It can also be a function call.\n\n$ serve -w 4 'shop:make()'"
    assert quoted("serve make", [passage(text)])[0] == "The argument says how to load the shop."


def test_imports_alone_addresses_and_thanks_are_not_quoted_beside_an_answer() -> None:
    told = "Chunks of a task are sent to a worker in one message."
    for rest in (
        "Like this:\n\nfrom shop import add",
        "- https://shop.example/chunks",
        "Contributed by Ada Lovelace.",
    ):
        passages = [passage(told, score=3.0), passage(rest, score=2.9)]
        assert quoted("How are chunks of a task sent to a worker?", passages) == [told]


def test_what_a_drawn_table_was_read_as_gives_way_to_sentences() -> None:
    drawn = (
        "The payment of the head 3,50-4,00 A (550) * B2 (400) * YP (150) 1200 A (700) * B2 (400) 900 A (300) 4 B1 * 2"
    )
    told = "What the head gets is set by the board, as is the payment of all."
    question = "How much is the payment of the head?"
    assert quoted(question, [passage(drawn, 1.2), passage(told, 1.0)])[0] == told

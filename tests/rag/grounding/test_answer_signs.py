"""What an answer looks like by what is asked, and that it is quoted before what only repeats the question."""

from __future__ import annotations

import pytest

from rag.grounding import extractive
from rag.grounding.answer_signs import counts, opposites, signs, sought
from rag.text import idf
from rag.types import Passage


def first(question: str, *texts: str) -> str:
    """The first sentence quoted, each text being a passage, all equally good."""
    passages = [Passage(str(at), f"{at}.md", one, 0, len(one), language="en") for at, one in enumerate(texts)]
    return extractive.quote(question, passages, max_words=20)[0].text


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How long is the notice period?", "length"),
        ("Deneme süresi kaç ay?", "length"),
        ("How much does the company pay towards lunch?", "sum"),
        ("When is the bonus paid?", "moment"),
        ("Toplantı ne zaman?", "moment"),
        ("Where do I report a lost badge?", "address"),
        ("I lost my badge, can I enter?", "ruling"),
        ("Bu izin ücretli mi?", "ruling"),
        ("Darf ich von zu Hause arbeiten?", "ruling"),
    ],
)
def test_what_a_question_asks_for_is_told(question: str, kind: str) -> None:
    assert getattr(sought(question), kind)


def test_a_question_for_nothing_in_particular_asks_for_none_of_them() -> None:
    asked = sought("Describe the harbour of the old town")
    assert asked == type(asked)()


@pytest.mark.parametrize(
    ("question", "sign", "text"),
    [
        ("How long is it?", "length", "You are entitled to 12 weeks off."),
        ("How long is it?", "length", "Altı ay sürer."),
        ("How much is it?", "sum", "A waiver of $25 a month is paid."),
        ("When is it?", "moment", "It is adopted at the beginning of each quarter."),
        ("When is it?", "moment", "Between 10:30am and noon."),
        ("When is it?", "moment", "Başvurudan 14 gün sonra."),
        ("Whom do I contact?", "address", "Write to desk@example.org or ask in #travel-help."),
        ("May I?", "rules", "It must be approved first."),
        ("May I?", "denies", "You should not install updates."),
    ],
)
def test_a_text_has_the_sign_of_what_is_asked(question: str, sign: str, text: str) -> None:
    assert getattr(signs(sought(question), text), sign)
    assert not getattr(signs(sought("Describe it"), text), sign)


def test_a_word_is_known_as_the_opposite_of_another_by_its_beginning() -> None:
    assert "paid" in opposites("unpaid", "en")
    assert "negotiable" in opposites("non-negotiable", "en")
    assert opposites("union", "en") == ()
    assert opposites("paid", "en") == ()


def test_a_length_of_time_is_quoted_before_what_only_names_the_thing() -> None:
    told = "New parents are entitled to 12 weeks off, all at once or in parts."
    assert first("How long is parental leave?", "Parental leave is requested in the leave system.", told) == told


def test_what_says_the_opposite_answers_a_question_for_yes_or_no() -> None:
    told = "You may take 12 unpaid weeks of family leave."
    assert first("Is family leave paid?", "Family leave is requested in the leave system.", told) == told


def test_what_is_counted_stands_behind_its_number() -> None:
    wanted = sought("How many objectives do I write?").counted
    stems = {stem for word in wanted for stem, *_ in idf.terms_of(word, "en")}
    assert counts(idf.terms_of("Each person sets 3 to 5 objectives.", "en"), stems)
    assert counts(idf.terms_of("Set five new objectives.", "en"), stems)
    assert not counts(idf.terms_of("Objectives are set a week before the 2 reviews.", "en"), stems)

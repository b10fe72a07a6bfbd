"""What a quote does not show is not pointed at in it: steps below, a form above, a link that was here."""

from __future__ import annotations

import pytest

from rag.grounding import extractive
from rag.grounding.dead_pointers import with_what_is_below
from rag.grounding.plain_text import plain
from rag.grounding.quoting import Composer
from rag.grounding.spans import Span
from rag.grounding.units import Kind, units
from rag.types import Passage


def answer(question: str, text: str, language: str = "en") -> str:
    passage = Passage("7", "a.md", text, 0, len(text), language=language, score=5.0)
    composer = Composer([passage], language)
    for span in extractive.quoted(question, [passage]).spans:
        composer.quote(span)
    return composer.checked().text


@pytest.mark.parametrize(
    ("question", "text", "away"),
    [
        (
            "How much personal leave does the mill offer?",
            "The mill offers up to two weeks of personal leave. The leave is requested via the form detailed below. "
            "Personal leave is recorded separately from your holiday.",
            "form",
        ),
        (
            "What is the visibility timeout of the queue?",
            "The visibility timeout of the queue is the number of seconds until a message is sent again. "
            "Also see caveats below.",
            "caveats",
        ),
        (
            "Who signs contracts for the mill?",
            "Only the miller signs contracts for the mill. More on that here.",
            "More",
        ),
        (
            "How fast must the security team acknowledge a report?",
            "Reports are received via one of the methods outlined above. The security team must acknowledge a report "
            "within 48 hours.",
            "outlined",
        ),
        (
            "Where does the summit take place?",
            "The summit takes place in another town each year.\n\nRead about our 2019 summit in Portland!",
            "Read",
        ),
    ],
)  # fmt: skip
def test_a_sentence_that_points_at_what_is_not_shown_is_left_out(question: str, text: str, away: str) -> None:
    said = answer(question, text)
    assert said and away not in said


def test_in_german_and_turkish_too() -> None:
    said = answer(
        "Wie viel Sonderurlaub gibt es?",
        "Es gibt bis zu zwei Wochen Sonderurlaub. Der Antrag wird mit dem unten beschriebenen Formular gestellt. "
        "Sonderurlaub zählt nicht als Erholungsurlaub.",
        "de",
    )
    assert "Sonderurlaub" in said and "unten" not in said
    said = answer(
        "Faraday istemcisi neyi analiz eder?",
        "Faraday istemcisi çalıştırılan komutları analiz eder. Faraday açıldığında aşağıdaki gibi bir ekran gelir.",
        "tr",
    )
    assert "analiz" in said and "aşağıdaki" not in said


def test_what_points_at_what_is_shown_stays_and_so_does_what_names_a_number() -> None:
    text = "Whoever resigns tells the miller and follows the steps below.\n\n1. Hand in the key.\n2. Sign the form."
    assert "follows the steps below" in answer("What does whoever resigns do?", text)
    text = "The mill pays for travel. Claims are made within 30 days with the form detailed below. It pays in June."
    assert "30 days" in answer("Does the mill pay for travel?", text)


def test_a_sentence_that_points_away_answers_only_where_no_other_does() -> None:
    only = "Whoever leaves the mill should follow the steps below."
    assert answer("What should whoever leaves the mill do?", only).startswith("Whoever leaves")


def test_an_item_loses_its_last_sentence_where_a_link_was() -> None:
    text = (
        "A ticket has:\n\n- Steps: how the bug is seen again.\n"
        "- Severity: choose one of the levels. The levels are documented here."
    )
    said = answer("What does a ticket have?", text)
    assert said.endswith("- Severity: choose one of the levels [1].")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Before a long absence (defined below), they meet.", "Before a long absence, they meet."),
        ("It is optional (see caveats below) and slow.", "It is optional and slow."),
        ("You can volunteer at any level, as listed above.", "You can volunteer at any level."),
        ("We follow a procedure, which you can find here.", "We follow a procedure."),
        ("Read the rules of the flow, including a video here.", "Read the rules of the flow."),
        ("Uzun bir izinden (aşağıda tanımlanmıştır) önce görüşürler.", "Uzun bir izinden önce görüşürler."),
        ("Vor langer Abwesenheit (siehe unten) reden sie.", "Vor langer Abwesenheit reden sie."),
        ("The mill (built in 1850) is below the town.", "The mill (built in 1850) is below the town."),
    ],
)
def test_an_aside_on_where_something_stands_is_cut_out(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_an_item_that_only_points_at_what_is_not_there_is_left_out() -> None:
    text = (
        "- Depo sayfasında kayıt bilgileri girilerek kayıt butonuna basılır.\n"
        "- Kaydın son hali aşağıdaki gibi görünmektedir.\n"
        "- Depo kayıtları bir csv dosyası ile toplu olarak yüklenir."
    )
    said = answer("Depo kayıtları toplu olarak nasıl yüklenir?", text, "tr")
    assert "csv" in said and "aşağıdaki" not in said


def test_the_command_that_a_sentence_points_at_is_shown_with_it() -> None:
    text = (
        "- Giriş sağlandıktan sonra aşağıdaki komut ile yönetici kullanıcısına geçiş yapılır. Yönetici kullanıcısının "
        "parolası kurulumda belirlenir.\n\n    $ sudo su -\n\n- Sonra depo adresi eklenir."
    )
    passage = Passage("7", "a.md", text, 0, len(text), language="tr")
    (whole,) = with_what_is_below([passage], [Span(0, units(text)[:1], 1.0)])
    assert [unit.kind for unit in whole.units] == [Kind.ITEM, Kind.CODE]

"""What is quoted together: code by what it does, lists by what leads into them, sentences with what they lean on."""

from __future__ import annotations

import pytest

from rag.grounding import extractive
from rag.grounding.code_lines import is_code, is_torn, only_imports, reads_as_prose
from rag.grounding.leaning import is_pointing, leans
from rag.types import Passage


def quoted(question: str, text: str, *others: str, language: str = "en", headings: tuple[str, ...] = ()) -> list[str]:
    passages = [
        Passage(
            str(at), "a.md", one, at * 5000, at * 5000 + len(one), language=language, score=3.0 - at, headings=headings
        )
        for at, one in enumerate((text, *others))
    ]
    return [one.text for one in extractive.quote(question, passages)]


def test_code_is_quoted_from_where_it_does_something_where_there_is_no_room_for_all() -> None:
    needs = "\n".join(f"    use App\\Parts\\Part{at};" for at in range(40))
    does = "\n".join(f"    $pump->turn({at}, 'left', 'slowly');" for at in range(12))
    found = quoted("How do I turn the pump?", f"Turn the pump with turn():\n\n{needs}\n\n{does}")
    assert found[0].startswith("Turn the pump") and found[1].startswith("$pump->turn(0")
    both = quoted("How do I turn the pump?", f"Turn the pump with turn():\n\n    use App\\Pump;\n\n{does}")
    assert both[1] == "use App\\Pump;"


def test_the_end_of_code_that_began_in_another_passage_is_not_quoted_with_what_follows_it() -> None:
    text = "    return $this->stop();\n}\n\n    $pump = new Pump();\n    $pump->turn(1);\n"
    assert quoted("How do I turn the pump?", text) == ["$pump = new Pump();\n    $pump->turn(1);"]


def test_names_with_backslashes_calls_and_comments_are_code() -> None:
    assert is_code(
        ["// by default, the belt allows five turns a minute", "$pump->turning()", "    // ->most(3) // at most"]
    )
    assert is_code(["use App\\Parts\\Belt;", "use App\\Parts\\Pump;"]) and only_imports(
        "<?php\nnamespace App;\nuse App\\Belt;"
    )
    assert not only_imports("# NO_FORK=1 sh /etc/pump") and not reads_as_prose(
        ["use App\\Parts\\Belt; use App\\Parts\\Pump;"]
    )
    assert not is_code(["use the belt; then stop the pump."])


@pytest.mark.parametrize(
    ("code", "torn"),
    [
        ("}\nrun()", True),
        ("--> <a/>", True),
        ("run(a[0], ')')", False),
        ("x = {\n  1: 2,", False),
        ("# 1) one\nrun()", False),
    ],
)
def test_code_that_closes_what_it_does_not_open_is_torn(code: str, torn: bool) -> None:
    assert is_torn(code) is torn


def test_a_sentence_that_leans_on_what_its_passage_does_not_hold_is_no_beginning() -> None:
    text = "This way, the pump keeps its oil. The oil of the pump is changed every second week by the keeper."
    assert quoted("When is the oil of the pump changed?", text)[0].startswith("The oil of the pump")
    text = "sınava giremez. Sınava giremeyen öğrenci dersi tekrar alır ve ücret öder."
    assert quoted("Sınava giremeyen öğrenci ne yapar?", text, language="tr")[0].startswith("Sınava giremeyen")
    assert quoted("What is oilctl?", "oilctl stops it at night.", headings=("oilctl",)) == ["oilctl stops it at night."]


@pytest.mark.parametrize(
    ("language", "leaning", "free"),
    [
        ("en", "The only difference is the oil.", "The only difference between oils is the price."),
        ("en", "As shown above, the oil is old.", "As a rule, the oil is old."),
        ("tr", "Tek fark yağdır.", "Yağ tek bir pompada vardır."),
        ("tr", "Bunda yağ vardır.", "Bugün yağ vardır."),
        ("de", "In diesem Fall wird das Öl gewechselt.", "In jedem Jahr wird das Öl gewechselt."),
        ("de", "Andernfalls wird das Öl gewechselt.", "Anders als Wasser wird das Öl gewechselt."),
    ],
)
def test_words_that_lean_on_what_was_said_before(language: str, leaning: str, free: str) -> None:
    assert leans(leaning) and not leans(free), language


def test_what_its_own_page_is_about_leans_on_nothing() -> None:
    text = "Bu sayfa, ofisin hangi saatlerde açık olduğunu açıklar. Düzeyler her yıl gözden geçirilir."
    assert quoted("Ofis hangi saatlerde açık?", text, language="tr")[0].startswith("Bu sayfa")


def test_a_label_with_its_value_leads_into_no_list() -> None:
    text = "E: Girmedi.\n\n(2) Not ortalaması 3,50 olan öğrenci onur öğrencisidir.\n\n(3) Ceza alan öğrenci sayılmaz."
    assert quoted("Onur öğrencisi olmak için ortalama kaç olmalı?", text, language="tr")[0].startswith("Not ortalaması")


def test_a_note_on_when_a_rule_was_changed_is_no_answer() -> None:
    note = "1 28/6/2025 tarihli ve 32940 sayılı Resmî Gazete ile yaz okulu adı değişti."
    text = f"Yaz okulu bahar yarıyılından sonra açılır.\n\n{note}"
    assert quoted("Yaz okulu ne zaman açılır?", text, language="tr") == ["Yaz okulu bahar yarıyılından sonra açılır."]


def test_numbers_alone_are_no_beginning() -> None:
    text = "7 60-60-60 900\n\nSomebody who lost a laptop calls the desk at once."
    assert quoted("Who is called when a laptop is lost?", text)[0].startswith("Somebody who lost")


def test_a_quote_neither_ends_with_what_announces_an_example_nor_begins_with_a_last_step() -> None:
    steps = "Turn the pump off before you open it. The following example shows how to open it for its oil."
    assert quoted("What do I do before I open the pump?", steps) == ["Turn the pump off before you open it."]
    roles = "The keeper opens the pump.\n\nThe roles of those who open the pump are described below."
    assert quoted("Who opens the pump?", roles) == ["The keeper opens the pump."]
    last = "Finally, you close the pump. Whoever closes the pump writes it in the log of the tower."
    assert quoted("What is written when the pump is closed?", last)[0].startswith("Whoever closes")


def test_the_blanks_of_a_form_are_not_quoted() -> None:
    form = "Whoever borrows the pump signs the form.\n\nName of the borrower of the pump: ________________"
    assert quoted("Who signs when the pump is borrowed?", form) == ["Whoever borrows the pump signs the form."]


def test_a_call_within_a_call_is_code() -> None:
    assert is_code(['path("login/", View.as_view()),']) and not is_code(["the keeper(s) of the tower (and the pump)."])


def test_a_list_of_steps_that_is_too_long_is_quoted_from_its_first() -> None:
    told = ("Open the valve", "Drain the old oil", "Fill the pump with oil", "Close the valve", "Write it down")
    steps = [f"{at}. {one} {'slowly and with the greatest of care ' * 4}now." for at, one in enumerate(told, 1)]
    said = quoted("How is the pump filled?", "The keeper changes oil so:\n\n" + "\n".join(steps))
    assert [one.split(" slowly")[0] for one in said[:4]] == ["The keeper changes oil so:", *told[:3]]


def test_steps_are_quoted_from_the_first_where_there_is_room() -> None:
    text = (
        "1. Install the pump:\n\n    $ pump install\n\n2. Add it to the rooms:\n\n    ROOMS = ['pump']\n\n"
        "The name has no dash.\n\n3. Turn the wheel of the mill by hand until the water is gone."
    )
    assert quoted("How do I turn the wheel of the mill?", text)[0] == "Install the pump:"


def test_a_sentence_that_speaks_of_this_period_leans_on_what_was_said() -> None:
    assert is_pointing("Öğrenci bu süreyi tamamlamadığı takdirde uygulamayı tekrarlar.")
    assert not is_pointing("Süre bir yıldır ve bu süre uzatılmaz.")

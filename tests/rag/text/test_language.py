"""Which language a text is taken for."""

from __future__ import annotations

import pytest

from rag.text.language import detect


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "How many days of leave do contractors get in a year?"),
        ("tr", "Yükleniciler yılda kaç gün izin alır ve bu nasıl hesaplanır?"),
        ("tr", "YUKLENICILER YILDA KAC GUN IZIN ALIR VE BU NASIL HESAPLANIR"),
        ("de", "Wie viele Tage Urlaub bekommen die Auftragnehmer im Jahr?"),
        ("fr", "Combien de jours de congé est-ce que les sous-traitants ont par an?"),
        ("es", "¿Cuántos días de vacaciones tienen los contratistas en el año?"),
        ("it", "Quanti giorni di ferie hanno i collaboratori della società?"),
        ("pt", "Quantos dias de férias têm os contratados por ano e como são calculados?"),
        ("nl", "Hoeveel dagen vakantie krijgen de medewerkers van het bedrijf?"),
        ("ro", "Câte zile de concediu au angajații și cum se calculează acestea?"),
        ("vi", "Nhân viên được nghỉ bao nhiêu ngày trong một năm?"),
        ("ru", "Сколько дней отпуска получают подрядчики в год?"),
        ("el", "Πόσες ημέρες άδειας έχουν οι εργαζόμενοι;"),
        ("ar", "كم عدد أيام الإجازة التي يحصل عليها الموظفون في السنة؟"),
        ("hi", "कर्मचारियों को साल में कितने दिन की छुट्टी मिलती है?"),
        ("th", "พนักงานลาหยุดได้กี่วันต่อปี"),
        ("zh", "员工每年有多少天假期？"),
        ("ja", "社員は年に何日休めますか"),
        ("ko", "직원은 일 년에 며칠 쉬나요?"),
    ],
)
def test_a_sentence_tells_its_language(language: str, text: str) -> None:
    assert detect(text) == language


def test_text_without_evidence_takes_the_default() -> None:
    assert detect("GPU 4090", default="tr") == "tr"
    assert detect("2026", default="de") == "de"
    assert detect("") == ""


def test_a_name_that_looks_foreign_does_not_outweigh_the_default() -> None:
    assert detect("Broncos'un Genel Müdürü kimdir?", default="tr") == "tr"


def test_a_persons_own_verb_of_asking_tells_the_language() -> None:
    question = "Mezun olduktan sonra okul e-posta adresimi kullanmaya devam edebilir miyim?"
    assert detect(question, default="en") == "tr"


@pytest.mark.parametrize("question", ["Sürücü kim?", "A2 servisi hangi duraktan kalkar?", "Depo nerede?"])
def test_a_short_question_without_a_word_of_the_default_is_in_its_own(question: str) -> None:
    assert detect(question, default="en") == "tr"
    assert detect("Kim's badge?", default="en") == "en"
    assert detect("Kim Jones", default="en") == "en"

"""What people write around a question is taken off, and nothing of the question."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rag.text.framing import unframed

_FRAMES = {
    "en": [
        "Can you please tell me: {}",
        "Hi there! Quick question for you. {}",
        "I would like to know, {} Thanks in advance!",
        "Hey, my colleague asked me this and I could not find it anywhere. {}",
        "Explain to me in simple words: {}",
        "{} Answer in one sentence.",
        "{} Please answer in German.",
        "Answer in bullet points: {}",
        "I hope you are well. {} Kind regards",
    ],
    "tr": [
        "Bana söyler misin, {}",
        "Merhaba, kısa bir sorum var. {}",
        "Merak ediyorum: {} Şimdiden teşekkürler.",
        "{} Kısaca yanıtla.",
    ],
}
_CORPUS = Path(__file__).parents[3] / "docs_corpus" / "questions.yaml"


def _same(text: str) -> str:
    return " ".join(text.replace("İ", "i").replace("I", "ı").casefold().replace("ı", "i").split())


def test_shipped_questions_come_out_of_every_frame_as_they_went_in() -> None:
    asked = [one["question"] for one in yaml.safe_load(_CORPUS.read_text(encoding="utf-8"))["questions"]]
    whole = [one for one in asked if unframed(one) == one and one.endswith("?") and one[0].isupper()]
    assert len(whole) > 150
    for question in whole:
        turkish = any(letter in question for letter in "çğışöüÇĞİŞÖÜ")
        for frame in _FRAMES["tr" if turkish else "en"]:
            got = unframed(frame.format(question))
            assert _same(got) == _same(question), (frame, question, got)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("HOW LONG ARE BACKUPS KEPT?", "how long are backups kept?"),
        ("YEDEKLER KAÇ GÜN SAKLANIR, IŞIK AÇIK MI?", "yedekler kaç gün saklanır, ışık açık mı?"),
        ("Hallo zusammen, kurze Frage: wie lange gelten Ausweise? Danke im Voraus!", "wie lange gelten Ausweise?"),
        ("Bonjour, pouvez-vous me dire où est la gare, s'il vous plaît?", "où est la gare?"),
        ("Hola, ¿dónde está la estación? Gracias.", "¿dónde está la estación?"),
        ("I work part time. How many days of leave do I get?", "I work part time. How many days of leave do I get?"),
        ("I get E1603 when I start. What should I do?", "I get E1603 when I start. What should I do?"),
        ("Who answers in German at the desk?", "Who answers in German at the desk?"),
        ("How do I say no politely in English?", "How do I say no politely in English?"),
        ("When I say please, does it matter?", "When I say please, does it matter?"),
        ("@Tandem Where is the key?", "Where is the key?"),
        ("Q: Where is the key?\nA:", "Where is the key?"),
        ("Based on the handbook, please answer the following question: Where is the key?", "Where is the key?"),
        ("According to the travel policy, what may I spend?", "According to the travel policy, what may I spend?"),
        ("Dear Ms. Smith,\nwhere is the key?\n\nBest regards,\nAnna\nRoom 12", "where is the key?"),
        ("From: Anna <a@example.com>\nSubject: key\n\nHi all,\n\nWhere is the key?\n-- \nAnna", "Where is the key?"),
        ("URGENT!!! Where is the key?", "Where is the key?"),
        ("GPU", "GPU"),
        ("PPR-9087 XK", "PPR-9087 XK"),
        ("Hi!", "Hi!"),
        ("Thanks a lot", "Thanks a lot"),
        ("please", "please"),
    ],
)
def test_what_is_asked(text: str, asked: str) -> None:
    assert unframed(text) == asked


@given(st.text(max_size=700))
def test_any_text_has_something_asked_and_what_is_asked_is_asked_the_same(text: str) -> None:
    asked = unframed(text)
    assert bool(asked.strip()) == bool(text.strip())
    assert len(unframed(asked)) <= len(asked)

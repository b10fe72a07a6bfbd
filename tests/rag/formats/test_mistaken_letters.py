"""Fonts that name letters wrongly: the words come out right, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rag.formats.extracted import Builder, Extracted
from rag.formats.mistaken_letters import with_right_letters

RULES = (
    "Bilimsel hazırlık programında geçirilecek süre en çok iki yarıyıldır. Bu süre izinler dışında uzatılmaz. "
    "Öğrenciler derslerini başarıyla bitirir, tezini verir ve sınava girer. Danışman öğrencinin çalışmasını izler. "
    "Enstitü bir bildiri ile dersleri, dilleri, bilimi ve iyileri belirler; kimse bilinmeyen bir kişi değildir."
)
NOTICE = (
    "Further information is in the national directive. The notification states a condition: the position of the "
    "institution, its motion and its action. The section on education mentions the relation of nation and tradition. "
    "Attention is a question of patience; the application of the definition gives direction to the solution."
)


def _document(text: str) -> Extracted:
    builder = Builder()
    builder.page()
    builder.heading("İki bilim: information", 1)
    builder.add(text)
    builder.page()
    builder.add(text)
    return builder.build()


def _spoilt(read: Extracted, letters: str, sign: str) -> Extracted:
    """The document as the font tells it."""

    def short(place: int) -> int:
        return place - read.text[:place].count(letters) * (len(letters) - len(sign))

    return replace(
        read,
        text=read.text.replace(letters, sign),
        title=read.title.replace(letters, sign),
        headings=tuple(
            replace(h, start=short(h.start), end=short(h.end), text=h.text.replace(letters, sign))
            for h in read.headings
        ),
        pages=tuple(short(page) for page in read.pages),
    )


def test_a_letter_that_is_a_sign_of_another_script() -> None:
    assert with_right_letters(_spoilt(_document(RULES), "i", "\u0d74")) == _document(RULES)


def test_two_letters_that_are_one() -> None:
    found = _document(NOTICE)
    assert with_right_letters(_spoilt(found, "ti", "\u019f")) == found


def test_what_is_meant_stays() -> None:
    for text in (
        "The wave has a length of 5 μm at the frequency ω; the ratio α is small. " * 12,
        "Στην Αθήνα the Ελληνικά word λόγος means reason, in Αγγλικά and Γερμανικά alike. " * 12,
        "Nguyễn Trãi viết bình ngô đại cáo ở Hà Nội, một bản tuyên ngôn độc lập của người Việt. " * 12,
        "Ședința a început în București, iar țara așteaptă răspunsul orașului și al județului. " * 12,
        "Ōsaka and Kyōto are two cities; Tōkyō, Kōbe and Ōita are three more that people see. " * 12,
        "Совет СССР met in Москва; the word товарищ was used by everybody in the зал заседаний. " * 12,
    ):
        assert with_right_letters(Extracted(text)) == Extracted(text)


@given(st.text(alphabet="ab i\u0d74\u019fμω\ue001\n", max_size=200))
def test_any_text_is_read(text: str) -> None:
    found = with_right_letters(Extracted(text))
    assert len(found.text) >= len(text)

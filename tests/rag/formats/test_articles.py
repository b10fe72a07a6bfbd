"""Texts in articles: their titles become headings, and no word is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.formats.articles import with_headings
from rag.formats.extracted import Builder, Extracted
from rag.formats.registry import read
from rag.ingest.chunking import cut

REGULATION = """Text made on 12.03.2023
--- PAGE 1 ---
ÖRNEK ÜNİVERSİTESİ
BURS YÖNERGESİ
BİRİNCİ BÖLÜM
Genel Hükümler
Amaç
MADDE 1- (1) Bu yönergenin amacı bursların verilmesine ilişkin
usulleri düzenlemektir.
Başvuru süresi
MADDE 2 – (1) Başvurular 15 Eylül'e kadar yapılır. Madde 1 hükümleri
saklıdır.
Sayfa 1/2
MADDE 3. (1) Burs dokuz ay ödenir.
İKİNCİ BÖLÜM
Son Hükümler ile
Yürürlük
Yürütme
GEÇİCİ MADDE 1 — (1) Bu yönergeyi Rektör yürütür.
"""
ORDER = """Satzung der Musterhochschule

Erster Abschnitt

§ 1 Geltungsbereich

Diese Satzung gilt für alle Studierenden. Sie folgt
§ 12 des Gesetzes.

§ 2
Rückmeldung

Die Rückmeldung ist bis zum 31. Juli zu erklären.

§ 3

Gebühren regelt der Senat.
"""
CONTRACT = """Services agreement

Section 1.1 Term

This agreement lasts for two years. As stated in
Section 4 of the annex, it may be renewed.

Article 2 - Payment

Invoices are paid within 30 days.

ARTICLE III. The parties may end this agreement with a notice of
sixty days.
"""


def _read(text: str, name: str = "rules.txt") -> Extracted:
    return read(text.encode(), name)


def _titles(found: Extracted) -> list[str]:
    return [heading.text for heading in found.headings]


def test_titles_on_the_line_before() -> None:
    found = _read(REGULATION)
    assert _titles(found) == [
        "BİRİNCİ BÖLÜM Genel Hükümler",
        "Amaç",
        "Başvuru süresi",
        "MADDE 3",
        "İKİNCİ BÖLÜM Son Hükümler ile Yürürlük",
        "Yürütme",
    ]
    assert found.title == "ÖRNEK ÜNİVERSİTESİ BURS YÖNERGESİ"
    passages = {piece.headings: found.text[piece.start : piece.end] for piece in cut(found, 600)}
    assert passages["BİRİNCİ BÖLÜM Genel Hükümler", "Başvuru süresi"].startswith("MADDE 2 – (1) Başvurular 15 Eylül")
    assert passages["BİRİNCİ BÖLÜM Genel Hükümler", "MADDE 3"].strip() == "(1) Burs dokuz ay ödenir."


def test_titles_on_the_same_line_and_on_the_next() -> None:
    assert _titles(_read(ORDER)) == ["Erster Abschnitt", "§ 1 Geltungsbereich", "§ 2 Rückmeldung", "§ 3"]
    assert _titles(_read(CONTRACT)) == ["Section 1.1 Term", "Article 2 - Payment", "ARTICLE III"]


def test_a_heading_ends_before_the_article_that_it_ran_into() -> None:
    builder = Builder()
    for number, title in enumerate(("Amaç", "Devam zorunluluğu", "Sınavlar"), 1):
        builder.heading(f"{title} MADDE {number} – (1) Derslerin en", 1)
        builder.add("az % 70'ine devam edilir. Öğretim dili MADDE 9 – (1) Dil Türkçedir.")
    found = with_headings(builder.build())
    assert _titles(found)[:4] == ["Amaç", "Öğretim dili", "Devam zorunluluğu", "Öğretim dili"]
    kept = "".join(found.text[piece.start : piece.end] for piece in cut(found, 600))
    assert kept.startswith("MADDE 1 – (1) Derslerin en \naz % 70'ine devam edilir.")
    assert "MADDE 9 – (1) Dil Türkçedir." in kept


def test_mentions_of_articles_are_no_articles() -> None:
    text = "The board met.\nSection 5 was read, and\nSection 6 of the rules too.\nArticle 7 of the law applies."
    assert _titles(_read(text)) == []
    assert _titles(_read("MADDE 1 and MADDE 2 are alike; so is MADDE 3.")) == []


def test_other_kinds_are_left_alone() -> None:
    assert with_headings(_read(REGULATION)) == _read(REGULATION)
    assert not [title for title in _titles(_read(REGULATION, "rules.py")) if "MADDE" in title]


@given(st.lists(st.sampled_from([*REGULATION.split("\n"), *ORDER.split("\n"), *CONTRACT.split("\n"), ""]), max_size=40))
def test_no_word_is_lost(lines: list[str]) -> None:
    before = Extracted("\n".join(lines))
    found = with_headings(before)
    assert found.text == before.text
    assert all(a.end <= b.start for a, b in zip(found.headings, found.headings[1:], strict=False))
    inside = [found.text[h.start : h.end] for h in found.headings]
    inside += [found.text[piece.start : piece.end] for piece in cut(found, 600)]
    assert sum(len("".join(part.split())) for part in inside) == len("".join(before.text.split()))

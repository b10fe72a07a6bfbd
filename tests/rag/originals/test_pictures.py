"""A page as a picture, with the places of sentences; and files that are made to do harm."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from rag.errors import DocumentError
from rag.originals.page_picture import MOST_PIXELS, Letters
from rag.originals.pictures import Quoted, draw

SENTENCE = "The valve opens at four bar."


def pdf(path: Path, *, size: tuple[float, float] = (595, 842), pages: int = 1, turn: int = 0) -> Path:
    canvas = Canvas(str(path), pagesize=size)
    for _ in range(pages):
        canvas.setPageRotation(turn)
        canvas.drawString(72, 100, SENTENCE)
        canvas.showPage()
    canvas.save()
    return path


@pytest.mark.parametrize(("turn", "upper", "upright"), [(0, False, False), (90, True, True), (180, True, False)])
def test_the_box_lies_on_the_sentence_however_the_page_is_turned(
    tmp_path: Path, turn: int, upper: bool, upright: bool
) -> None:
    drawn = draw(pdf(tmp_path / "a.pdf", turn=turn), 1, [Quoted.of(SENTENCE)])
    left, top, width, height = drawn.boxes[0]
    assert (top < drawn.height / 2) == upper and (height > width) == upright
    assert 0 < left < drawn.width and len(drawn.boxes) == 1


def test_a_document_of_five_thousand_pages_and_one_of_a_hundred_metres(tmp_path: Path) -> None:
    many = draw(pdf(tmp_path / "many.pdf", pages=5_000), 4_999, [Quoted.of(SENTENCE)])
    assert many.pages == 5_000 and many.boxes
    huge = draw(pdf(tmp_path / "huge.pdf", size=(280_000, 280_000)), 1)
    assert huge.width * huge.height <= MOST_PIXELS * 1.1
    thin = draw(pdf(tmp_path / "thin.pdf", size=(100_000, 2)), 1)
    assert thin.width * thin.height <= MOST_PIXELS * 1.1


@pytest.mark.parametrize("turn", [0, 180])
def test_the_lines_of_a_page_lie_where_they_are_drawn(tmp_path: Path, turn: int) -> None:
    drawn = draw(pdf(tmp_path / "a.pdf", turn=turn), 1, [Quoted.of(SENTENCE)])
    (((left, top, width, height), said),) = drawn.lines
    box = drawn.boxes[0]
    assert said == SENTENCE
    assert abs(left - box[0]) < 12 and abs(top - box[1]) < 20 and abs(width - box[2]) < 20 and 0 < height < 60


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4 broken", b"\0" * 1_000])
def test_what_cannot_be_drawn_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.pdf").write_bytes(data)
    with pytest.raises(DocumentError, match=r"^[A-Z].*[.]$"):
        draw(tmp_path / "a.pdf", 1)


def test_a_page_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "slow.pdf"))
    path = canvas.beginPath()
    for number in range(40_000):
        path.moveTo(number % 595, 0)
        path.curveTo(595, number % 842, 0, 842, number % 7, 400)
    canvas.drawPath(path, stroke=1, fill=1)
    canvas.save()
    began = time.monotonic()
    with pytest.raises(DocumentError):
        draw(tmp_path / "slow.pdf", 1, seconds=0.05)
    assert time.monotonic() - began < 30


@given(st.text("abc de.\n-", max_size=30), st.text("abcde", min_size=3, max_size=12), st.text("abc de", max_size=30))
def test_what_stands_on_a_page_is_found_there(before: str, said: str, after: str) -> None:
    page = f"{before} {said} {after}"
    places = Letters.of(page).find(said, before)
    assert "".join(page[at] for at in places) == said


def test_words_that_stand_elsewhere_are_not_taken_for_it() -> None:
    page = Letters.of("In 2010 the price of 14.90 was raised to 15.20 in the second zone.")
    assert page.find("10") == [] and page.find("Nothing of this kind was ever written here.") == []
    assert page.find("Zone: 2; Price: 15.20.", cells="15.20")


def test_a_page_whose_font_names_a_letter_wrongly() -> None:
    page = "B\u0d74l\u0d74msel hazırlık en çok \u0d74k\u0d74 yarıyıldır."
    found = Letters.of(page).find("en çok iki yarıyıldır")
    assert "".join(page[at] for at in found) == "ençok\u0d74k\u0d74yarıyıldır"
    page = "For more informa\u019fon see the na\u019fonal rules."
    assert sorted(set(Letters.of(page).find("information"))) == list(range(9, 19))

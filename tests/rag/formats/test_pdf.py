import io
from itertools import pairwise

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from rag.errors import DocumentError
from rag.formats.pdf import read_pdf
from rag.ingest.chunking import cut
from rag.ingest.loader import parse
from tests.support import documents

TIDES = (
    "The harbour office measures the tide every ten minutes at the northern mole and publishes the reading at once. "
    "A reading that differs from the forecast by more than forty centimetres is checked by hand before it goes out."
)


def report() -> bytes:
    table = [["Station", "Depth", "Opened"], ["North mole", "4.5 m", "1998"], ["South quay", "7 m", "2011"]]
    return documents.report(
        "Tide tables",
        [("Readings", [TIDES, "Readings are kept for ten years."], table), ("Alarms", ["A siren warns."], [])],
    )


def test_headings_paragraphs_and_pages() -> None:
    found = read_pdf(report())
    assert found.title == "Tide tables"
    assert [(h.text, h.level) for h in found.headings] == [("Readings", 1), ("Alarms", 1)]
    assert f"\n\n{TIDES}\n\nReadings are kept for ten years.\n\n" in found.text
    assert found.text[found.pages[1] :].startswith("Alarms\n\nA siren warns.")
    assert all(found.text[h.start : h.end] == h.text for h in found.headings)


def test_rows_of_a_table_carry_their_column_names() -> None:
    lines = read_pdf(report()).text.split("\n\n")
    assert "Station: North mole; Depth: 4.5 m; Opened: 1998." in lines
    assert "Station: South quay; Depth: 7 m; Opened: 2011." in lines


def test_running_headers_are_read_once_and_page_numbers_are_left_out() -> None:
    text = read_pdf(report()).text
    assert text.count("internal") == 1
    assert "Page" not in text


def test_a_hyphenated_word_is_joined_and_a_list_is_not() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    lines = (
        "The lighthouse keeper lights the lan-",
        "tern before dusk and writes it in the log. Then:",
        "• clean the glass",
    )
    for at, line in enumerate(lines):
        canvas.drawString(72, 700 - 14 * at, line)
    canvas.save()
    text = read_pdf(out.getvalue()).text
    assert "lights the lantern before dusk" in text
    assert text.endswith("\n\n- clean the glass")


def test_a_sentence_goes_over_the_end_of_a_page_and_belongs_to_where_it_begins() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for first, second in (
        ("The keeper who lights the lantern before dusk must", "write it in the log, which lies on the"),
        ("table of the watch. The log is read every Friday", "and nobody may take it out of the tower."),
    ):
        canvas.drawString(72, 700, first)
        canvas.drawString(72, 686, second)
        canvas.showPage()
    canvas.save()
    found = read_pdf(out.getvalue())
    assert "which lies on the table of the watch. The log" in found.text
    assert found.text[found.pages[1] :].startswith("table of the watch.")
    pieces = [(found.text[one.start : one.end], one.page) for one in cut(found, 900)]
    assert pieces[0][0].endswith("on the table of the watch.") and pieces[0][1] == 1
    assert pieces[1][0].startswith("The log is read") and pieces[1][1] == 2


def test_a_word_that_stands_alone_in_the_middle_of_a_sentence_is_no_heading() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for top, line in ((700, "The keeper who comes from another tower goes back to"), (660, "his"), (620, "tower.")):
        canvas.drawString(72, top, line)
    canvas.save()
    assert read_pdf(out.getvalue()).text == "The keeper who comes from another tower goes back to his tower."


def test_columns_of_prose_are_no_table() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for left, words in ((60, "left"), (320, "right")):
        for at in range(8):
            canvas.drawString(left, 700 - 14 * at, f"line {at} of the {words} column goes on")
    canvas.save()
    text = read_pdf(out.getvalue()).text
    assert "line 1 of the left column goes on line 2 of the left column" in text
    assert text.index("line 7 of the left") < text.index("line 0 of the right")


def test_pages_without_text_are_named() -> None:
    found = read_pdf(documents.pdf("", "Herons stand in shallow water.", ""))
    assert found.unread == (1, 3)
    notes = parse(documents.pdf("", "Herons stand in shallow water.", ""), "herons.pdf").notes
    assert notes == ("No text on page 1, 3: pictures are not read.",)
    assert "Herons" in found.text[found.pages[1] : found.pages[2]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (documents.pdf("Secret.", password="tide"), "password"),
        (documents.pdf("", ""), "only pictures"),
        (b"%PDF-1.7 nothing", "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        parse(data, "some.pdf")


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 3_000))
def test_damage_raises_nothing_but_a_document_error(noise: bytes, at: int) -> None:
    data = report()
    at %= len(data)
    try:
        found = read_pdf(data[:at] + noise + data[at + len(noise) :])
    except DocumentError:
        return
    assert all(found.text[h.start : h.end] == h.text for h in found.headings)
    assert list(found.pages) == sorted(found.pages)


WORDS = "Night porter Gideon Lark has phone 6603. The west door opens only with card type C. No parcels after 20:15."


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(len(WORDS.split()))))
def test_words_written_in_any_order_are_read_line_by_line(order: list[int]) -> None:
    stream = io.BytesIO()
    canvas = Canvas(stream, invariant=True)
    places, x, y = [], 60.0, 700.0
    for word in WORDS.split():
        places.append((x, y, word))
        x += canvas.stringWidth(word + " ")
        if word.endswith("."):
            x, y = 60.0, y - 16
    for at in order:
        canvas.drawString(*places[at])
    canvas.save()
    read = read_pdf(stream.getvalue()).text
    # An order that is nearly right is believed; any that jumps about is not.
    jumps = sum(abs(a - b) > 1 for a, b in pairwise(order))
    assert jumps < len(order) * 0.75 or " ".join(read.split()) == WORDS


def test_narrow_columns_beside_one_another_are_no_table() -> None:
    stream = io.BytesIO()
    canvas = Canvas(stream, invariant=True)
    left = ("The laundry opens at six", "each morning and takes in", "linen from four houses.",
            "Bags are weighed by us",
            "before washing. A bag may", "not exceed 18 kilograms.")  # fmt: skip
    right = ("Ironing is done by the", "late crew. The press must", "cool for forty minutes", "after the last sheet.",
             "Lost items are kept by", "Mrs Odenwald for a year.")  # fmt: skip
    for x, column in ((60, left), (320, right)):
        for at, line in enumerate(column):
            canvas.drawString(x, 700 - 15 * at, line)
    canvas.save()
    read = read_pdf(stream.getvalue()).text
    assert "A bag may not exceed 18 kilograms." in read
    assert "Lost items are kept by Mrs Odenwald for a year." in read


def test_dots_between_a_label_and_its_value_are_left_out() -> None:
    stream = io.BytesIO()
    canvas = Canvas(stream, invariant=True)
    for at, (label, price) in enumerate((("Filter set", "84.00"), ("Fan belt", "17.90"), ("Bearing", "122.45"))):
        canvas.drawString(60, 700 - 18 * at, f"{label} {'.' * 40}")
        canvas.drawRightString(420, 700 - 18 * at, price)
    canvas.save()
    assert "Fan belt: 17.90." in read_pdf(stream.getvalue()).text


def test_numbered_and_lettered_paragraphs_of_rules_begin_anew() -> None:
    """However long the line before is: a number after a sentence's end, a letter after a comma too."""
    lines = (
        "(1) Exams are held under supervision, in writing, and everybody signs.",
        "(2) Who was absent without a reason may not sit the next examination of",
        "the same course before the next term.",
        "(3) In this rule, these words mean as follows, wherever they are written:",
        "a) desk: the place where people ask about anything and get an answer,",
        "ç) dean: the head of a faculty and all who stand in for the dean there,",
        "aa) term: half of a year.",
        "The fee is due within (4) weeks, as the council says in each of its years",
        "(see rule 2) and not later.",
    )
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    canvas.setFont("Vera", 10)
    for at, line in enumerate(lines):
        canvas.drawString(72, 700 - 13 * at, line)
    canvas.save()
    found = read_pdf(out.getvalue()).text.split("\n\n")
    assert [one[:4] for one in found] == ["(1) ", "(2) ", "(3) ", "a) d", "ç) d", "aa) ", "The "]
    assert found[-1].endswith("as the council says in each of its years (see rule 2) and not later.")


def test_files_attached_to_a_pdf_are_read_also_another_pdf() -> None:
    document = pypdfium2.PdfDocument(documents.pdf("See the list of keys."))
    inner = documents.pdf("The well is dry.")
    for name, data in (("keys.csv", b"Door,Key\nBoiler,K-88\nAttic,K-12\n"), ("well.pdf", inner)):
        document.new_attachment(name).set_data(data)
    out = io.BytesIO()
    document.save(out)
    found = read_pdf(out.getvalue())
    assert [one.text for one in found.headings] == ["Attachment: keys.csv", "Attachment: well.pdf"]
    assert "Door: Attic; Key: K-12." in found.text
    assert found.text.endswith("The well is dry.")


def test_a_paragraph_that_begins_far_in_is_one() -> None:
    """The first line of each paragraph stands an inch in, as in letters and rules; a title in the middle is none."""
    lines = (
        (250, "Definitions"),
        (128, "a) Feeding place: where the animals of the campus are fed safely by those who may, as"),
        (72, "the secretary decides, and nowhere else on it."),
        (128, "b) Keeper: who was entered in the list of the secretary and looks after the animals on"),
        (72, "the campus, and after what they need when the year ends and nobody else is there to do"),
        (72, "it."),
    )
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    canvas.setFont("Helvetica", 10)
    for at, (left, line) in enumerate(lines):
        canvas.drawString(left, 700 - 13 * at, line)
    canvas.save()
    found = read_pdf(out.getvalue()).text.split("\n\n")
    assert [one[:3] for one in found] == ["Def", "a) ", "b) "]
    assert found[1].endswith("by those who may, as the secretary decides, and nowhere else on it.")

"""Questions that a PDF answers, asked with no model: the quotes say whether the page was read as people read it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, SimpleDocTemplate, Spacer, Table, TableStyle

from rag.grounding.extractive import quote
from rag.ingest.chunking import cut
from rag.ingest.document_builder import analysed_document
from rag.ingest.loader import parse
from rag.library import Library
from rag.settings import RetrievalSettings
from tests.support import chromium

CASES = Path(__file__).parents[4] / "shared" / "cases" / "documents"
FILLER = (
    b"# Canteen\n\nThe canteen opens at eleven. Soup is served daily, and the coffee machine is cleaned on Fridays.\n"
)
PROSE = (
    "The harbour office measures the tide every ten minutes at the northern mole and publishes it at once. "
    "A reading that differs from the forecast by more than forty centimetres is checked by hand. "
)


def answer(directory: Path, files: dict[str, bytes], question: str) -> str:
    """What is quoted from a library of these files."""
    library = Library.open(directory, RetrievalSettings(ocr=False), write=True)
    try:
        for name, data in {**files, "filler.md": FILLER}.items():
            read = parse(data, name)
            kind = name.rpartition(".")[2]
            library.add([analysed_document(read, cut(read, 900), name=name, kind=kind, modified=1.7e9)])
        passages = library.search(question).passages
        return " ".join(one.text for one in quote(question, passages))
    finally:
        library.close()


def shared_cases() -> list[Path]:
    return sorted(CASES.glob("pdf_*")) if CASES.is_dir() else []


@pytest.mark.skipif(not shared_cases(), reason="the shared cases are not beside this checkout")
@pytest.mark.parametrize("folder", shared_cases(), ids=lambda path: path.name)
def test_a_shared_case(folder: Path, tmp_path: Path) -> None:
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    files = {name: (folder / name).read_bytes() for name in case["files"] if name != "filler.md"}
    assert case["must_contain"] in answer(tmp_path, files, case["question"])


def drawn(draw: Callable[[Canvas], object], pages: int = 1, size: tuple[float, float] = A4) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=size, invariant=1)
    for _ in range(pages):
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def wrapped(canvas: Canvas, text: str, left: float, top: float, width: float, size: float = 11.0) -> float:
    """Set `text` in lines; returns where the next would stand."""
    canvas.setFont("Helvetica", size)
    line = ""
    for word in text.split():
        if canvas.stringWidth(f"{line} {word}", "Helvetica", size) > width:
            canvas.drawString(left, top, line)
            top -= size * 1.3
            line = word
        else:
            line = f"{line} {word}".strip()
    canvas.drawString(left, top, line)
    return top - size * 1.3


def flowed(*parts: object, size: tuple[float, float] = A4, top: float = 72) -> bytes:
    out = io.BytesIO()
    SimpleDocTemplate(out, pagesize=size, invariant=1, topMargin=top, bottomMargin=40).build(list(parts))
    return out.getvalue()


def amount_at_the_foot() -> bytes:
    def draw(canvas: Canvas) -> None:
        wrapped(canvas, PROSE, 72, 700, 450)
        canvas.drawString(72, 40, "Balance carried forward")
        canvas.drawRightString(520, 40, "812")

    return drawn(draw)


def machine_sheets() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    for number, oil in ((1, "ISO VG 32"), (2, "ISO VG 46"), (3, "ISO VG 68")):
        canvas.drawString(72, 800, f"Press {number}")
        wrapped(canvas, f"The hydraulic unit of press {number} is filled with oil of grade {oil}.", 72, 700, 450)
        canvas.drawString(290, 30, f"Page {number} of 3")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def years_above_figures() -> bytes:
    rows = [["Region", "2021", "2022", "2023"], ["Aegean", "410", "455", "502"], ["Marmara", "820", "799", "846"]]
    return flowed(Table(rows, style=TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])))


def plain_rows() -> bytes:
    rows = [["Kemal Aydin", "Gate 4", "07:30"], ["Derya Polat", "Gate 9", "06:15"], ["Murat Sen", "Gate 2", "08:00"]]
    return flowed(Table(rows))


def ruled_labels() -> bytes:
    rows = [["Manufacturer", "Delta Pumps"], ["Pump type", "KSB-210"], ["Flow rate", "35 m3/h"], ["Weight", "88 kg"]]
    return flowed(Table(rows, style=TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])))


def labels_in_four_columns() -> bytes:
    rows = [["Order number:", "A-7781", "Customer:", "Nordwind"], ["Ship date:", "14 May", "Carrier:", "Blue Line"]]
    return flowed(Table(rows))


def table_over_pages() -> bytes:
    rows = [["Locker", "Floor", "Holder"]] + [[f"L-{n:03}", str(n % 7), f"Badge {n * 13}"] for n in range(1, 120)]
    style = TableStyle([("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold")])
    return flowed(Table(rows, repeatRows=1, style=style), top=20)


def rotated_page() -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(90)
        canvas.translate(A4[0], 0)
        canvas.rotate(90)
        canvas.drawString(72, 300, "Siren")
        wrapped(canvas, "The siren on the roof is tested on the first Monday of each month.", 72, 500, 600)

    return drawn(draw, 3)


def two_columns_across() -> bytes:
    left = f"{PROSE * 2} The pilot boat carries nine people and leaves from berth twelve."
    right = f"{PROSE * 2} Dredging stops from April to June, while the herring spawn."

    def lines(text: str) -> list[str]:
        found, line = [], ""
        for word in text.split():
            if len(line) + len(word) > 38:
                found.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        return [*found, line]

    def draw(canvas: Canvas) -> None:
        for at, pair in enumerate(zip_longest(lines(left), lines(right), fillvalue="")):
            for x, text in zip((60, 320), pair, strict=True):
                canvas.drawString(x, 760 - 14 * at, text)

    return drawn(draw)


def footnote() -> bytes:
    def draw(canvas: Canvas) -> None:
        wrapped(canvas, "Members pay the reduced harbour fee1 when they", 60, 700, 200)
        canvas.setFont("Helvetica", 8)
        canvas.drawString(60, 80, "1 The reduced fee is 18 euros a night since 2024.")
        wrapped(canvas, "stay for more than three nights in a row.", 320, 700, 200)

    return drawn(draw)


def ticked_boxes() -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 720, "Delivery")
        for at, (name, on) in enumerate((("Courier", False), ("Pick up at the depot", True))):
            canvas.acroForm.checkbox(name=f"box{at}", checked=on, x=72, y=690 - 24 * at, size=14, fieldFlags="")
            canvas.drawString(95, 693 - 24 * at, name)

    return drawn(draw)


def chosen_from_a_list() -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 720, "Preferred language of instruction")
        canvas.acroForm.choice(
            name="language", value="Norwegian", options=["Danish", "Norwegian", "Finnish"], x=280, y=714, width=120
        )

    return drawn(draw)


def merged_cells() -> bytes:
    rows = [["Line", "Stop", "Departs"], ["Ferry 7", "Kadikoy", "09:10"], ["", "Besiktas", "09:40"]]
    style = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("SPAN", (0, 1), (0, 2)),
        ("BACKGROUND", (0, 0), (-1, 0), "grey"),
    ]
    return flowed(Table(rows, style=TableStyle(style)))


def landscape_ledger() -> bytes:
    rows = [["Account", "Debit", "Credit"]] + [[f"{4000 + n}", f"{n * 7}.50", f"{n * 3}.25"] for n in range(60)]
    return flowed(Table(rows, repeatRows=1), size=landscape(A4), top=10)


def large_amount() -> bytes:
    def draw(canvas: Canvas) -> None:
        wrapped(canvas, PROSE, 72, 760, 450)
        canvas.setFont("Helvetica-Bold", 22)
        canvas.drawString(72, 600, "Total payable: EUR 2,318.40")
        wrapped(canvas, "Payment is due within thirty days of the date of this letter.", 72, 560, 450)

    return drawn(draw)


def two_tables() -> bytes:
    first = Table([["Tank", "Litres"], ["T1", "5200"], ["T2", "4100"]])
    second = Table([["Valve", "Bar"], ["V1", "6"], ["V2", "16"]])
    return flowed(first, Spacer(1, 40), second, PageBreak(), first)


CARDS = [("Contract No.", "HK-2291"), ("Deposit", "4,800 EUR"), ("Skipper", "Jon Vik")]


def cards(by_card: bool) -> Callable[[], bytes]:
    """Labels above their values, side by side; written card by card, or all labels first."""

    def draw(canvas: Canvas) -> None:
        whole = [(at, *card) for at, card in enumerate(CARDS)]
        labels = [(72 + 160 * at, 700, 8, label) for at, label, _ in whole]
        values = [(72 + 160 * at, 684, 12, value) for at, _, value in whole]
        pairs = [piece for pair in zip(labels, values, strict=True) for piece in pair]
        for left, top, size, words in pairs if by_card else labels + values:
            canvas.setFont("Helvetica", size)
            canvas.drawString(left, top, words)
        wrapped(canvas, PROSE, 72, 600, 450)

    return lambda: drawn(draw)


def cards_one_by_one() -> bytes:
    return cards(by_card=True)()


def cards_labels_first() -> bytes:
    return cards(by_card=False)()


def large_figures() -> bytes:
    def draw(canvas: Canvas) -> None:
        for at, (figure, label) in enumerate(
            (("418", "boats lifted"), ("97 %", "berths let"), ("12", "pilots trained"))
        ):
            canvas.setFont("Helvetica-Bold", 28)
            canvas.drawString(72 + 160 * at, 700, figure)
            canvas.setFont("Helvetica", 9)
            canvas.drawString(72 + 160 * at, 684, label)
        wrapped(canvas, PROSE, 72, 600, 450)

    return drawn(draw)


def centred_figures() -> bytes:
    def draw(canvas: Canvas) -> None:
        for at, (figure, label) in enumerate((("1,204", "calls of ships"), ("36", "employees"))):
            canvas.setFont("Helvetica-Bold", 24)
            canvas.drawCentredString(130 + 170 * at, 620, figure)
            canvas.setFont("Helvetica", 9)
            canvas.drawCentredString(130 + 170 * at, 602, label)
        wrapped(canvas, PROSE, 72, 500, 450)

    return drawn(draw)


def table_on_end() -> bytes:
    rows = [["Winch", "Pull", "Keeper"], ["W1", "20 kN", "Alf"], ["W2", "35 kN", "Berit"], ["W3", "50 kN", "Carl"]]

    def draw(canvas: Canvas) -> None:
        canvas.drawString(290, 30, "Page 7")
        canvas.translate(100, 300)
        canvas.rotate(90)
        for at, row in enumerate(rows):
            for column, words in enumerate(row):
                canvas.drawString(80 * column, -14 * at, words)

    return drawn(draw)


def justified_in_a_narrow_column() -> bytes:
    lines = [
        "Unauthorised photo-",
        "graphing of the sub-",
        "marine installations",
        "is prosecuted by the",
        "southern district.",
    ]

    def draw(canvas: Canvas) -> None:
        for at, line in enumerate(lines):
            words = line.split()
            free = 135 - sum(canvas.stringWidth(word, "Helvetica", 12) for word in words)
            left = 72.0
            canvas.setFont("Helvetica", 12)
            for word in words:
                canvas.drawString(left, 700 - 14 * at, word)
                gap = free / (len(words) - 1) if at < len(lines) - 1 else 4
                left += canvas.stringWidth(word, "Helvetica", 12) + gap

    return drawn(draw)


OWN: dict[Callable[[], bytes], tuple[str, str]] = {
    amount_at_the_foot: ("What is the balance carried forward?", "Balance carried forward: 812"),
    machine_sheets: ("Which oil is in the hydraulic unit of press 2?", "ISO VG 46"),
    years_above_figures: ("How much was Aegean in 2022?", "2022: 455"),
    plain_rows: ("At which gate is Derya Polat?", "Derya Polat | Gate 9 | 06:15"),
    ruled_labels: ("What is the flow rate of the pump?", "Flow rate: 35 m3/h"),
    labels_in_four_columns: ("Who is the carrier?", "Carrier: Blue Line"),
    table_over_pages: ("Who is the holder of locker L-077?", "Locker: L-077; Floor: 0; Holder: Badge 1001"),
    rotated_page: ("When is the siren on the roof tested?", "first Monday of each month"),
    two_columns_across: ("From which berth does the pilot boat leave?", "leaves from berth twelve"),
    footnote: ("How much is the reduced fee a night?", "18 euros"),
    ticked_boxes: ("Is it a pick up at the depot?", "☒ Pick up at the depot"),
    chosen_from_a_list: ("Which language of instruction is preferred?", "Norwegian"),
    merged_cells: ("When does ferry 7 depart from Besiktas?", "Line: Ferry 7; Stop: Besiktas; Departs: 09:40"),
    landscape_ledger: ("What is the debit of account 4037?", "Account: 4037; Debit: 259.50; Credit: 111.25"),
    large_amount: ("What is the total payable?", "2,318.40"),
    cards_one_by_one: ("How high is the deposit?", "Deposit: 4,800 EUR"),
    centred_figures: ("How many employees are there?", "employees: 36"),
    table_on_end: ("Who is the keeper of winch W2?", "Winch: W2; Pull: 35 kN; Keeper: Berit"),
    justified_in_a_narrow_column: ("Who prosecutes photographing?", "photographing of the submarine installations is"),
    large_figures: ("How many pilots were trained?", "pilots trained: 12"),
    cards_labels_first: ("Who is the skipper?", "Skipper: Jon Vik"),
    two_tables: ("What bar has valve V2?", "Valve: V2; Bar: 16"),
}


@pytest.mark.parametrize("made", OWN, ids=lambda made: made.__name__)
def test_an_own_case(made: Callable[[], bytes], tmp_path: Path) -> None:
    question, wanted = OWN[made]
    data = made()
    assert wanted in answer(tmp_path, {"document.pdf": data}, question), parse(data, "document.pdf").text[:1500]


PRINTED = """<html><head><title>Quarry rules</title><style>body{font-family:serif}th,td{border:1px solid;padding:4px}
.two{column-count:2}</style></head><body><h1>Quarry rules, Volume VI</h1><p>Filing officials in the Tivoli office affix
the visa to fifty-five official files, and the levy for Vilvoorde is 1,480 euros.</p><table><tr><th>Shift</th><th>Chief
</th></tr><tr><td>Early</td><td>Ms. Yavuz</td></tr><tr><td>Late</td><td>Mr. Voight</td></tr></table><div class=two>
<p>%s</p><p>Blasting is announced by three long tones, and the road to the village is closed for ten minutes.</p></div>
</body></html>"""


@pytest.fixture(scope="module")
def printed() -> Iterator[bytes]:
    """A page that Chromium printed."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        page = browser.new_page()
        page.set_content(PRINTED % (PROSE * 4))
        data = page.pdf(format="A4")
        browser.close()
    yield data


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("How much is the levy for Vilvoorde in euros?", "the levy for Vilvoorde is 1,480 euros"),
        ("Who is chief of the late shift?", "Mr. Voight"),
        ("When is a reading checked by hand?", "differs from the forecast by more than forty centimetres is checked"),
        ("How is blasting announced?", "announced by three long tones, and the road to the village is closed"),
    ],
)
def test_a_print_of_a_browser(printed: bytes, question: str, wanted: str, tmp_path: Path) -> None:
    assert wanted in answer(tmp_path, {"quarry.pdf": printed}, question), parse(printed, "quarry.pdf").text[:1500]


def test_words_of_a_print_from_right_to_left() -> None:
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        page = browser.new_page()
        page.set_content("<p dir=rtl style='font-size:18px'>المفتاح موجود في غرفة الحارس.</p>")
        data = page.pdf(format="A4")
        browser.close()
    text = parse(data, "key.pdf").text
    if "المفتاح" not in text:
        pytest.skip("no font here has Arabic letters")
    assert text == "المفتاح موجود في غرفة الحارس."


def watermarked(canvas: Canvas) -> None:
    canvas.saveState()
    canvas.setFont("Helvetica-Bold", 60)
    canvas.translate(200, 300)
    canvas.rotate(45)
    canvas.drawString(0, 0, "DRAFT COPY")
    canvas.restoreState()
    canvas.drawString(72, 700, "The dry dock is booked until November.")


def test_a_watermark_is_no_heading_and_said_once() -> None:
    found = parse(drawn(watermarked, 2), "dock.pdf")
    assert not found.headings
    assert found.text.startswith("The dry dock is booked until November.\n\nDRAFT COPY\n\nThe dry dock")
    assert found.text.count("DRAFT COPY") == 1

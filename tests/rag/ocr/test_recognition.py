import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from rag.errors import DocumentError
from rag.formats.pdf import read_pdf
from rag.formats.recognised import Line, Recogniser, read_picture
from rag.ingest.loader import PicturesOnly, parse
from rag.library import Library
from rag.ocr.recognition import MISSING, OFF, Choice, choose, load
from rag.ocr.tesseract import lines_of
from rag.settings import RetrievalSettings
from tandem.bench.reading import distance
from tests.support import documents, scans

FONT = str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")  # has Turkish letters


@pytest.fixture(scope="module")
def rapid() -> Recogniser:
    return load(Choice("rapidocr"), 1)


def wrong_share(found: str, wanted: Sequence[str]) -> float:
    text = " ".join(wanted)
    return distance(" ".join(found.split()), text) / len(text)


@pytest.mark.parametrize(
    ("texts", "dots", "skew", "columns"),
    [(scans.ENGLISH[:3], 150, -2.0, 2), (scans.TURKISH[:4], 300, 1.5, 1)],
    ids=["english two columns", "turkish"],
)
def test_a_scan_is_read(rapid: Recogniser, texts: Sequence[str], dots: int, skew: float, columns: int) -> None:
    scan = scans.picture(scans.page(texts, FONT, columns=columns), dots=dots, skew=skew)
    found = read_pdf(scans.scanned(scan, dots=dots), rapid)
    assert wrong_share(found.text, texts) <= 0.03
    assert [page for page, _ in found.pictures] == [1]
    assert 0.8 < found.pictures[0][1] <= 1.0
    assert found.unread == ()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_picture_is_a_document(rapid: Recogniser, kind: str) -> None:
    image = scans.picture(scans.page(["The siren is tested on Monday."], FONT, size=14)).crop((80, 100, 1100, 260))
    name = f"siren.{ {'JPEG': 'jpg', 'TIFF': 'tif'}.get(kind, kind.lower()) }"
    found = parse(scans.encoded(image, kind), name, rapid)
    assert found.text == "The siren is tested on Monday."
    assert found.notes[0].startswith("Read from a picture, ")
    assert found.pages == (0,)


def test_a_picture_without_words_says_so(rapid: Recogniser) -> None:
    with pytest.raises(DocumentError, match="no words were found"):
        parse(scans.encoded(Image.new("RGB", (300, 200), "white"), "PNG"), "white.png", rapid)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n broken", b"GIF89a" + bytes(50)])
def test_a_broken_picture_is_refused(rapid: Recogniser, data: bytes) -> None:
    with pytest.raises(DocumentError, match="damaged"):
        parse(data, "broken.png", rapid)


def test_pages_with_and_without_text_go_together(rapid: Recogniser) -> None:
    scan = scans.picture(scans.page(["The lock gate closes at nine."], FONT, size=14))
    whole = scans.scanned(scan)
    found = read_pdf(documents.pdf("Herons stand in shallow water.", ""), rapid)
    assert found.text == "Herons stand in shallow water."
    assert "lock gate closes" in read_pdf(whole, rapid).text


@pytest.mark.parametrize("turn", [180, 270])
def test_a_scan_that_lies_on_a_side_or_its_head_is_turned(rapid: Recogniser, turn: int) -> None:
    texts = ["The lock gate closes at nine in the evening.", "The inspector of the boiler was Nils Holm."]
    scan = scans.picture(scans.page(texts, FONT, size=14)).rotate(turn, expand=True)
    assert " ".join(read_pdf(scans.scanned(scan), rapid).text.split()) == " ".join(texts)


def test_a_picture_on_a_page_with_little_text_is_read_beside_it(rapid: Recogniser) -> None:
    scan = scans.picture(scans.page(["The chair of the council is Monika Seidl."], FONT, size=14)).crop(
        (80, 60, 1160, 900)
    )
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    canvas.drawString(
        72, 800, "Report of the works council on the second quarter of the year, for all members of the staff"
    )
    canvas.drawImage(ImageReader(scan), 40, 200, 515, 400)
    canvas.save()
    found = read_pdf(out.getvalue(), rapid)
    assert found.text.startswith("Report of the works council") and "Monika Seidl" in found.text
    assert [page for page, _ in found.pictures] == [1]


def test_without_a_recogniser_the_reason_says_what_to_do() -> None:
    with pytest.raises(PicturesOnly, match="tandem-assistant") as caught:
        parse(documents.pdf("", ""), "scan.pdf", None, MISSING)
    assert caught.value.pages == 2
    assert OFF in str(choose((), wanted=False))


def test_a_sync_reads_pictures_last_and_marks_their_passages(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    scan = scans.picture(scans.page(["The lock gate closes at nine in the evening."], FONT, size=14))
    (folder / "gate.pdf").write_bytes(scans.scanned(scan))
    (folder / "note.md").write_text("Herons stand in shallow water.", encoding="utf-8")
    off = Library.open(tmp_path / "library", RetrievalSettings(ocr=False), write=True)
    report = off.sync([folder])
    off.close()
    assert report.failed == 1
    assert "switched off" in next(r.reason for r in report.receipts if r.state == "failed")

    library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
    try:
        report = library.sync([folder])
        assert (report.added, report.failed, report.unchanged) == (1, 0, 1)
        passage = library.search("When does the lock gate close?").passages[0]
        assert passage.document == "gate.pdf"
        assert passage.page == 1
        assert passage.picture is not None
        assert 0.8 < passage.picture <= 1.0
        assert library.search("Where do herons stand?").passages[0].picture is None
        assert library.sync([folder]).unchanged == 2
    finally:
        library.close()


def test_the_models_load_without_a_network() -> None:
    program = (
        "import socket; socket.socket.connect = lambda *a: (_ for _ in ()).throw(OSError('no network')); "
        "from rag.ocr.recognition import Choice, load; load(Choice('rapidocr'), 1); print('ready')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "ready"


def test_tesseracts_table_becomes_lines() -> None:
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"
    rows = ["5\t1\t1\t1\t1\t1\t10\t20\t30\t12\t90\tLiman", "5\t1\t1\t1\t1\t2\t45\t20\t20\t12\t80\tağzı"]
    (line,) = lines_of("\n".join([head, "4\t1\t1\t1\t1\t0\t10\t20\t55\t12\t-1\t", *rows]))
    assert line.text == "Liman ağzı"
    assert line.corners == ((10, 20), (65, 20), (65, 32), (10, 32))
    assert 0.8 <= line.confidence <= 0.9


class Scripted:
    """Says what it was told to."""

    def __init__(self, *lines: Line) -> None:
        self.lines = lines

    def read(self, image: Image.Image) -> Sequence[Line]:
        return self.lines


def test_lines_come_from_the_top_down_and_what_is_doubtful_is_dropped() -> None:
    def line(text: str, left: float, top: float, confidence: float = 0.9) -> Line:
        return Line(text, confidence, ((left, top), (left + 80, top), (left + 80, top + 10), (left, top + 10)))

    image = Image.new("RGB", (300, 200), "white")
    image.putpixel((5, 5), (0, 0, 0))
    said = Scripted(line("third", 10, 60), line("second", 110, 21), line("first", 10, 20), line("smudge", 10, 90, 0.3))
    reading = read_picture(image, said, 300, 200)
    assert [word.text for word in reading.words] == ["first", "second", "third"]
    assert reading.confidence == pytest.approx(0.9)

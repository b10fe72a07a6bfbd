"""A document opened where the sentence stands, through a real server."""

import os
import re
from html import unescape

import pytest

from tests.tandem.viewer.conftest import HOLIDAY, HOSTILE, Reader

BOX = re.compile(r'<rect x="(-?\d+)" y="(-?\d+)" width="(\d+)" height="(\d+)"')
MARK = re.compile(r"<mark(?: id=\"sentence\")?>(.*?)</mark>", re.S)


def marked(page: str) -> list[str]:
    return [unescape(said) for said in MARK.findall(page)]


@pytest.mark.parametrize(
    ("document", "sentence", "said"),
    [
        ("leave.md", HOLIDAY, [HOLIDAY]),
        ("deep/er/notes.txt", HOSTILE, [HOSTILE]),
        ("site.html", "Bicycles stand in the yard.", ["Bicycles stand in the yard."]),
        ("canteen.docx", "Cake is free on Fridays.", ["Cake is free on Fridays."]),
        ("parking.eml", "The garage closes at ten in the evening.", ["The garage closes at ten in the evening."]),
        ("zones.xlsx", "Surcharge: 14.9", ["14.9"]),
        ("leave.md", "Zone: South; Price: 8.", ["South", "8"]),
    ],
)
def test_the_sentence_is_marked_in_the_text(reader: Reader, document: str, sentence: str, said: list[str]) -> None:
    answer = reader.get(reader.cited(document, sentence))
    assert answer.status_code == 200
    assert marked(answer.text) == said
    assert answer.text.count('id="sentence"') == 1
    folder, _, name = document.rpartition("/")
    assert f"<title>{name}</title>" in answer.text and f'title="{document}"' in answer.text
    assert f'<span class="folder">{folder}/</span>' in answer.text or not folder


def test_headings_and_tables_are_what_they_were(reader: Reader) -> None:
    page = reader.get(reader.cited("leave.md", HOLIDAY)).text
    assert '<h2 dir="auto">Leave</h2>' in page and '<h3 dir="auto">Holidays</h3>' in page
    assert "Sick &amp;" in page
    assert '<th scope="col" dir="auto">Zone</th>' in page and '<td dir="auto">North</td>' in page
    zones = reader.get(f"/source/document/{reader.document('zones.xlsx')}").text
    assert zones.count("<tr>") == 4 and zones.count("<table>") == 1


def boxes(page: str) -> list[tuple[int, ...]]:
    return [
        tuple(map(int, box)) for box in re.findall(r'<rect x="(-?\d+)" y="(-?\d+)" width="(\d+)" height="(\d+)"', page)
    ]


def test_a_pdf_is_drawn_with_a_box_around_the_sentence(reader: Reader) -> None:
    page = reader.get(reader.cited("handbook.pdf", HOLIDAY)).text
    (box,) = boxes(page)
    address, width, height = re.search(r'<img src="([^"]+)" width="(\d+)" height="(\d+)"', page).groups()  # type: ignore[union-attr]
    assert 0 < box[0] < int(width) and box[2] > int(width) / 4 and 0 < box[1] < int(height) / 3
    drawn = reader.get(unescape(address))
    assert drawn.headers["content-type"] == "image/png" and drawn.content.startswith(b"\x89PNG")
    assert int.from_bytes(drawn.content[16:20]) == int(width) and int.from_bytes(drawn.content[20:24]) == int(height)
    assert "Page 1 of 2" in page and "page=2" in page


def test_the_same_sentence_further_on_is_found_by_what_stands_before_it(reader: Reader) -> None:
    page = reader.get(reader.cited("handbook.pdf", f"Once more: {HOLIDAY}")).text
    assert "Page 2 of 2" in page and len(boxes(page)) == 1


def test_a_row_of_a_table_is_boxed_by_its_cells(reader: Reader) -> None:
    page = reader.get(reader.cited("handbook.pdf", "Zone: South; Price: 8.25; From: 2025-06-30.")).text
    found = boxes(page)
    assert len(found) == 3 and max(box[1] for box in found) - min(box[1] for box in found) < 10


def test_another_page_has_no_box_and_a_page_that_is_not_there_is_the_last(reader: Reader) -> None:
    address = reader.cited("handbook.pdf", HOLIDAY)
    assert boxes(reader.get(f"{address}&page=2").text) == []
    assert "Page 2 of 2" in reader.get(f"{address}&page=999999").text
    assert "Page 1 of 2" in reader.get(f"{address}&page=-1").text


def test_a_pdf_can_be_read_as_text(reader: Reader) -> None:
    page = reader.get(f"{reader.cited('handbook.pdf', HOLIDAY)}&view=text").text
    assert marked(page) == [HOLIDAY] and "As pages" in page


def test_one_goes_from_citation_to_citation(reader: Reader) -> None:
    first, second = reader.passage("leave.md", HOLIDAY), reader.passage("handbook.pdf", "Journeys")
    of = f"of={first.id}.0-10,{second.id}.0-8"
    page = reader.get(f"/source/passage/{first.id}?{of}").text
    assert "Citation 1 of 2" in page
    after = unescape(re.search(r'data-way="after" href="([^"]+)"', page)[1])  # type: ignore[index]
    assert after.startswith(f"/source/passage/{second.id}?") and of in after
    there = reader.get(after).text
    assert "Citation 2 of 2" in there and "Page 2 of 2" in there and boxes(there)


def test_nothing_of_a_document_is_run_or_fetched(reader: Reader) -> None:
    for document, text in (("deep/er/notes.txt", HOSTILE), ("parking.eml", "Bob wrote"), ("site.html", "Bicycles")):
        answer = reader.get(reader.cited(document, text))
        assert re.findall(r"<script[^>]*>", answer.text) == ['<script src="/source/static/viewer.js" defer>']
        assert re.findall(r'(?:src|href)="(?!/source/|data:,)', answer.text) == []
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("document", ["handbook.pdf", "site.html", "deep/er/notes.txt"])
def test_the_original_is_downloaded_and_never_shown(reader: Reader, document: str) -> None:
    answer = reader.get(f"/source/document/{reader.document(document)}/original")
    assert answer.content == (reader.papers / document).read_bytes()
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "address",
    [
        "/source/passage/999999",
        "/source/passage/0",
        "/source/passage/abc",
        "/source/passage/1%3B",
        "/source/passage/99999999999999999999999",
        "/source/document/999999",
        "/source/document/..%2F..%2Fetc%2Fpasswd/original",
        "/source/document/%D9%A1",
        "/source/document/1/page/0",
        "/source/document/1/page/abc",
        "/source/static/routes.py",
        "/source/static/..%2Froutes.py",
        "/source/what",
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(reader: Reader, address: str) -> None:
    answer = reader.get(address)
    assert answer.status_code == 404
    assert re.search(r'role="alert">[A-Z][^<]+\.</p>', answer.text)


@pytest.mark.parametrize("of", ["x", "1.2", "1.9-3", ",,,", "1.0-99999999", "9" * 5_000, "<script>", "1.0-1" * 100])
def test_odd_citations_mark_the_whole_passage(reader: Reader, of: str) -> None:
    passage = reader.passage("canteen.docx", "Cake")
    answer = reader.get(f"/source/passage/{passage.id}", params={"of": of})
    assert answer.status_code == 200 and "<script>" not in answer.text
    assert "".join(marked(answer.text)) == passage.text


def test_it_speaks_turkish(reader: Reader) -> None:
    address = reader.cited("handbook.pdf", HOLIDAY)
    assert "Sayfa 1 / 2" in reader.get(f"{address}&lang=tr").text
    assert "Sayfa 1 / 2" in reader.get(address, headers={"accept-language": "tr-TR"}).text
    assert 'lang="en"' in reader.get(f"{address}&lang=%22%3E").text
    assert "Burada böyle bir belge yok" in reader.get("/source/document/999999?lang=tr").text


def test_a_changed_original_shows_the_text_as_it_was_read(reader: Reader) -> None:
    file = reader.papers / "handbook.pdf"
    before, status = file.read_bytes(), file.stat()
    address = reader.cited("handbook.pdf", HOLIDAY)
    try:
        os.utime(file, (1, 1))
        assert boxes(reader.get(address).text), "a date alone changes nothing"
        file.write_bytes(before[:-1] + b"!")
        page = reader.get(address).text
        assert "has changed since" in page and marked(page) == [HOLIDAY]
        file.unlink()
        page = reader.get(address).text
        assert "not where it was" in page and marked(page) == [HOLIDAY] and "original?" not in page
        gone = reader.get(f"/source/document/{reader.document('handbook.pdf')}/original")
        assert gone.status_code == 404
    finally:
        file.write_bytes(before)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_a_file_that_became_a_link_out_of_the_folder_is_gone(reader: Reader) -> None:
    file = reader.papers / "canteen.docx"
    before = file.read_bytes()
    outside = reader.papers.parent / "secret.docx"
    outside.write_bytes(before)
    address = f"/source/document/{reader.document('canteen.docx')}"
    try:
        file.unlink()
        file.symlink_to(outside)
        assert reader.get(f"{address}/original").status_code == 404
        assert "not where it was" in reader.get(address).text
    finally:
        file.unlink()
        file.write_bytes(before)

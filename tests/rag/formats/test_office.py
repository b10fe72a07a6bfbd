from datetime import datetime

import pytest

from rag.errors import DocumentError
from rag.formats.presentation import read_pptx
from rag.formats.spreadsheet import read_xlsx
from rag.formats.wordprocessing import read_docx
from tests.support import documents


def test_word_documents_keep_headings_lists_and_tables() -> None:
    rows = [["Room", "Seats", "Floor"], ["Heron", "12", "2"], ["Stork", "40", "1"]]
    found = read_docx(documents.word("# Rooms", "Book a room at the desk.", rows=rows))
    assert [h.text for h in found.headings] == ["Rooms"]
    assert found.text == (
        "Rooms\n\nBook a room at the desk.\n\nRoom: Heron; Seats: 12; Floor: 2.\n\nRoom: Stork; Seats: 40; Floor: 1."
    )


def test_a_word_table_of_two_columns_reads_as_pairs() -> None:
    assert read_docx(documents.word("Facts", rows=[["Opened", "1998"], ["Beds", "40"]])).text.endswith(
        "Opened: 1998.\n\nBeds: 40."
    )


def test_slides_are_pages() -> None:
    found = read_pptx(documents.slides(("Plan", "Buy two boats"), ("Cost", "A boat costs 9,000 euros")))
    assert [h.text for h in found.headings] == ["Plan", "Cost"]
    assert found.text[found.pages[1] :] == "Cost\n\nA boat costs 9,000 euros"


def test_sheets_have_rows_with_column_names() -> None:
    rows = [["Price list"], [], ["Item", "Price", "Since"], ["Rope", 12.0, datetime(2026, 3, 1)], ["Sail", 99.5, None]]
    found = read_xlsx(documents.workbook([row + [None] * (3 - len(row)) for row in rows]))
    assert found.text.split("\n\n") == [
        "Prices",
        "Price list",
        "Item: Rope; Price: 12; Since: 2026-03-01.",
        "Item: Sail; Price: 99.5.",
    ]


@pytest.mark.parametrize("read", [read_docx, read_pptx, read_xlsx])
@pytest.mark.parametrize("data", [b"", b"no archive", documents.archive({"a.txt": "x"})])
def test_what_is_no_office_document_says_so(read, data) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DocumentError):
        read(data)

import pytest

from rag.errors import DocumentError
from rag.formats.epub import read_epub
from tests.support import documents


def test_chapters_come_in_order() -> None:
    found = read_epub(
        documents.book("Seabirds", "<h1>Gulls</h1><p>Gulls drink salt water.</p>", "<h1>Terns</h1><p>Far.")
    )
    assert found.title == "Seabirds"
    assert [h.text for h in found.headings] == ["Gulls", "Terns"]
    assert found.text == "Gulls\n\nGulls drink salt water.\n\nTerns\n\nFar."


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (documents.book("Locked", "<p>x</p>", encrypted=True), "protected"),
        (documents.archive({"mimetype": "application/epub+zip"}), "damaged"),
        (documents.archive({"META-INF/container.xml": "<a"}), "damaged"),
        (documents.archive({"META-INF/container.xml": documents.CONTAINER, "book/package.opf": "<x/>"}), ""),
    ],
)
def test_what_is_no_book(data: bytes, reason: str) -> None:
    if reason:
        with pytest.raises(DocumentError, match=reason):
            read_epub(data)
    else:
        assert read_epub(data).text == ""

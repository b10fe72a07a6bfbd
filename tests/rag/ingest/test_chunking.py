from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.formats.extracted import Builder, Extracted
from rag.formats.markdown import read_markdown
from rag.formats.registry import read, readable
from rag.ingest.chunking import cut
from rag.ingest.loader import load
from rag.text import sentences

CORPUS = Path(__file__).parents[3] / "docs_corpus"
DOCUMENTS = sorted(path for path in CORPUS.rglob("*") if readable(path.name))


def covers(document: Extracted, aim: int) -> None:
    """Passages lie in order, overlap nowhere, and hold every letter that is not in a heading."""
    cuts = cut(document, aim)
    left = list(document.text)
    for heading in document.headings:
        left[heading.start : heading.end] = " " * (heading.end - heading.start)
    end = 0
    for piece in cuts:
        assert end <= piece.start < piece.end <= len(document.text)
        text = document.text[piece.start : piece.end]
        assert text == text.strip()
        assert len(text) <= 2 * aim
        left[piece.start : piece.end] = " " * len(text)
        end = piece.end
    assert not "".join(left).strip()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_passages_of_the_shipped_documents(path: Path) -> None:
    covers(load(path), 900)


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("#- \n.abc|1!?ı。"), max_size=400), st.integers(20, 200))
def test_passages_hold_everything_once(text: str, aim: int) -> None:
    covers(read_markdown(text.encode()), aim)


def test_passages_know_their_headings_and_pages() -> None:
    builder = Builder()
    builder.page()
    builder.heading("Boats", 1)
    builder.add("One boat.")
    builder.heading("Sails", 2)
    builder.add("Two sails.")
    builder.page()
    builder.add("Three oars.")
    builder.heading("Crews", 1)
    builder.add("Four sailors.")
    document = builder.build()
    found = [(document.text[c.start : c.end], c.page, c.headings) for c in cut(document, 200)]
    assert found == [
        ("One boat.", 1, ("Boats",)),
        ("Two sails.", 1, ("Boats", "Sails")),
        ("Three oars.", 2, ("Boats", "Sails")),
        ("Four sailors.", 2, ("Crews",)),
    ]


def test_a_row_of_a_table_ends_a_sentence() -> None:
    text = read_markdown(b"| a | b |\n|---|---|\n| x | 1.5 |\n| y | 2 |\n\nthen it goes on\n").text
    assert [text[start:end] for start, end in sentences.split(text)] == [
        "a: x; b: 1.5.",
        "a: y; b: 2.",
        "then it goes on",
    ]


@pytest.mark.parametrize(
    "name, piece",
    [("log.txt", ".. "), ("blank.md", "\n"), ("notes.md", ".. a::\n"), ("feet.md", "x [^y "), ("page.wiki", "<a b ")],
)
def test_marks_again_and_again_are_read_in_one_pass(name: str, piece: str) -> None:
    """A look at what follows at every mark would take minutes here."""
    text = piece * (100_000 // len(piece)) + "\nThe garage opens at seven."
    document = read(text.encode(), name)
    assert "opens at seven." in document.text[cut(document, 1000)[-1].start :]

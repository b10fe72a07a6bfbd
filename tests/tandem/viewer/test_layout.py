"""A document's text as HTML: nothing is lost, nothing is markup, and marks lie where they should."""

import re
from html import unescape
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.formats.extracted import Builder
from rag.formats.tables import add_table
from rag.ingest.chunking import cut
from rag.storage.provenance import Place
from tandem.viewer import citations, layout
from tandem.viewer.citations import Cited

WORDS = st.text("abç <>&\"'.:;|–\n#-1", min_size=1, max_size=60)
KINDS = st.sampled_from(["heading", "text", "table"])
BLOCKS = st.lists(st.tuples(KINDS, WORDS, WORDS, st.integers(1, 4)), max_size=12)
SPANS = st.lists(st.tuples(st.integers(0, 99), st.integers(1, 99)), max_size=4)
TAGS = {"h2", "h3", "h4", "h5", "h6", "p", "mark", "div", "table", "thead", "tbody", "tr", "th", "td"}


def letters(text: str) -> str:
    return "".join(text.split())


@given(BLOCKS, st.data())
def test_every_word_is_there_and_the_marks_are_where_they_should_be(
    blocks: list[tuple[str, str, str, int]], data: st.DataObject
) -> None:
    builder = Builder()
    for kind, one, other, level in blocks:
        if kind == "heading":
            builder.heading(one, level)
        elif kind == "text":
            builder.add(one)
        else:
            add_table(builder, [["Name", "Value"], [one, other], [other, one]])
    extracted = builder.build()
    text = extracted.text
    places = [Place(piece.start, piece.end, piece.headings) for piece in cut(extracted, 80)]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    html = layout.html(text, (0, len(text)), layout.headings(text, places), [(start, end)])
    assert not set(re.findall(r"<(\w+)", html)) - TAGS
    said = "".join(re.findall(r"<mark[^>]*>(.*?)</mark>", html, re.S))
    # A table's columns are named once, above; a row's last full stop stands for nothing.
    rest = iter(letters(text[start:end]))
    assert all(letter in rest for letter in letters(unescape(said)))
    if "<table>" not in html:
        assert letters(unescape(re.sub(r"</?(?:h\d|p|mark)\b[^>]*>", "", html))) == letters(text)
        assert letters(unescape(said)) == letters(text[start:end])
    for heading in extracted.headings:
        assert (
            any(found.start == heading.start for found in layout.headings(text, places))
            or heading.text.strip("<>&\"'.:;|–#- ") == ""
        )


@given(st.integers(0, 400_000), st.integers(100, 5_000))
def test_parts_cover_the_text_and_cut_no_passage(length: int, size: int) -> None:
    places = [Place(at, min(at + size, length), ()) for at in range(0, length, size)]
    parts = layout.parts(length, places)
    assert parts[0][0] == 0 and parts[-1][1] == length
    assert all(one[1] == other[0] for one, other in pairwise(parts))
    assert all(end - start <= layout.PART + size for start, end in parts)
    cuts = {start for start, _ in parts[1:]}
    assert not any(place.start < cut < place.end for place in places for cut in cuts)


@given(st.lists(st.tuples(st.integers(1, 10**17), SPANS), max_size=9))
def test_citations_are_read_as_they_were_written(given: list[tuple[int, list[tuple[int, int]]]]) -> None:
    cited = tuple(Cited(str(number), tuple((at, at + more) for at, more in spans)) for number, spans in given)
    assert citations.read(citations.written(cited)) == cited


@given(st.text(max_size=50))
def test_anything_may_come_in_for_citations(text: str) -> None:
    assert all(citations.is_id(cited.passage) for cited in citations.read(text))

"""A link to a citation leads to its sentence when the document was read again, and says nothing of it."""

from __future__ import annotations

from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from rag.types import Passage
from tandem.viewer import traces
from tandem.viewer.citations import Cited, link, read, written
from tests.tandem.viewer.conftest import HOLIDAY, Reader
from tests.tandem.viewer.test_documents import marked


def test_an_old_link_finds_the_sentence_in_what_was_read_again(reader: Reader) -> None:
    passage = reader.passage("leave.md", HOLIDAY)
    start = passage.text.index(HOLIDAY)
    span = (start, start + len(HOLIDAY))
    cited = Cited(passage.id, (span,), traces.of(passage, (span,)))
    old = f"{link(passage.id, written([cited]))}&lang=en"
    uncited = link(passage.id, "", traces.of(passage))
    file = reader.papers / "leave.md"
    before = file.read_text(encoding="utf-8")
    try:
        file.write_text(f"# New\n\nA word before.\n\n{before}", encoding="utf-8")
        reader.library.sync([reader.papers])
        assert reader.passage("leave.md", HOLIDAY).id != passage.id
        assert marked(reader.get(old, follow_redirects=True).text) == [HOLIDAY]
        assert reader.get(uncited, follow_redirects=True).status_code == 200
        file.write_text("# New\n\nNothing of what was there.\n", encoding="utf-8")
        reader.library.sync([reader.papers])
        gone = reader.get(old, follow_redirects=True)
        assert gone.status_code == 200 and "Nothing of what was there." in unescape(gone.text)
    finally:
        file.write_text(before, encoding="utf-8")
        reader.library.sync([reader.papers])
    assert reader.get("/source/passage/999999?as=000000000000-1-1-00000000").status_code == 404


def passage(text: str, start: int) -> Passage:
    return Passage(id="1", document="a/b.md", text=text, start=start, end=start + len(text))


@given(
    st.lists(st.sampled_from(["ada", "boiler", "7", "Şen"]), min_size=1, max_size=30),
    st.integers(0, 20),
    st.text(max_size=40),
)
def test_the_words_are_found_wherever_they_stand_now(words: list[str], start: int, before: str) -> None:
    said = " ".join(words)
    trace = traces.of(passage(said, start))
    assert traces.is_trace(trace) and "boiler" not in trace
    found = traces.place(trace, f"{before} . {'  '.join(words)}. More.")
    assert found is not None and found[1] > found[0]
    assert read(written([Cited("7", ((0, 3),), trace)])) == (Cited("7", ((0, 3),), trace),)


def test_of_equal_sentences_the_nearest_is_taken() -> None:
    text = "The key hangs here. " * 4
    assert traces.place(traces.of(passage("The key hangs here.", 41)), text) == (40, 59)

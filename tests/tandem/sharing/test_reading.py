"""What a reader sees of what is shared: nothing of what they may not read, whatever was answered."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tandem.markdown import without_definitions
from tandem.sharing.page import turns
from tandem.sharing.reading import Seen, seen
from tandem.sharing.snapshot import Snapshot, Source, Turn

OPEN = Source(1, "1", "open.md", None, ["Doors"], "/source/passage/1", True, [("The door code is seven.", True)], ["e"])
PAY = Source(2, "2", "hr/pay.md", 3, ["Pay"], "/source/passage/2", True, [("The code is heronshaw.", True)], ["hr"])
ANSWER = "The door code is seven [1]. The bonus code is heronshaw [2]. Both are codes."


def snapshot(*given: Turn) -> Snapshot:
    return Snapshot("t", "c", list(given), ["e", "hr"])


def shown(shared: Snapshot, *secret: Source, everything: bool = False) -> list[Seen]:
    return seen(shared, lambda source: source not in secret, everything=everything)


def told(shared: Snapshot, *secret: Source) -> str:
    return "\n".join(turns(shown(shared, *secret), "en"))


def test_who_may_read_all_that_it_rests_on_sees_it_whole() -> None:
    shared = snapshot(Turn("Which codes?", ANSWER, [OPEN, PAY], catalogue=False))
    (one,) = shown(shared)
    assert (one.pieces, one.sources, one.hidden) == ([ANSWER], [OPEN, PAY], [])
    assert told(shared).count("heronshaw") == 2


def test_who_may_not_sees_the_sentences_of_what_they_may_read() -> None:
    shared = snapshot(Turn("Which codes?", ANSWER, [OPEN, PAY], catalogue=False))
    (one,) = shown(shared, PAY)
    assert one.pieces == ["The door code is seven [1].", None]
    assert (one.sources, one.hidden) == ([OPEN], [2])
    page = told(shared, PAY)
    assert "heronshaw" not in page and "pay.md" not in page and "passage/2" not in page and "Pay" not in page
    assert "may not read" in page and 'href="/source/passage/1"' in page


def test_a_sentence_that_cites_only_what_is_open_gives_nothing_else_away() -> None:
    said = "The door code is seven and heronshaw [1]. The door code is seven [1]."
    (one,) = shown(snapshot(Turn("Which?", said, [OPEN, PAY], catalogue=False)), PAY)
    assert one.pieces == [None, "The door code is seven [1]."]


def test_what_was_said_before_may_be_said_again() -> None:
    first = Turn("The bonus?", "It is heronshaw [2].", [PAY], catalogue=False)
    again = Turn("And the door?", "Seven, and heronshaw as I said [1].", [OPEN], catalogue=False)
    assert [one.pieces for one in shown(snapshot(first, again), PAY)] == [[None], [None]]
    alone = snapshot(replace(first, shown=False), again)
    assert [one.pieces for one in shown(alone, PAY)] == [[None]]
    assert "heronshaw" not in told(alone, PAY)
    assert [one.pieces for one in shown(alone)] == [[again.answer]]


def test_lists_of_documents_and_answers_from_nowhere_are_for_who_may_read_as_much() -> None:
    listed = Turn("What documents do you have?", "There are open.md [1] and hr/plan.pdf.", [OPEN], catalogue=True)
    greeted = Turn("Hello", "Hello. Ask me about pay.md!", [], catalogue=False)
    for turn in (listed, greeted):
        (one,) = shown(snapshot(turn))
        assert one.pieces == [None]
        (one,) = shown(snapshot(turn), everything=True)
        assert one.pieces == [turn.answer]
    # A document that was moved since is for its new readers.
    (one,) = shown(snapshot(replace(listed, sources=[PAY])), PAY, everything=True)
    assert one.pieces == [None]


def test_nothing_on_the_page_is_markup_or_leads_elsewhere() -> None:
    nasty = (
        "<script>x</script> ![i](http://e.example/a.png) [a](http://e.example) <http://e.example> [1]\n\n[1]: http://e"
    )
    source = replace(OPEN, document="<b>.md", headings=["<i>"], parts=[("<u>seven</u>", True)])
    page = told(snapshot(Turn("<q>", nasty, [source], catalogue=False)))
    assert not [tag for tag in ("<script", "<img", "<b>", "<i>", "<u>", "<q>", 'href="http') if tag in page]
    assert page.count("href=") == 3 and 'href="#source-1-1"' in page


def test_definitions_at_the_end_name_sources_and_are_left_out() -> None:
    text = 'It is so [1].\n\n[1]: #source-1 "hr/pay.md: Pay"\n[?]: #unsupported "x"'
    assert without_definitions(text) == "It is so [1]."
    assert without_definitions("[1]: is no definition [1].") == "[1]: is no definition [1]."


words = st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon", "the", "is", "İzmir", "77"])
texts = st.lists(words, min_size=1, max_size=6).map(" ".join)


@st.composite
def sources(draw: st.DrawFn) -> list[tuple[str, bool]]:
    return draw(st.lists(st.tuples(texts, st.booleans()), min_size=1, max_size=4))


@given(
    st.lists(
        st.tuples(
            sources(), st.lists(st.tuples(texts, st.lists(st.integers(1, 4), max_size=2)), max_size=4), st.booleans()
        ),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_was_answered_no_word_is_told_that_the_reader_could_not_have(
    drawn: list[tuple[list[tuple[str, bool]], list[tuple[str, list[int]]], bool]],
) -> None:
    """A model writes down, with whatever citations, words of all that it was given."""
    given: list[Turn] = []
    hidden: set[str] = set()
    known = {"the", "is"}
    for listed, said, is_shown in drawn:
        made = [
            Source(n, f"{len(given)}{n}", f"{n}.md", None, [], "", True, [(text, True)], ["a" if open_to else "b"])
            for n, (text, open_to) in enumerate(listed, 1)
        ]
        for text, open_to in listed:
            (known if open_to else hidden).update(text.split())
        # What it says comes from what it was given, now or before.
        heard = known | hidden
        lines = [(" ".join(word for word in text.split() if word in heard), numbers) for text, numbers in said]
        answer = "\n\n".join(f"{text} {''.join(f'[{n}]' for n in numbers)}." for text, numbers in lines)
        given.append(Turn("", answer, made, catalogue=False, shown=is_shown))
    for one in seen(snapshot(*given), lambda source: source.labels == ["a"], everything=False):
        for piece in one.pieces:
            assert not [word for word in hidden - known if piece is not None and word in piece.split()]

"""A stop sequence is found wherever the stream happens to be cut, and never shown in part."""

from hypothesis import given
from hypothesis import strategies as st

from hybrid.runtimes.stopping import Stopper

short = st.text(alphabet="ab\n", max_size=12)


def expected(whole: str, stops: list[str]) -> tuple[str, bool]:
    """What may be shown of a text, found letter by letter; and whether it was stopped."""
    for end in range(len(whole) + 1):
        ending = [stop for stop in stops if stop and whole[:end].endswith(stop)]
        if ending:
            return whole[: end - max(map(len, ending))], True
    return whole, False


@given(pieces=st.lists(short, max_size=8), stops=st.lists(short, max_size=4))
def test_the_shown_text_is_what_stands_before_the_first_stop(pieces: list[str], stops: list[str]) -> None:
    stopper = Stopper(stops)
    whole, shown = "".join(pieces), ""
    before, stopped = expected(whole, stops)
    for piece in pieces:
        shown += stopper.feed(piece)
        assert before.startswith(shown)
    assert (shown + stopper.flush(), stopper.stopped) == (before, stopped)


@given(pieces=st.lists(short, min_size=1, max_size=8), stop=short.filter(bool))
def test_no_more_is_held_back_than_could_become_a_stop(pieces: list[str], stop: str) -> None:
    stopper = Stopper([stop])
    shown = "".join(stopper.feed(piece) for piece in pieces)
    held = "".join(pieces)[len(shown) :]
    assert stopper.stopped or (stop.startswith(held) and held != stop)


@given(pieces=st.lists(short, max_size=8))
def test_without_stops_nothing_is_held_back(pieces: list[str]) -> None:
    stopper = Stopper(("",))
    assert [stopper.feed(piece) for piece in pieces] == pieces

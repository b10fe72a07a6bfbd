"""A stop sequence is found wherever the stream happens to be cut, and never shown in part."""

from hypothesis import given
from hypothesis import strategies as st

from tandem.api.stopping import Stopper

short = st.text(alphabet="ab\n", max_size=12)


@given(pieces=st.lists(short, max_size=8), stops=st.lists(short.filter(bool), max_size=4))
def test_the_shown_text_is_what_stands_before_the_first_stop(pieces: list[str], stops: list[str]) -> None:
    stopper = Stopper(stops)
    shown = ""
    for piece in pieces:
        shown += stopper.feed(piece)
        assert not any(stop in shown for stop in stops)
    shown += stopper.flush()
    whole = "".join(pieces)
    if not any(stop in whole for stop in stops):
        assert shown == whole
        assert not stopper.stopped
    else:
        assert stopper.stopped
        assert whole.startswith(shown)
        assert any(whole[len(shown) :].startswith(stop) for stop in stops)


@given(pieces=st.lists(short, max_size=8))
def test_without_stops_nothing_is_held_back(pieces: list[str]) -> None:
    stopper = Stopper(())
    assert [stopper.feed(piece) for piece in pieces] == pieces

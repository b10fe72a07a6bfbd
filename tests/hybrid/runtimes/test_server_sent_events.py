"""Events out of bytes: whatever the line ends, wherever the network cuts."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.runtimes.server_sent_events import LONGEST, EventParser, ServerEvent

LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=12)


def read(pieces: list[bytes]) -> list[ServerEvent]:
    parser = EventParser()
    found = [event for piece in pieces for event in parser.feed(piece)]
    last = parser.finish()
    return found if last is None else [*found, last]


@given(
    events=st.lists(st.tuples(st.lists(LINE, min_size=1, max_size=3), st.booleans(), LINE), max_size=6),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    space=st.sampled_from(["", " "]),
    bom=st.booleans(),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
def test_what_was_sent_is_what_is_read(
    events: list[tuple[list[str], bool, str]], end: str, space: str, bom: bool, cuts: list[int]
) -> None:
    text = "\ufeff" if bom else ""
    for lines, named, comment in events:
        text += f":{comment}{end}" + (f"event: error{end}" if named else "") + f"id: 7{end}"
        text += "".join(f"data:{space or (' ' if line[:1] == ' ' else '')}{line}{end}" for line in lines) + end
    data = text.encode()
    borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in itertools.pairwise(borders)]
    expected = [ServerEvent("\n".join(lines).encode(), "error" if named else "") for lines, named, _ in events]
    assert read(pieces) == expected


@given(st.binary(max_size=200), st.integers(1, 7))
def test_noise_reads_the_same_however_it_is_cut(noise: bytes, size: int) -> None:
    data = noise.replace(b"q", b"data: ").replace(b"z", b"\r\n").replace(b"y", b"\n")
    assert read([data[at : at + size] for at in range(0, len(data), size)]) == read([data])


def test_the_last_event_needs_no_empty_line() -> None:
    assert read([b"data: a\n\ndata: b"]) == [ServerEvent(b"a"), ServerEvent(b"b")]
    assert read([b": still here\n\n", b"\n"]) == []


def test_an_error_in_a_field_of_its_own() -> None:
    assert read([b'error: {"message": "no"}\n\n']) == [ServerEvent(b'{"message": "no"}', "error")]


def test_an_event_without_an_end_is_refused() -> None:
    parser = EventParser()
    with pytest.raises(ValueError, match="without an end"):
        for _ in range(LONGEST // 500_000 + 2):
            parser.feed(b"x" * 500_000)

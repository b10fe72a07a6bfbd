"""Markers between a prompt's numbering and everybody else's, whole and piece by piece."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hybrid.answering.numbering import Renumbering, inverse, numbers, renumbered
from rag.types import Passage


def passage(name: str) -> Passage:
    return Passage(name, "a.md", name, 0, 1)


def test_each_number_of_the_prompt_is_a_place_in_what_was_found() -> None:
    a, b, c, d = (passage(name) for name in "abcd")
    assert numbers((c, d, a), (a, b, c)) == (3, 0, 1)
    assert inverse((3, 0, 1), 3) == (3, 0, 1)


def test_markers_are_told_in_the_other_numbering_and_nobodys_are_left_out() -> None:
    said = "One [1]. Two [2]. Both [1, 3]. None [9] or [2, 9]. A list[i] and [2026] stay."
    assert renumbered(said, (3, 0, 1)) == "One [3]. Two . Both [3, 1]. None  or . A list[i] and [2026] stay."


def test_of_a_whole_text_nobodys_number_is_left_out_where_the_others_stay() -> None:
    assert renumbered("One [1]. None [9].", (1, 2)) == "One [1]. None ."
    assert renumbered("One [1].", ()) == "One ."


def test_what_looks_like_a_marker_in_code_stays() -> None:
    said = "Take `argv[1]` [1].\n```py\nprint(argv[1])\n```\nA ` alone [1]\nends with its line [1]. ~~~\n[1]\n~~~ [1]"
    wanted = "Take `argv[1]` [3].\n```py\nprint(argv[1])\n```\nA ` alone [1]\nends with its line [3]. ~~~\n[1]\n~~~ [3]"
    assert renumbered(said, (3, 0, 1)) == wanted


@given(
    st.lists(
        st.sampled_from(["`", "```", "~~~", "\n", "[1]", "[2", "]", "[3, 1]", " text ", "[", "[12 ", "【3】", "[x]"]),
        max_size=12,
    ),
    st.data(),
)
def test_piece_by_piece_is_the_same_as_at_once(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    stream = Renumbering((3, 0, 1))
    pieces = [stream.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(pieces) + stream.end() == renumbered(text, (3, 0, 1))


def test_the_same_numbering_holds_nothing_back() -> None:
    assert Renumbering((1, 2)).feed("so [") == "so ["

"""What a model thinks is told from what it says, wherever the text is cut."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.runtimes.reasoning_parser import Splitter


def split(pieces: Sequence[str]) -> tuple[str, str]:
    splitter = Splitter()
    parts = [splitter.push(piece) for piece in pieces] + [splitter.finish()]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


@given(st.data())
@settings(max_examples=100)
def test_channels_do_not_depend_on_where_the_text_is_cut(data: st.DataObject) -> None:
    marks = ["<|channel|>", "final", "analysis", "<|message|>", "<|end|>", "<think>", "</think>", "a < b", "<|", "Hi. "]
    text = "".join(data.draw(st.lists(st.sampled_from(marks), max_size=12)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(pieces) == split([text])


@given(st.text(alphabet="ab<|>/ \n", max_size=40))
def test_ordinary_text_passes_unchanged(text: str) -> None:
    assert split(list(text)) == (text, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>Hm.</think>Yes.", ("Yes.", "Hm.")),
        ("<tool_call>{}</tool_call>Then this.", ("Then this.", "")),
        ("<|start|>assistant<|message|>Plain.<|end|>", ("Plain.", "")),
        ("<|channel|>commentary to=x<|message|>{}<|call|>Fine.", ("Fine.", "{}")),
    ],
)
def test_channels(text: str, expected: tuple[str, str]) -> None:
    assert split([text]) == expected

"""Labels with their values under them, or large figures with their labels: cards of a form, a summary.

Knows by style and place which lines are labels: they are alike, and so are the values below each of them. Does not know
tables nor pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex

from rag.formats.layout import Block, Segment
from rag.formats.page_tables import Table
from rag.formats.slide_cards import labelled

_LONGEST_LABEL, _LONGEST_VALUE = 40, 80
_NEAR = 3.0
_SENTENCE = regex.compile(r"[,;?!]$|\p{L}{4}\.$")  # "Contract no." is no end of one
_FIGURE = regex.compile(r"\p{Nd}")
_FEW, _FEW_BELOW = 2, 3


def with_labels(found: Sequence[Block | Table]) -> Iterator[Block | Table]:
    """The items, where a run of labels over their values is one line for each: "Label: value"."""
    at = 0
    while at < len(found):
        pairs = _pairs(found, at)
        if pairs:
            yield from (_card(label, value) for label, value in pairs)
            at += 2 * len(pairs)
        else:
            yield found[at]
            at += 1


def labels_over(upper: Sequence[Block], lower: Sequence[Block]) -> list[Block]:
    """Two rows as cards, where every block of the upper is a label of one of the lower; else nothing."""
    if len(upper) < _FEW or len(upper) != len(lower):
        return []
    pairs = [(a.segments[0], b.segments[0]) for a, b in zip(upper, lower, strict=True) if _is_card(a, b)]
    if len(pairs) < len(upper) or not _alike(pairs) or pairs[0][0].size == pairs[0][1].size:
        return []
    return [_card(label, value) for label, value in pairs]


def _pairs(found: Sequence[Block | Table], start: int) -> list[tuple[Segment, Segment]]:
    pairs: list[tuple[Segment, Segment]] = []
    at = start
    while at + 1 < len(found):
        label, value = found[at], found[at + 1]
        if not (isinstance(label, Block) and isinstance(value, Block) and _is_card(label, value)):
            break
        pair = (label.segments[0], value.segments[0])
        if not _alike([*pairs[:1], pair]):
            break
        pairs.append(pair)
        at += 2
    smaller = bool(pairs) and pairs[0][0].size < pairs[0][1].size
    beside = any(abs(pair[0].middle - pairs[0][0].middle) < _NEAR for pair in pairs[1:])
    enough = len(pairs) >= (_FEW if beside else _FEW_BELOW)
    return pairs if enough and (smaller or beside) else []


def _is_card(label: Block, value: Block) -> bool:
    """Whether one line stands right above another, at its left edge or middle, and in another style."""
    if len(label.segments) != 1 or len(value.segments) != 1:
        return False
    above, below = label.segments[0], value.segments[0]
    if not 0 < len(above.text) <= _LONGEST_LABEL or len(below.text) > _LONGEST_VALUE:
        return False
    if _SENTENCE.search(above.text) or not any(map(str.isalpha, above.text + below.text)):
        return False
    drop = above.bottom - below.bottom
    middles = abs(above.left + above.right - below.left - below.right) / 2
    near = min(abs(above.left - below.left), middles) < _NEAR and 0 < drop < 2.2 * max(above.size, below.size)
    figure = _FIGURE.search(above.text) and not _FIGURE.search(below.text)
    return near and (above.size, above.bold) != (below.size, below.bold) and (above.size <= below.size or bool(figure))


def _alike(pairs: Sequence[tuple[Segment, Segment]]) -> bool:
    styles = {(a.size, a.bold, b.size, b.bold) for a, b in pairs}
    return len(styles) == 1


def _card(label: Segment, value: Segment) -> Block:
    text = labelled(label.text, value.text)
    return Block(
        (Segment(label.left, value.bottom, max(label.right, value.right), label.top, label.size, False, text),)
    )

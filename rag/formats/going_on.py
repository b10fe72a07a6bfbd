"""Whether a block of a page goes on with the sentence of the block before: beside it, below it, on the next page.

Knows blocks and how sentences end. Does not know pages, nor how they are written.
"""

from __future__ import annotations

import regex

from rag.formats.layout import Block

MIDDLE = regex.compile(r"[\p{L}\p{N},;][\p{Ll}\p{N}]")
"""The end of one line and the beginning of the next, within a sentence."""
_OPEN_END = regex.compile(r"[\p{L}\p{N}),]$")
_MARKED = regex.compile(r"\(?[\p{L}\p{N}]{1,3}[.)]|[-•–*\uf0b7]\s")
_LINE = 40
"""Characters from which on a block is a line of running text."""


def goes_on_beside(block: Block, after: Block) -> bool:
    """Whether `after` is the same paragraph at the head of the next column."""
    last, first = block.segments[-1], after.segments[0]
    same = (last.size, last.bold) == (first.size, first.bold)
    return (
        same and first.left > last.left and first.bottom > last.top and bool(MIDDLE.match(last.text[-1] + first.text))
    )


def goes_on_below(block: Block, after: Block) -> bool:
    """Whether `after`, below `block` or on the next page, begins in the middle of its last sentence: that has no end,
    is a line or nearly, or itself the middle of a sentence, and goes on with a small letter or, where it filled its
    line, with a long piece of a sentence.
    """
    last, first = block.segments[-1], after.segments[0]
    said = after.text
    whole = len(block.text) >= _LINE or block.text[0].islower()
    if abs(last.size - first.size) > last.size * 0.1 or _MARKED.match(said) or not whole:
        return False
    if _OPEN_END.search(block.text) is None:
        return False
    if said[0].islower():
        return True
    full = len(block.segments) > 1 and last.right >= block.right - 2 * last.size
    return full and first.bold == last.bold and len(after.segments) > 1 and said.endswith(".")

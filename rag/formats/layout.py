"""Where text stands on a page: segments become blocks (paragraphs, cells), blocks become rows of a table.

Knows places and sizes in points, with y growing upward, and that segments come in the order in which the page was
written. Does not know the format that they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import regex

_HYPHEN = regex.compile(r"(?<=\p{L})[-\u2010]$")
_LOWER = regex.compile(r"\p{Ll}")
_BULLET = regex.compile(r"^[-*•–▪◦●·]\s+")
_NUMBERED = regex.compile(r"(?:\d{1,3}[.)]|[a-z][.)])\s")
_SENTENCE_END = regex.compile(r"[.!?…:;。]['\"”’»)\]]*$")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a line in one style."""

    left: float
    bottom: float
    right: float
    top: float
    size: float
    bold: bool
    text: str

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2


@dataclass(frozen=True, slots=True)
class Block:
    """Lines under one another in one style: a paragraph, a heading, or a cell of a table."""

    segments: tuple[Segment, ...]

    @property
    def left(self) -> float:
        return min(s.left for s in self.segments)

    @property
    def right(self) -> float:
        return max(s.right for s in self.segments)

    @property
    def text(self) -> str:
        return _join(self.segments)

    def paragraphs(self) -> list[str]:
        """The block's text, cut before list items and after short lines that end a sentence."""
        found: list[list[Segment]] = []
        for before, segment in zip((None, *self.segments), self.segments, strict=False):
            ends = before is not None and bool(_SENTENCE_END.search(before.text))
            short = before is not None and before.right < self.right - (self.right - self.left) * 0.2
            # A line that begins with a number is an item only where a sentence or a line ended before it.
            item = _BULLET.match(segment.text) or ((ends or short) and _NUMBERED.match(segment.text))
            if before is None or (ends and short) or item:
                found.append([])
            found[-1].append(segment)
        return [_BULLET.sub("- ", _join(one), count=1) for one in found]


def _join(segments: Sequence[Segment]) -> str:
    text = ""
    for segment in segments:
        if _HYPHEN.search(text) and _LOWER.match(segment.text):
            text = text[:-1] + segment.text
        else:
            text = f"{text} {segment.text}" if text else segment.text
    return text


def lines(segments: Sequence[Segment]) -> list[Segment]:
    """Segments with those joined that follow one another on a line with no more than a space between them."""
    joined: list[Segment] = []
    for segment in segments:
        last = joined[-1] if joined else None
        # Within a line the style may change; where a line begins a cell or a column, there is a wide gap.
        if last is not None and _beside(last, segment) and -last.size < segment.left - last.right < last.size:
            tight = segment.left - last.right < last.size * 0.12
            joined[-1] = replace(
                last,
                bottom=min(last.bottom, segment.bottom),
                right=max(last.right, segment.right),
                top=max(last.top, segment.top),
                size=max(last.size, segment.size),
                bold=last.bold and segment.bold,
                text=last.text + ("" if tight else " ") + segment.text,
            )
        else:
            joined.append(segment)
    return joined


def blocks(segments: Sequence[Segment]) -> list[Block]:
    """Lines that follow one another downward in one style, at the pitch of a paragraph, as one block each."""
    found: list[list[Segment]] = []
    for line in lines(segments):
        last = found[-1][-1] if found else None
        if last is not None and _continues(last, line):
            found[-1].append(line)
        else:
            found.append([line])
    return [Block(tuple(one)) for one in found]


def rows(found: Sequence[Block]) -> list[tuple[Block, ...]]:
    """Blocks that follow one another to the right at the same height, as one row each; most rows have one block."""
    grouped: list[list[Block]] = []
    for block in found:
        last = grouped[-1][-1] if grouped else None
        if last is not None and block.left >= last.right - 1 and _level(last, block):
            grouped[-1].append(block)
        else:
            grouped.append([block])
    return [tuple(row) for row in grouped]


def is_table(found: Sequence[tuple[Block, ...]], header: tuple[Block, ...] | None = None) -> bool:
    """Whether rows of several blocks stand in common columns: their own, or those of `header`."""
    widest = header or max(found, key=len)
    if len(found) < 2 and header is None:
        return False
    return all(len(row) <= len(widest) and all(_column(widest, block) is not None for block in row) for row in found)


def table_cells(found: Sequence[tuple[Block, ...]]) -> list[list[str]]:
    """The rows' texts, each in its column; the widest row says where the columns are."""
    widest = max(found, key=len)
    grid: list[list[str]] = []
    for row in found:
        cells = [""] * len(widest)
        for block in row:
            at = _column(widest, block) or 0
            cells[at] = f"{cells[at]} {block.text}".strip()
        grid.append(cells)
    return grid


def _column(columns: Sequence[Block], block: Block) -> int | None:
    shares = [min(c.right, block.right) - max(c.left, block.left) for c in columns]
    best = max(range(len(columns)), key=lambda at: shares[at])
    return best if shares[best] > -block.segments[0].size * 2 else None


def _beside(one: Segment, other: Segment) -> bool:
    return other.bottom <= one.middle <= other.top or one.bottom <= other.middle <= one.top


def _continues(above: Segment, below: Segment) -> bool:
    """Whether `below` is the next line of the paragraph or cell in which `above` is the last."""
    size = above.size
    drop = above.bottom - below.bottom
    overlaps = min(above.right, below.right) - max(above.left, below.left) > 0
    same = below.size == size and below.bold == above.bold
    indented = abs(below.left - above.left) < size * 3
    return same and overlaps and indented and size * 0.5 < drop < size * 1.75


def _level(one: Block, other: Block) -> bool:
    top, bottom = max(s.top for s in one.segments), min(s.bottom for s in one.segments)
    return min(top, max(s.top for s in other.segments)) - max(bottom, min(s.bottom for s in other.segments)) > 0

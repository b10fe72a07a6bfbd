"""Where text stands on a page: words become lines, lines become blocks (paragraphs, cells), blocks become rows.

Knows places and sizes in points, with y growing upward, that words come in the order in which the page was written, and
columns of text side by side. Does not know the format that they come from, nor what makes rows a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import regex

from rag.text import sentences

_HYPHEN = regex.compile(r"(?<=\p{L}\p{M}*|\p{N})[-\u2010]$")
_AND = regex.compile(r"(?:and|or|to|und|oder|bis|et|ou|y|o|e|ve|veya|ile)\b|[^\p{L}\p{N}]")
LEFTWARD = regex.compile(r"[\p{Bidi_Class:R}\p{Bidi_Class:AL}]")
"""A letter of a script that is written from right to left."""
_LOWER = regex.compile(r"\p{Ll}")
_ORDINAL = regex.compile(r"\s\d{1,2}\.$")
_BULLET = regex.compile(r"^(?:[-*•–▪◦●·\uf0b7\uf0a7]|o(?=\s+\p{Lu}))\s+")
_NUMBERED = regex.compile(r"\(?(?:\d{1,3}|\p{Ll})[.)]\s|\(?(?:(\p{Ll})\1|[ivx]{2,4})\)\s|\(\d{1,3}\)\p{Lu}")
_MARK = regex.compile(r"(?:\d{1,3}|\p{L}|[ivxl]{2,5})[.)]|\(\w{1,3}\)|[-*•▪◦●·–‣]")
_MOST_MARKS = 500
_LONG = 18
_FEW_LINES, _MANY_LINES = 4, 8


Place = tuple[float, float, float, float]
"""Left, bottom, right, top."""
Frame = Callable[[float, float, float, float], Place]
"""How a place in a page's own space lies in the page as it is shown."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A word or a piece of a line. `begins` says that the page's own order begins a line with it."""

    left: float
    bottom: float
    right: float
    top: float
    size: float
    bold: bool
    text: str
    begins: bool = True

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
        return joined(self.segments)

    def paragraphs(self) -> list[str]:
        """The block's text, cut before list items and after short lines that end a sentence."""
        found: list[list[Segment]] = []
        for before, segment in zip((None, *self.segments), self.segments, strict=False):
            ends = before is not None and bool(sentences.PAUSE.search(before.text))
            short = before is not None and before.right < self.right - (self.right - self.left) * 0.2
            # A line that begins with a number is an item only where a sentence, a line or an item ended before it.
            pauses = ends or short or (before is not None and before.text.endswith((",", "،")))
            item = _BULLET.match(segment.text) or (pauses and _NUMBERED.match(segment.text))
            # "5." at the end of a line and "week" below it: the number of something, not the end of a sentence.
            ordinal = before is not None and _ORDINAL.search(before.text) and _LOWER.match(segment.text)
            if before is None or (ends and short and not ordinal) or item:
                found.append([])
            found[-1].append(segment)
        return [_BULLET.sub("- ", joined(one), count=1) for one in found]


def joined(segments: Iterable[Segment]) -> str:
    """The texts one after the other, words that a line end divides made whole."""
    text = ""
    for segment in segments:
        if _HYPHEN.search(text) and not _AND.match(segment.text):
            # A word is made whole; a number or a name goes on after its hyphen.
            text = (text[:-1] if _LOWER.match(segment.text) else text) + segment.text
        else:
            text = f"{text} {segment.text}" if text else segment.text
    return text


def in_lines(words: Sequence[Segment]) -> list[Segment]:
    """The words in the page's order; line by line where that order jumps about, so that few words are followed by the
    one beside them.
    """
    follows = sum(_next_to(before, word) for before, word in pairwise(words))
    if len(words) < _FEW_LINES or follows * 3 > len(words):
        return list(words)
    rows: list[list[Segment]] = []
    for word in sorted(words, key=lambda word: -word.middle):
        if rows and rows[-1][0].middle - word.middle < max(rows[-1][0].size, word.size) * 0.4:
            rows[-1].append(word)
        else:
            rows.append([word])
    for row in rows:
        row.sort(key=lambda word: word.left)
    placed = [replace(word, begins=not at) for row in rows for at, word in enumerate(row)]
    # Cells of one word each are followed by no other wherever they stand: their order stays.
    return placed if sum(_next_to(before, word) for before, word in pairwise(placed)) > 2 * follows + 2 else list(words)


def with_marks(words: Sequence[Segment]) -> list[Segment]:
    """The words, with the numbers and dots of a list each before the line that it marks, where the page was written
    with all of them at once.
    """
    apart = [
        at
        for at, word in enumerate(words)
        if len(word.text) <= 6
        and _MARK.fullmatch(word.text)
        and not (at + 1 < len(words) and _marks(word, words[at + 1]))
    ][:_MOST_MARKS]
    marked: dict[int, Segment] = {}
    for at in apart:
        beside = [(w.left, other) for other, w in enumerate(words) if other != at and _marks(words[at], w)]
        if beside and (first := min(beside)[1]) not in marked and words[first].begins:
            marked[first] = words[at]
    moved = {id(mark) for mark in marked.values()}
    found: list[Segment] = []
    for at, word in enumerate(words):
        if at in marked:
            found += (marked[at], replace(word, begins=False))
        elif id(word) not in moved:
            found.append(word)
    return found


def _marks(mark: Segment, word: Segment) -> bool:
    """Whether a mark stands before a word on its line."""
    return abs(mark.middle - word.middle) < mark.size * 0.4 and -1 < word.left - mark.right < mark.size * 3


def _next_to(before: Segment, word: Segment) -> bool:
    gap = max(word.left - before.right, before.left - word.right)  # scripts run both ways
    return abs(before.middle - word.middle) < word.size * 0.4 and -word.size * 0.5 < gap < word.size


def lines(words: Sequence[Segment]) -> list[Segment]:
    """Words with those joined that follow one another on a line, as pieces with wide gaps between them."""
    found: list[list[Segment]] = []
    line: list[Segment] = []
    any_leftward = False
    for word in words:
        leftward = bool(LEFTWARD.search(word.text)) or any_leftward
        back = bool(line) and word.left - line[-1].right < -line[-1].size * 0.5
        if line and (not _beside(line[-1], word) or (back and not leftward)):
            found.append(_pieces(line))
            line = []
            leftward = bool(LEFTWARD.search(word.text))
        any_leftward = leftward
        line.append(word)
    return [piece for pieces in _made_whole([*found, _pieces(line)]) for piece in pieces]


def _made_whole(found: list[list[Segment]]) -> list[list[Segment]]:
    """The lines, with those in one piece again that were cut at the wide gaps of justified text: they fill the width
    of the line above or below, whose gaps lie elsewhere, where a table's lie under one another.
    """
    whole = list(found)
    for (at, line), (below, other) in pairwise(enumerate(found)):
        if (len(line) > 1 or len(other) > 1) and _justified(line, other):
            whole[at] = [piece_of(line)]
            whole[below] = [piece_of(other)]
    return whole


def _justified(line: Sequence[Segment], other: Sequence[Segment]) -> bool:
    size = line[0].size
    same = abs(line[0].left - other[0].left) < 1 and abs(line[-1].right - other[-1].right) < 1
    if not same or abs(line[0].middle - other[0].middle) > size * 2:
        return False
    gaps = [(a.right, b.left) for a, b in pairwise(line)]
    others = [(a.right, b.left) for a, b in pairwise(other)]
    narrow = all(right - left < size * 3 for left, right in (*gaps, *others))
    columns = len(gaps) == len(others) and all(
        min(a[1], b[1]) - max(a[0], b[0]) > 1 for a, b in zip(gaps, others, strict=True)
    )
    said = sum(piece.text.count(" ") + 1 for piece in (*line, *other)) > 4
    return narrow and not columns and said and all(piece.size == size for piece in (*line, *other))


def _pieces(line: list[Segment]) -> list[Segment]:
    """A line cut where a cell or a column begins: at gaps wider than a letter is high, and than this line's usual."""
    if not line:
        return []
    if any(LEFTWARD.search(word.text) for word in line):
        return [piece_of(words) for words in _runs(line)]
    gaps = sorted(word.left - before.right for before, word in pairwise(line))
    usual = gaps[len(gaps) // 4] if len(gaps) >= 4 else 0.0
    pieces = [[line[0]]]
    for before, word in pairwise(line):
        if word.left - before.right > max(before.size, usual * 1.8):
            pieces.append([])
        pieces[-1].append(word)
    return [piece_of(words) for words in pieces]


def _runs(line: Sequence[Segment]) -> list[list[Segment]]:
    """The words of a line, some of them right-to-left, in their own order, parted where wide gaps are."""
    by_place = sorted(line, key=lambda word: word.left)
    group_of = {id(by_place[0]): 0}
    for before, word in pairwise(by_place):
        wide = word.left - before.right > max(before.size, word.size)
        group_of[id(word)] = group_of[id(before)] + wide
    runs: dict[int, list[Segment]] = {}
    for word in line:
        runs.setdefault(group_of[id(word)], []).append(word)
    return list(runs.values())


def piece_of(words: Sequence[Segment]) -> Segment:
    """Words that stand side by side as one piece; bold where most of its letters are."""
    if len(words) == 1:
        return words[0]
    heavy = sum(len(w.text) for w in words if w.bold) * 2 > sum(len(w.text) for w in words)
    return Segment(
        min(w.left for w in words), min(w.bottom for w in words), max(w.right for w in words),
        max(w.top for w in words), max(w.size for w in words), heavy, " ".join(w.text for w in words), words[0].begins,
    )  # fmt: skip


def in_columns(found: Sequence[Segment]) -> list[Segment]:
    """Lines of a page of two or three columns, each column read to its end, where the page was written across them.

    What spans columns divides them: the columns above it are read first. Where nothing was written across, the order
    stays.
    """
    edges = _column_edges(found)
    if len(edges) < 2 or _crossings(found, edges) < 2:
        return list(found)
    bands: list[list[Segment]] = [[]]
    for piece in sorted(found, key=lambda s: -s.middle):
        spans = any(piece.left < edge - 2 and piece.right > edge + 2 for edge in edges[1:])
        if spans and bands[-1]:
            bands.append([])
        bands[-1].append(piece)
        if spans:
            bands.append([])
    place = {id(piece): at for at, piece in enumerate(found)}
    ordered: list[Segment] = []
    for band in bands:
        for column in range(len(edges)):
            ordered += [s for s in band if _column_of(s, edges) == column]
    return ordered if len(ordered) == len(place) else list(found)


def _column_edges(found: Sequence[Segment]) -> list[float]:
    """Where columns of running text begin: many long lines begin there, and none from the left reaches across."""
    long = [s for s in found if len(s.text) >= _LONG]
    edges: list[float] = []
    for left in sorted({round(s.left) for s in long}):
        own = [s for s in found if abs(s.left - left) <= 4]
        if not _runs_on(own) or (edges and left - edges[-1] < 60):
            continue
        low, high = min(s.bottom for s in own), max(s.top for s in own)
        beside = [s for s in long if s.left < left - 4 and low <= s.middle <= high]
        crossing = sum(s.right > left - 2 for s in beside)
        if edges and (len(beside) < _FEW_LINES - 1 or crossing > len(beside) * 0.15):
            continue
        edges.append(float(left))
    return edges


def _runs_on(own: Sequence[Segment]) -> bool:
    """Whether lines under one another are running text: they fill their column, where a table's cells end anywhere;
    and where they are few, many begin in the middle of a sentence.
    """
    long = [s for s in own if len(s.text) >= _LONG]
    if len(own) < _FEW_LINES or len(long) < _FEW_LINES - 1:
        return False
    width = max(s.right - s.left for s in own)
    full = sum(s.right - s.left > width * 0.75 for s in own) >= len(own) * 0.55
    return full and (len(long) >= _MANY_LINES or sum(bool(_LOWER.match(s.text)) for s in own) >= len(own) * 0.4)


def _column_of(piece: Segment, edges: Sequence[float]) -> int:
    return max(0, sum(piece.left >= edge - 4 for edge in edges) - 1)


def _crossings(found: Sequence[Segment], edges: Sequence[float]) -> int:
    """How often the page's order goes from one column to the next on the same level."""
    return sum(
        _column_of(a, edges) < _column_of(b, edges) and _beside(a, b) and max(len(a.text), len(b.text)) >= _LONG
        for a, b in pairwise(found)
    )


def blocks(segments: Iterable[Segment]) -> list[Block]:
    """Lines that follow one another downward in one style, at the pitch of a paragraph, as one block each."""
    found: list[list[Segment]] = []
    for line in segments:
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


def _beside(one: Segment, other: Segment) -> bool:
    return other.bottom <= one.middle <= other.top or one.bottom <= other.middle <= one.top


def _continues(above: Segment, below: Segment) -> bool:
    """Whether `below` is the next line of the paragraph or cell in which `above` is the last."""
    size = above.size
    drop = above.bottom - below.bottom
    overlaps = min(above.right, below.right) - max(above.left, below.left) > 0
    same = below.size == size and below.bold == above.bold
    indented = abs(below.left - above.left) < size * 3
    # Letters and rules begin a paragraph an inch in: that line is full and its sentence goes on below it.
    first = (
        0 < above.left - below.left < size * 6
        and above.right > below.right - size * 2
        and not sentences.PAUSE.search(above.text)
    )
    return same and overlaps and (indented or first) and size * 0.5 < drop < size * 1.75


def _level(one: Block, other: Block) -> bool:
    top, bottom = max(s.top for s in one.segments), min(s.bottom for s in one.segments)
    return min(top, max(s.top for s in other.segments)) - max(bottom, min(s.bottom for s in other.segments)) > 0

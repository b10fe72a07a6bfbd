"""Words that do not run from left to right: text that stands on end, and pages of right-to-left scripts.

Knows places in the page's frame (points, y growing upward). Does not know the format that they come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import regex

from rag.formats.layout import LEFTWARD, Segment

_LETTER = regex.compile(r"\p{L}")
_SOME, _MOST = 8, 0.7
_UPWARD, _DOWNWARD, _OVER, SLANTED = 90, 270, 180, 45


def turn_of(across: float, up: float, rotation: int) -> int:
    """By how many degrees a line of the direction (`across`, `up`) stands turned to the left on a page shown with this
    `rotation`: 0, 90, 180 or 270; slanted lines count as level ones.
    """
    for _ in range(rotation // 90 % 4):
        across, up = up, -across
    if abs(up) > 4 * abs(across):
        return _UPWARD if up > 0 else _DOWNWARD
    if abs(across) > 4 * abs(up):
        return 0 if across > 0 else _OVER
    return SLANTED if across or up else 0


def mostly_turned(words: Sequence[tuple[Segment, int]]) -> int:
    """By how many degrees a page is to be turned to the right to make most of its words level; 0 where they are."""
    counts = Counter(turn for _, turn in words)
    turn, count = counts.most_common(1)[0] if counts else (0, 0)
    return turn if turn in (_UPWARD, _OVER, _DOWNWARD) and count >= max(_SOME, len(words) * _MOST) else 0


def without_slanted(words: Sequence[tuple[Segment, int]]) -> tuple[list[tuple[Segment, int]], list[str]]:
    """The words without those that lie across the page, as watermarks do, and these line by line. Where most words are
    slanted, the page itself lies askew, and they count as level.
    """
    if sum(turn == SLANTED for _, turn in words) * 2 > len(words):
        return [(word, 0 if turn == SLANTED else turn) for word, turn in words], []
    across: list[str] = []
    for word, turn in words:
        if turn == SLANTED:
            if word.begins or not across:
                across.append(word.text)
            else:
                across[-1] += f" {word.text}"
    return [(word, turn) for word, turn in words if turn != SLANTED], across


def levelled(words: Sequence[tuple[Segment, int]]) -> list[Segment]:
    """The words with each turned line as one level piece that stands where the line begins."""
    found: list[Segment] = []
    line: list[tuple[Segment, int]] = []
    for word, turn in words:
        if line and not (line[-1][1] == turn and turn and _follows(line[-1][0], word, turn)):
            found.append(_piece(line))
            line = []
        if turn:
            line.append((word, turn))
        else:
            found.append(word)
    if line:
        found.append(_piece(line))
    return found


def _follows(last: Segment, word: Segment, turn: int) -> bool:
    if turn == _OVER:
        beside, gap = abs(last.middle - word.middle), last.left - word.right
    else:
        beside = abs(last.left + last.right - word.left - word.right) / 2
        gap = word.bottom - last.top if turn == _UPWARD else last.bottom - word.top
    return beside < last.size * 0.6 and -last.size * 0.5 < gap < last.size * 1.5


def _piece(line: Sequence[tuple[Segment, int]]) -> Segment:
    (first, turn), text = line[0], " ".join(word.text for word, _ in line)
    if turn == _OVER:
        return replace(first, left=line[-1][0].left, text=text, begins=True)
    bottom = first.bottom if turn == _UPWARD else first.top - first.size * 1.2
    return replace(first, bottom=bottom, top=bottom + first.size * 1.2, text=text, begins=True)


def reads_leftward(words: Sequence[Segment]) -> bool:
    """Whether most words of a page are of a script that is written from right to left."""
    lettered = [word for word in words if _LETTER.search(word.text)]
    return sum(bool(LEFTWARD.search(word.text)) for word in lettered) * 2 > len(lettered)


def mirrored(place: tuple[float, float, float, float], width: float) -> tuple[float, float, float, float]:
    """A place as it lies in the mirrored page, in which a right-to-left script runs from left to right."""
    return width - place[2], place[1], width - place[0], place[3]

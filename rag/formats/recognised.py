"""A picture as a page of words: lines that were read are set straight and put in reading order.

Knows places and skew. Does not know which program read the picture, nor files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import regex

from rag.formats.extracted import clean, one_line
from rag.formats.layout import Segment

if TYPE_CHECKING:
    from PIL.Image import Image

_LEAST_CONFIDENCE = 0.5
_SURE = 0.8
_DOUBTFUL = 0.4
_FEW_LINES = 2
_STEP = 1.18
_WORD = regex.compile(r"[\p{L}\p{N}]")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or a piece of one, in a picture: its four corners in pixels (y growing downward), clockwise from the
    upper left, and how sure the reader is, in [0, 1].
    """

    text: str
    confidence: float
    corners: tuple[tuple[float, float], ...]


class Recogniser(Protocol):
    """Reads pictures. One caller at a time."""

    def read(self, image: Image) -> Sequence[Line]:
        """The lines of a picture in RGB, in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in a picture: pieces of lines in reading order, how sure the reader is of them, in [0, 1], and how
    wide and high the picture is, held upright."""

    words: tuple[Segment, ...]
    confidence: float
    width: float = 0.0
    height: float = 0.0


def read_picture(image: Image, recogniser: Recogniser, width: float, height: float) -> Reading:
    """Read a picture that is shown `width` by `height` points large; one that lies on a side or its head is turned."""
    low, high = image.convert("L").getextrema()
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)) or high - low < 16:
        return Reading((), 0.0, width, height)  # an empty page
    every = recogniser.read(image)
    # Lines that stand on end are read as well as level ones; which way up the picture is, level ones say.
    for degrees in (90, 270) if _on_end(every) else (180,) if _doubtful(every) else ():
        turned = image.rotate(degrees, expand=True)
        other = recogniser.read(turned)
        if not _doubtful(other):
            every, image = other, turned
            if degrees != 180:
                width, height = height, width
            break
    found = [line for line in every if line.confidence >= _LEAST_CONFIDENCE and _WORD.search(line.text)]
    letters = sum(len(line.text) for line in found)
    sure = sum(line.confidence * len(line.text) for line in found) / letters if letters else 0.0
    return Reading(tuple(_in_order(_pieces(found, width / image.width, height))), sure, width, height)


def _on_end(found: Sequence[Line]) -> bool:
    """Whether most lines stand on end: the picture lies on a side."""
    sides = [(line.corners[2][0] - line.corners[0][0], line.corners[2][1] - line.corners[0][1]) for line in found]
    return len(found) >= _FEW_LINES and sum(abs(up) > 1.5 * abs(across) for across, up in sides) * 2 > len(found)


def _doubtful(found: Sequence[Line]) -> bool:
    """Whether next to nothing is surely read."""
    letters = sum(len(line.text) for line in found)
    return len(found) >= _FEW_LINES and _worth(found) < _DOUBTFUL * letters


def _worth(found: Sequence[Line]) -> float:
    """How many letters are surely read."""
    return sum(len(line.text) for line in found if line.confidence >= _SURE)


def _pieces(found: Sequence[Line], scale: float, height: float) -> list[Segment]:
    """The lines as pieces in points, y growing upward, turned by the angle at which most of them stand."""
    tilt = _tilt(found)
    cos, sin = math.cos(-tilt), math.sin(-tilt)
    boxes: list[tuple[float, float, float, float, str]] = []
    for line in found:
        points = [(x * cos - y * sin, x * sin + y * cos) for x, y in line.corners]
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points[:4]
        # The middle of the left and of the right side, and the height between the long sides.
        middle = (y0 + y1 + y2 + y3) / 4
        tall = (math.hypot(x3 - x0, y3 - y0) + math.hypot(x2 - x1, y2 - y1)) / 2
        boxes.append(((x0 + x3) / 2, (x1 + x2) / 2, middle, tall, one_line(clean(line.text))))
    heights = sorted(box[3] for box in boxes)
    usual = heights[len(heights) // 2] if heights else 1.0
    pieces: list[Segment] = []
    for left, right, middle, tall, text in boxes:
        # A box is a little taller or lower by its letters: only clear differences are other sizes.
        steps = round(math.log(max(tall, 1.0) / usual, _STEP * _STEP))
        size = max(1.0, usual * _STEP ** (2 * steps) * scale * 0.8)
        y = height - middle * scale
        pieces.append(
            Segment(left * scale, y - size * 0.55, right * scale, y + size * 0.55, round(size * 2) / 2, False, text)
        )
    return pieces


def _tilt(found: Sequence[Line]) -> float:
    """The angle, in radians, at which the long lines stand."""
    angles = sorted(
        math.atan2(line.corners[1][1] - line.corners[0][1], line.corners[1][0] - line.corners[0][0])
        for line in found
        if len(line.text) >= 8
    )
    middle = angles[len(angles) // 2] if angles else 0.0
    return middle if abs(middle) < math.radians(20) else 0.0


def _in_order(pieces: Sequence[Segment]) -> list[Segment]:
    """From the top down, and from the left where pieces stand on one line."""
    rows: list[list[Segment]] = []
    for piece in sorted(pieces, key=lambda s: -s.middle):
        if rows and abs(rows[-1][0].middle - piece.middle) < min(rows[-1][0].size, piece.size) * 0.5:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [piece for row in rows for piece in sorted(row, key=lambda s: s.left)]

"""Text boxes of a slide that stand over one another, side by side with others: a label with what belongs to it.

Knows places of shapes. Does not know what else a slide holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from rag.formats.package import attribute, local

_LONGEST = 60
_NEAR = 91_440
"""A tenth of an inch, in the units of slides."""


@dataclass(frozen=True, slots=True)
class Box:
    """A text box: the shape, its words on one line, where it stands."""

    shape: etree._Element
    text: str
    left: int
    top: int
    width: int
    height: int

    def stands_over(self, other: Box) -> bool:
        """Whether `other` begins right below this box, at its left edge or about its middle."""
        middle, below = self.left + self.width / 2, other.left + other.width / 2
        in_line = abs(self.left - other.left) < _NEAR or abs(middle - below) < _NEAR
        return in_line and self.height * 0.4 < other.top - self.top < self.height * 1.8


def box_of(shape: etree._Element, texts: Sequence[str]) -> Box | None:
    """The shape as a box, where it holds one short line and says where it stands."""
    if len(texts) != 1 or len(texts[0]) > _LONGEST:
        return None
    frame = next((one for one in shape.iter() if local(one) == "xfrm"), None)
    sides = {local(one): one for one in frame} if frame is not None else {}
    if "off" not in sides or "ext" not in sides:
        return None
    values = [attribute(sides[one], name) for one, name in (("off", "x"), ("off", "y"), ("ext", "cx"), ("ext", "cy"))]
    if not all(value.lstrip("-").isdecimal() and len(value) < 12 for value in values):
        return None
    return Box(shape, texts[0], *map(int, values))


def cards(boxes: Sequence[Box]) -> dict[etree._Element, str]:
    """What is written in place of shapes: "label: value" for the upper box of a card, nothing for the lower. Only where
    two cards or more stand side by side, and no box could belong to two of them.
    """
    over = [(upper, lower) for upper in boxes for lower in boxes if upper is not lower and upper.stands_over(lower)]
    used = [box.shape for pair in over for box in pair]
    single = [pair for pair in over if all(used.count(box.shape) == 1 for box in pair)]
    found: dict[etree._Element, str] = {}
    for upper, lower in single:
        beside = [
            (a, b)
            for a, b in single
            if a is not upper and abs(a.top - upper.top) < _NEAR and abs(b.top - lower.top) < _NEAR
        ]
        if beside:
            found[upper.shape] = labelled(upper.text, lower.text)
            found[lower.shape] = ""
    return found


def labelled(upper: str, lower: str) -> str:
    """A label and its value on one line; a figure that stands over its label comes after it."""
    if any(map(str.isdecimal, upper)) and not any(map(str.isdecimal, lower)):
        upper, lower = lower, upper
    return f"{upper.rstrip(' :')}: {lower}"

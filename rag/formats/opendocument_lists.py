"""The numbers of lists in open documents: "2.", "b)", "2.1.1".

Knows list styles, where a list goes on from an earlier one, and which levels a number shows. Does not know what the
items hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from rag.formats.drawing import letters, roman
from rag.formats.package import attribute, local

_MOST_LEVELS = 10


@dataclass(frozen=True, slots=True)
class _Level:
    """How one level of a style is marked; `shown` levels stand in its number, this one the last."""

    kind: str = "-"
    before: str = ""
    after: str = ""
    start: int = 1
    shown: int = 1


class Numbering:
    """Counts the items of a document's lists."""

    def __init__(self) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._counts: dict[tuple[str, int], int] = {}

    def read(self, style: etree._Element) -> None:
        """Take in a list style."""
        levels = self._levels.setdefault(attribute(style, "name"), {})
        for level in style:
            at = attribute(level, "level")
            if not at.isdecimal():
                continue
            if local(level) != "list-level-style-number":
                levels[int(at)] = _Level()
                continue
            kind, before, after = (attribute(level, name) for name in ("num-format", "num-prefix", "num-suffix"))
            start, shown = _number(level, "start-value"), _number(level, "display-levels")
            levels[int(at)] = _Level(kind, before, after, start, shown)

    def begin(self, listed: etree._Element, style: str, level: int, continues: bool) -> bool:
        """A list begins; `continues` says that it is all that its item holds, in a list that goes on. Returns whether
        it goes on from an earlier one.
        """
        if attribute(listed, "continue-numbering") == "true" or attribute(listed, "continue-list") or continues:
            return True
        for key in [key for key in self._counts if key == (style, level) or key[1] > level]:
            del self._counts[key]
        return False

    def mark(self, item: etree._Element, style: str, level: int) -> str:
        """What stands before an item, which is counted; "-" where that is a sign."""
        own = self._level(style, level)
        start = attribute(item, "start-value")
        count = self._counts.get((style, level), own.start - 1) + 1
        self._counts[style, level] = int(start) if start.isdecimal() and len(start) < 9 else count
        for key in [key for key in self._counts if key[1] > level]:
            del self._counts[key]
        if own.kind == "-":
            return "-"
        numbers = [
            _as(self._counts.get((style, at), self._level(style, at).start), self._level(style, at).kind)
            for at in range(max(1, level - min(own.shown, _MOST_LEVELS) + 1), level + 1)
        ]
        return f"{own.before}{'.'.join(filter(None, numbers))}{own.after}".strip()

    def _level(self, style: str, level: int) -> _Level:
        return self._levels.get(style, {}).get(level) or _Level()


def _number(element: etree._Element, name: str) -> int:
    value = attribute(element, name)
    return int(value) if value.isdecimal() and len(value) < 9 else 1


def _as(number: int, kind: str) -> str:
    match kind:
        case "a":
            return letters(number)
        case "A":
            return letters(number).upper()
        case "i":
            return roman(number)
        case "I":
            return roman(number).upper()
        case "" | "-":
            return ""
        case _:
            return str(number)

"""Styles and automatic numbers of Word documents.

Knows style inheritance, outline levels, hidden text and numbering definitions, and counts as Word does. Does not know
what paragraphs say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import regex
from lxml import etree

from rag.formats.drawing import letters, roman
from rag.formats.package import Package, attribute, local

_HEADING = regex.compile(r"(?:heading|başlık|überschrift|titre|título|titolo|kop|rubrik|заголовок)\s*(\d)", regex.I)
_OFF = ("0", "false", "off")
_PLACE = regex.compile(r"%(\d)")
_DEEPEST = 20
_LEVELS = 9


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph is: a heading of `level` (0: none), an item of a list, with a list and level of numbering."""

    level: int = 0
    listed: bool = False
    hidden: bool = False
    list_id: str = ""
    list_level: int = -1


@dataclass(slots=True)
class _Level:
    start: int = 1
    format: str = "decimal"
    text: str = ""
    plain: bool = False
    restart: int = -1


@dataclass(slots=True)
class Styles:
    """The styles and lists of one document, and how far its lists have counted."""

    _styles: dict[str, etree._Element] = field(default_factory=dict)
    _default: str = ""
    _lists: dict[str, tuple[str, dict[int, _Level]]] = field(default_factory=dict)
    _counts: dict[str, list[int]] = field(default_factory=dict)
    _known: dict[str, Style] = field(default_factory=dict)
    _begun: set[tuple[str, int]] = field(default_factory=set)
    _restarts: dict[str, set[int]] = field(default_factory=dict)
    _numbering: list[etree._Element] = field(default_factory=list)

    @classmethod
    def of(cls, package: Package, part: str) -> Styles:
        """The styles that the part of a package refers to; none where they are broken."""
        made = cls()
        for name in package.related(part, "styles"):
            root = package.xml(name)
            for style in root if root is not None else ():
                if local(style) == "style":
                    made._styles[attribute(style, "styleId")] = style
                    if attribute(style, "default") in ("1", "true") and attribute(style, "type") == "paragraph":
                        made._default = attribute(style, "styleId")
        for name in package.related(part, "numbering"):
            if (root := package.xml(name)) is not None:
                made._read_lists(root)
        return made

    def of_paragraph(self, paragraph: etree._Element) -> Style:
        """What a paragraph is, by its own properties and its style's."""
        properties = _child(paragraph, "pPr")
        named = _value(properties, "pStyle") or self._default
        style = self._style(named)
        outline = _value(properties, "outlineLvl")
        if outline.isdecimal():
            level = int(outline) + 2 if int(outline) < _LEVELS else 0
            return Style(level, style.listed, style.hidden, style.list_id, style.list_level)
        return style

    def hidden(self, run: etree._Element) -> bool:
        """Whether a run is set as hidden text."""
        properties = _child(run, "rPr")
        if properties is None:
            return False
        vanish = _child(properties, "vanish")
        if vanish is not None:
            return attribute(vanish, "val") not in _OFF
        named = _value(properties, "rStyle")
        return bool(named) and self._style(named).hidden

    def number(self, paragraph: etree._Element) -> str:
        """The number that stands before a paragraph: "2.", "b)", "-" for a bullet, "" for none. Counts on."""
        properties = _child(paragraph, "pPr")
        own = _child(properties, "numPr") if properties is not None else None
        style = self.of_paragraph(paragraph)
        list_id, level = style.list_id, max(style.list_level, 0)
        if own is not None:
            list_id = _value(own, "numId") or list_id
            at = _value(own, "ilvl")
            level = int(at) if at.isdecimal() else level if style.list_id else 0
        if list_id in ("", "0") or list_id not in self._lists or level >= _LEVELS:
            return ""
        abstract, levels = self._lists[list_id]
        return self._count(list_id, abstract, levels, level)

    def _count(self, list_id: str, abstract: str, levels: dict[int, _Level], level: int) -> str:
        # Lists of one definition count on together, unless one of them says where it starts.
        counts = self._counts.setdefault(abstract, [levels.get(at, _Level()).start - 1 for at in range(_LEVELS)])
        if (list_id, level) not in self._begun:
            self._begun.add((list_id, level))
            if list_id in self._restarts and level in self._restarts[list_id]:
                counts[level] = levels.get(level, _Level()).start - 1
        counts[level] += 1
        for above in range(level):
            if counts[above] < levels.get(above, _Level()).start:
                counts[above] = levels.get(above, _Level()).start
        for deeper in range(level + 1, _LEVELS):
            if levels.get(deeper, _Level()).restart != 0:
                counts[deeper] = levels.get(deeper, _Level()).start - 1
        one = levels.get(level, _Level())
        if one.format == "bullet":
            return "-"
        if one.format == "none" and not _PLACE.sub("", one.text).strip():
            return ""

        def place(found: regex.Match[str]) -> str:
            at = int(found[1]) - 1
            kind = "decimal" if one.plain else levels.get(at, _Level()).format
            return _as(counts[at], kind) if 0 <= at < _LEVELS else ""

        return _PLACE.sub(place, one.text).strip()

    def _style(self, identity: str) -> Style:
        known = self._known.get(identity)
        if known is None:
            known = self._known[identity] = self._resolve(identity)
        return known

    def _resolve(self, identity: str) -> Style:
        level, listed, hidden, list_id, list_level = 0, False, False, "", -1
        outline: int | None = None
        for depth in range(_DEEPEST):
            style = self._styles.get(identity)
            if style is None:
                break
            name = _value(style, "name")
            if found := _HEADING.match(name):
                level = level or int(found[1]) + 1
            elif name.lower() == "title" and depth == 0:
                level = 1
            listed = listed or name.lower().startswith("list")
            properties, run = _child(style, "pPr"), _child(style, "rPr")
            if outline is None and (text := _value(properties, "outlineLvl")).isdecimal():
                outline = int(text)
            numbering = _child(properties, "numPr") if properties is not None else None
            if numbering is not None and not list_id:
                list_id = _value(numbering, "numId")
                at = _value(numbering, "ilvl")
                list_level = int(at) if at.isdecimal() else self._level_of(list_id, identity)
            vanish = _child(run, "vanish") if run is not None else None
            hidden = hidden or (vanish is not None and attribute(vanish, "val") not in _OFF)
            identity = _value(style, "basedOn")
        if not level and outline is not None and outline < _LEVELS:
            level = outline + 2
        return Style(level, listed and not level, hidden, list_id, list_level)

    def _level_of(self, list_id: str, style: str) -> int:
        """The level of a list that says it belongs to a style."""
        for root in self._numbering:
            for level in root.iter():
                if local(level) == "lvl" and _value(level, "pStyle") == style and attribute(level, "ilvl").isdecimal():
                    return int(attribute(level, "ilvl"))
        return 0

    def _read_lists(self, root: etree._Element) -> None:
        self._numbering.append(root)
        abstracts = {attribute(one, "abstractNumId"): one for one in root if local(one) == "abstractNum"}
        linked = {_value(one, "styleLink"): one for one in abstracts.values() if _value(one, "styleLink")}
        for one in root:
            if local(one) != "num":
                continue
            identity, abstract_id = attribute(one, "numId"), _value(one, "abstractNumId")
            abstract = abstracts.get(abstract_id)
            if abstract is not None and (link := _value(abstract, "numStyleLink")) in linked:
                abstract = linked[link]
            levels: dict[int, _Level] = {}
            for level in abstract if abstract is not None else ():
                if local(level) == "lvl" and attribute(level, "ilvl").isdecimal():
                    levels[int(attribute(level, "ilvl"))] = _level(level)
            for override in one:
                if local(override) != "lvlOverride" or not attribute(override, "ilvl").isdecimal():
                    continue
                at = int(attribute(override, "ilvl"))
                if (own := _child(override, "lvl")) is not None:
                    levels[at] = _level(own)
                if (start := _value(override, "startOverride")).isdecimal():
                    levels.setdefault(at, _Level()).start = int(start)
                    self._restarts.setdefault(identity, set()).add(at)
            self._lists[identity] = (abstract_id, levels)


def _level(element: etree._Element) -> _Level:
    start, restart = _value(element, "start"), _value(element, "lvlRestart")
    return _Level(
        int(start) if start.isdecimal() else 0,
        _value(element, "numFmt") or "decimal",
        _value(element, "lvlText"),
        _child(element, "isLgl") is not None,
        int(restart) if restart.isdecimal() else -1,
    )


def _as(number: int, kind: str) -> str:
    match kind:
        case "lowerLetter":
            return letters(number)
        case "upperLetter":
            return letters(number).upper()
        case "lowerRoman":
            return roman(number)
        case "upperRoman":
            return roman(number).upper()
        case "decimalZero":
            return f"{number:02}"
        case "ordinal":
            ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
            return f"{number}{ending}"
        case "none" | "bullet":
            return ""
        case _:
            return str(number)


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    return next((one for one in element if local(one) == name), None) if element is not None else None


def _value(element: etree._Element | None, name: str) -> str:
    child = _child(element, name)
    return attribute(child, "val") if child is not None else ""

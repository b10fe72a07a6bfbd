"""What a passage is made of: sentences, items of lists, rows of tables, code, and what is no content at all.

Knows the marks of plain text, of Markdown as `rag.formats` writes it, and of reStructuredText. Does not know questions:
every unit says where it lies and what it belongs to, so that a list or a table can be quoted whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import regex

from rag.formats.tables import row_cells
from rag.grounding import code_lines
from rag.grounding.drawn_tables import Cells, rows, side_by_side
from rag.grounding.front_matter import is_front_matter, is_setting, links_to_project
from rag.text import sentences
from rag.text.list_marks import ARTICLE, BARE, LED, LETTER, MARK, apart, titles

_RULE = regex.compile(r"[^\S\n]*(?:([=\-~^\"'`#*+_:.])\1{2,}[^\S\n]*)+")
_HASHES = regex.compile(r"#{1,6}\s")
_LABEL, _LABEL_WORDS, _VERSION, _CODE_INDENT = 60, 4, 8, 4
"""Characters and words of a label by itself, and characters of a version, at most; how far in code stands."""
_ASKS = regex.compile(r"[?？؟][\"'”’»)\]*_`]*$")
_DIRECTIVE = regex.compile(r"[^\S\n]*\.\.(?:[^\S\n]+|$)(?:(?P<name>[\w:.+-]+)::)?[^\S\n]*(?P<rest>[^\n]*)")
_FIELD = regex.compile(r"[^\S\n]*:[\w ()*`~.-]+:(?:[^\S\n]|$)")
_NAMES = """note warning tip important hint caution danger attention seealso admonition versionadded versionchanged
deprecated topic sidebar"""
_TEXTUAL = frozenset(_NAMES.split())
_DRAWN = regex.compile(r"[\u2500-\u257f](?:[^\u2500-\u257f]*[\u2500-\u257f]){2}")
TO_FILL_IN = regex.compile(r"_{4}|\.{6}|(?:(?:…|\.{3}) ?/ ?){2}")
"""Where a form is filled in."""
_EMPTY = regex.compile(
    rf"{_DRAWN.pattern}|\|[^\p{{L}}\p{{N}}|]*$|^[/|]\s|"
    r"^(?:Added|Changed|Removed|Deprecated|New) (?:in|since) version [\w.-]+(?:\s[\w:, ]{0,40})?$"
)
"""What tells nothing by itself: a drawing, a form's row in which nothing stands, the end of one, a version."""
_CALL = regex.compile(r"(?:\w+\.)*\w+\([^()\n]*\)")
_SHORT = regex.compile(r"\b(?:vb|vs|vd|etc|bzw|usw|z\. ?B|e\.g|i\.e|Dr|Prof|No|Art|md)\.$")
_WORD = regex.compile(r"[\p{L}\p{N}]{2,}|\p{N}|[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]")
_INTO = regex.compile(
    r"(?:\.\.\.|…|\b(?:as follows|the following|following|below|wie folgt|folgende[nrms]?|"
    r"şunlardır|şöyledir|aşağıda\w*))$",
    regex.I,
)
"""The end of a sentence that leads into the list below it without a colon."""


class Kind(StrEnum):
    """What a unit is. NOISE is no content: a rule, a label, a directive, an option of one."""

    SENTENCE = "sentence"
    ITEM = "item"
    ROW = "row"
    CODE = "code"
    HEADING = "heading"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a passage: `text[start:end]`, without the mark of a list. `group` numbers the paragraph, list, table
    or code that it belongs to; `mark` is an item's own mark ("-", "3."), `depth` how far an item is indented.

    `cells` are a row's (column, cell) pairs; a column without a name is "".
    """

    kind: Kind
    start: int
    end: int
    group: int
    mark: str = ""
    depth: int = 0
    cells: tuple[tuple[str, str], ...] = ()
    question: bool = False
    leads: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    indent: int


@lru_cache(maxsize=1024)
def units(text: str) -> tuple[Unit, ...]:
    """The units of a passage's text, in order. They do not overlap, and none is empty."""
    found: list[Unit] = []
    coded: int | None = None  # the indent of what announced code
    running: int | None = None  # the least indent of what goes on from code that nothing announced
    for group, block in enumerate(_blocks(text), 1):
        if coded is not None and block[0].indent > coded:
            found.append(Unit(Kind.CODE, block[0].start, block[-1].end, group))
            continue
        set_in = all(line.indent >= _CODE_INDENT for line in block)
        goes_on = running is not None and ((set_in and running >= _CODE_INDENT) or _runs_on(text, block, running))
        if goes_on or (set_in and _may_be_code(text, block)):
            found.append(Unit(Kind.CODE, block[0].start, block[-1].end, group))
            running = running or block[0].indent
            continue
        made, announces = _units_of(text, block, group)
        found.extend(made)
        coded = block[0].indent if announces else None
        running = max(1, block[0].indent) if made and made[-1].kind is Kind.CODE else None
    return tuple(_joined(text, _with_first_mark(found)))


def _with_first_mark(found: list[Unit]) -> list[Unit]:
    """The units with the first one an item where the second is the second of a list: its mark is in another passage."""
    lost = len(found) > 1 and found[0].kind is Kind.SENTENCE and found[1].mark in ("2.", "2)")
    first = replace(found[0], kind=Kind.ITEM, mark=f"1{found[1].mark[1]}", depth=found[1].depth) if lost else None
    return [first, *found[1:]] if first else found


def _runs_on(text: str, block: list[_Line], least: int) -> bool:
    """Whether a block below code is more of it: it is as far in, or what the program says."""
    said = [text[line.start : line.end] for line in block]
    other = said[0].startswith(".. ") or MARK.match(said[0]) or code_lines.reads_as_prose(said)
    return not other and (block[0].indent >= least or code_lines.is_output(said))


def _may_be_code(text: str, block: list[_Line]) -> bool:
    """Whether lines that are set in as code is (`rag.formats`) are no sentences, item of a list or drawn table."""
    said = [text[line.start : line.end] for line in block]
    if MARK.match(said[0]):
        return code_lines.is_change(said) or code_lines.is_code([MARK.sub("", one, count=1) for one in said])
    other = _DIRECTIVE.fullmatch(said[0]) or _DRAWN.search(said[0]) or TO_FILL_IN.search(said[0])
    return not other and (not code_lines.reads_as_prose(said) or code_lines.is_code(said))


def _blocks(text: str) -> list[list[_Line]]:
    """Runs of lines without a blank one between."""
    blocks: list[list[_Line]] = []
    start = 0
    open_block = False
    for raw in text.split("\n"):
        end = start + len(raw.rstrip())
        bare = raw.lstrip()
        if bare.strip():
            begin = start + len(raw) - len(bare)
            line = _Line(begin, max(begin, end), len(raw.expandtabs(4)) - len(raw.expandtabs(4).lstrip()))
            if open_block and not _opens_block(text, blocks[-1][-1], bare):
                blocks[-1].append(line)
            else:
                blocks.append([line])
                open_block = True
        else:
            open_block = False
        start += len(raw) + 1
    if blocks and len(blocks[0]) > 1:  # a passage begins without the white space before its first word
        first, dent = blocks[0][0], min(line.indent for line in blocks[0][1:])
        blocks[0][0] = replace(first, indent=max(first.indent, dent))
    return blocks


def _opens_block(text: str, before: _Line, bare: str) -> bool:
    """Whether a line is no part of the block above it: a directive, a note below code."""
    return bare.startswith(".. ") or code_lines.note_below(bare, text[before.start : before.end])


def _units_of(text: str, block: list[_Line], group: int) -> tuple[list[Unit], bool]:
    """The units of one block of lines, and whether it announces code below it."""
    said = [text[line.start : line.end] for line in block]
    if group == 1 and is_front_matter([one for one in said if not _RULE.fullmatch(one)]):
        return [_of_front(line, one, -line.start) for line, one in zip(block, said, strict=True)], False
    if links_to_project(said):
        return [Unit(Kind.NOISE, block[0].start, block[-1].end, group)], False
    if directive := _DIRECTIVE.fullmatch(said[0]):
        return _of_directive(text, block, group, directive)
    if drawn := rows(said, [line.indent for line in block]):
        return _of_table(block, group, drawn), False
    heads: list[Unit] = []
    while len(block) > 1 and _RULE.fullmatch(said[0]):  # a line over a heading, or a rule
        heads.append(Unit(Kind.NOISE, block[0].start, block[0].end, group))
        block, said = block[1:], said[1:]
    if _RULE.fullmatch(said[0]):
        return [*heads, Unit(Kind.NOISE, block[0].start, block[-1].end, group)], False
    if len(block) > 1 and _RULE.fullmatch(said[1]) and not MARK.match(said[0]):
        heads.append(Unit(Kind.HEADING, block[0].start, block[0].end, group))
        heads.append(Unit(Kind.NOISE, block[1].start, block[1].end, group))
        block, said = block[2:], said[2:]
    if said and _HASHES.match(said[0]) and not code_lines.is_sure(said[1:]):
        heads.append(Unit(Kind.HEADING, block[0].start, block[0].end, group))
        block, said = block[1:], said[1:]
    if not block:
        return heads, False
    if all(_FIELD.match(one) or line.indent for one, line in zip(said, block, strict=True)) and _FIELD.match(said[0]):
        return [*heads, Unit(Kind.NOISE, block[0].start, block[-1].end, group)], False
    if code_lines.is_code(said) and not MARK.match(said[0]):
        return [*heads, Unit(Kind.CODE, block[0].start, block[-1].end, group)], False
    body, announces = _of_text(text, block, group)
    return [*heads, *body], announces


def _of_front(line: _Line, said: str, group: int) -> Unit:
    """A line of what stands before a page: its title, what it says, or a setting of whatever shows the page."""
    title = said.startswith("title: ")
    kind = Kind.HEADING if title else Kind.NOISE if is_setting(said) or _RULE.fullmatch(said) else Kind.SENTENCE
    return Unit(kind, line.start + len("title: ") * title, line.end, group)


def _of_directive(text: str, block: list[_Line], group: int, found: regex.Match[str]) -> tuple[list[Unit], bool]:
    name = (found["name"] or "").rsplit(":", 1)[-1]
    first = block[0]
    if not found["name"]:
        return [Unit(Kind.NOISE, first.start, block[-1].end, group)], False
    if "code" in name or name in ("sourcecode", "parsed-literal", "prompt", "console"):
        return [Unit(Kind.NOISE, first.start, block[-1].end, group)], True
    made: list[Unit] = []
    if (found["rest"] and ":" in found["name"]) or name in ("data", "function", "class", "option", "envvar", "confval"):
        rest = first.start + found.start("rest")
        made.append(Unit(Kind.HEADING, rest, first.end, group))
    elif found["rest"] and name in ("admonition", "topic", "sidebar"):
        made.append(Unit(Kind.HEADING, first.start + found.start("rest"), first.end, group))
    elif found["rest"] and name in _TEXTUAL and not name.startswith(("version", "deprecated")):
        made.extend(_sentences(text, first.start + found.start("rest"), first.end, group))
    else:
        made.append(Unit(Kind.NOISE, first.start, first.end, group))
    rest_of = [line for line in block[1:] if not _FIELD.match(text[line.start : line.end])]
    if name in _TEXTUAL and rest_of:
        made.extend(_of_text(text, rest_of, group)[0])
    elif len(block) > 1:
        made.append(Unit(Kind.NOISE, block[1].start, block[-1].end, group))
    return made, False


def _of_table(block: list[_Line], group: int, rows: list[Cells | None]) -> list[Unit]:
    """The rows of a table that is drawn with signs; its borders and the names of its columns are no content."""
    return [
        Unit(Kind.ROW, line.start, line.end, group, cells=cells)
        if cells is not None
        else Unit(Kind.NOISE, line.start, line.end, group)
        for line, cells in zip(block, rows, strict=True)
    ]


def _of_text(text: str, block: list[_Line], group: int) -> tuple[list[Unit], bool]:
    """Sentences and items of a block, and whether its last line ends with `::`."""
    made: list[Unit] = []
    item: tuple[int, int, str, int] | None = None  # start, end, mark, depth
    begin, end = -1, -1
    named = titles([text[line.start : line.end] for line in block])

    def close() -> None:
        nonlocal item, begin
        if item is not None:
            for start, stop, own in apart(text, *item[:3]):
                made.append(Unit(Kind.ITEM, start, stop, group, own, item[3]))
        elif begin >= 0:
            made.extend(_sentences(text, begin, end, group))
        item, begin = None, -1

    for number, line in enumerate(block):
        if number in named:
            close()
            made.append(Unit(Kind.HEADING, line.start, line.end, group))
            continue
        if ARTICLE.match(text, line.start, line.end):
            close()
        mark = MARK.match(text, line.start, line.end)
        lettered = mark is not None and LETTER.match(mark.group().strip()) is not None
        if mark is None and item and line is block[-1] and BARE.fullmatch(text, line.start, line.end):
            continue  # the next item of the list, which the passage has no more
        inside = lettered and item is None and begin >= 0 and not text[:end].endswith((":", ";", ".", "!", "?"))
        if mark and mark.end() < line.end and not inside:
            close()
            if cells := side_by_side(text[line.start : line.end]):
                made.append(Unit(Kind.ROW, line.start, line.end, group, cells=cells))
            else:
                item = (mark.end(), line.end, mark.group().strip(), line.indent)
        elif item is not None:
            item = (item[0], line.end, item[2], item[3])
        else:
            begin = line.start if begin < 0 else begin
        end = line.end
    close()
    return made, text[block[-1].start : block[-1].end].endswith("::")


def _sentences(text: str, start: int, end: int, group: int) -> list[Unit]:
    if led := LED.match(text, start, end):  # the end of a sentence before the first item of a list
        item = Unit(Kind.ITEM, led.end(), end, group, led["mark"])
        return [Unit(Kind.NOISE if text[start].islower() else Kind.SENTENCE, start, led.end("lead"), group), item]
    if cells := row_cells(text[start:end]) or side_by_side(text[start:end]):
        return [Unit(Kind.ROW, start, end, group, cells=cells)]
    made: list[Unit] = []
    for a, b in sentences.split(text[start:end]):
        before = text[made[-1].start : made[-1].end] if made else ""
        inside = before.count("(") > before.count(")") and ")" in text[start + a : start + b]  # two in brackets
        if inside or (before.endswith(('..."', '…"', "…”")) and text[start + a].islower()):  # two are one
            made[-1] = replace(made[-1], end=start + b)
        else:
            made.append(Unit(Kind.SENTENCE, start + a, start + b, group))
    return made


def _joined(text: str, found: list[Unit]) -> list[Unit]:
    """The units with neighbouring blocks of one list or table in one group, and what leads into one marked so."""
    made: list[Unit] = []
    group, written, opening = 0, "", 0  # what kind of file the code of this group is, how deep its first item stands
    last: Unit | None = None
    for place, unit in enumerate(found):
        said = text[unit.start : unit.end]
        item = made[-1] if made and made[-1].kind is Kind.ITEM and unit.kind is Kind.SENTENCE else None
        if item and said[0].islower() and _SHORT.search(text, item.start, item.end):  # it goes on
            made[-1] = last = replace(item, end=unit.end)
            continue
        of = code_lines.file_kind(said) if unit.kind is Kind.CODE else ""
        other = of and of != written and (written or of == code_lines.TEMPLATE)
        if last is None or not _same_group(last, unit, opening) or other:
            group, written, opening = group + 1, "", unit.depth
        written, last = of or written, unit
        kind = unit.kind
        empty = not _WORD.search(said) or _EMPTY.search(said) or TO_FILL_IN.search(said)
        if kind in (Kind.SENTENCE, Kind.ITEM, Kind.ROW) and empty:
            kind = Kind.NOISE
        told = {Kind.ITEM: _is_term, Kind.CODE: _is_described}.get(kind)
        if told is not None and told(text, found, place):
            kind = Kind.HEADING
        if kind is Kind.SENTENCE and _is_label(text, found, place):
            kind = _label(said, made[-1] if made else None, found[place + 1] if place + 1 < len(found) else None)
        question = kind in (Kind.SENTENCE, Kind.HEADING) and bool(_ASKS.search(said))
        below = found[place + 1] if place + 1 < len(found) else None
        listed = below is not None and below.kind is Kind.ITEM and (said.endswith(";") or bool(_INTO.search(said)))
        announced = listed or said.endswith((":", "："))
        announced = announced or (below is not None and text[below.start : below.end] == "::")
        leads = kind is Kind.SENTENCE and announced and below is not None
        made.append(replace(unit, kind=kind, group=group, question=question, leads=leads))
    return made


def _is_described(text: str, found: list[Unit], place: int) -> bool:
    """Whether code is a call by itself, one of several in the passage, that is described below it."""
    calls = [one for one in found if one.kind is Kind.CODE and _CALL.fullmatch(text, one.start, one.end)]
    told = [one.kind for one in found[place + 1 : place + 2]] == [Kind.SENTENCE]
    led = found[place - 1].kind is Kind.CODE or text[: found[place].start].rstrip().endswith((":", "："))
    return found[place] in calls and len(calls) > 1 and told and not (place and led)


def _label(said: str, before: Unit | None, below: Unit | None) -> Kind:
    """What a label is: the heading of what is below it, noise where it is a bare version, else an answer as it is."""
    if regex.search(r"\p{L}{2}", said):
        return Kind.SENTENCE if below is None or below.kind in (Kind.HEADING, Kind.NOISE) else Kind.HEADING
    told = before is not None and (before.kind is Kind.HEADING or before.question)
    return Kind.SENTENCE if told or len(said) > _VERSION else Kind.NOISE


def _is_label(text: str, found: list[Unit], place: int) -> bool:
    """Whether a sentence is none: a few words by themselves, without an end ("Engineers", a name, a version)."""
    unit = found[place]
    said = text[unit.start : unit.end]
    beside = [found[at].group for at in (place - 1, place + 1) if 0 <= at < len(found)]
    return (
        unit.group not in beside
        and len(said) <= _LABEL
        and (len(said.split()) <= _LABEL_WORDS or _is_over_prose(text, found, place))
        and not sentences.PAUSE.search(said)
        and not regex.search(r"\p{L}\s?[:：=]\s*\S|[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]", said)
    )


def _is_over_prose(text: str, found: list[Unit], place: int) -> bool:
    """Whether a line of some more words, with a capital, stands by itself over a sentence that is longer and has an
    end.
    """
    unit, below = found[place], found[place + 1] if place + 1 < len(found) else None
    said, under = text[unit.start : unit.end], text[below.start : below.end] if below else ""
    return (
        below is not None
        and below.kind is Kind.SENTENCE
        and len(said.split()) <= 2 * _LABEL_WORDS
        and said[:1].isupper()
        and len(under) > len(said)
        and sentences.ENDING.search(under) is not None
    )


def _is_term(text: str, found: list[Unit], place: int) -> bool:
    """Whether an item is a few words that are explained below it, in a paragraph of its own and not in the item."""
    unit, below = found[place], found[place + 1] if place + 1 < len(found) else None
    said = text[unit.start : unit.end]
    return (
        below is not None
        and below.kind is Kind.SENTENCE
        and (place == 0 or found[place - 1].kind is not Kind.ITEM)
        and below.group != unit.group
        and len(said.split()) <= _LABEL_WORDS
        and not (sentences.PAUSE.search(said) or said.endswith((":", "：", ";", ",")))
    )


def _same_group(before: Unit, unit: Unit, opening: int) -> bool:
    if unit.kind is Kind.ROW and before.kind is Kind.ROW:
        return {name for name, _ in unit.cells} & {name for name, _ in before.cells} != set()
    if unit.kind is before.kind and unit.kind in (Kind.ITEM, Kind.CODE):
        return unit.kind is Kind.CODE or unit.depth >= opening  # else what the first item stands under is elsewhere
    return before.group == unit.group and before.kind is unit.kind

"""Quoted spans as an answer in Markdown, every piece with its marker and the place it was taken from.

Knows lists, tables, code and sentences as Markdown, and the signs of markup that readers should not see. Does not know
which spans answer (`rag.grounding.extractive` does): what is quoted is supported by where it stands, word for word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import regex

from rag.grounding import shown_code, shown_tables
from rag.grounding.leaning import wants_heading
from rag.grounding.plain_text import plain
from rag.grounding.shown_lists import is_paragraph, lines, mark, rows_left_out
from rag.grounding.spans import CLAUSE, Span
from rag.grounding.unit_features import word_count
from rag.grounding.units import Kind, Unit, units
from rag.text import phrases, sentences
from rag.types import CheckedAnswer, CheckedSentence, Passage, Support

_OPENERS = regex.compile(r"^(?:[#>]+\s+|[-*+•]\s+|\d{1,3}[.)]\s+)")
_NAME = regex.compile(r"(?=\S*(?:_|\p{Ll}\p{Lu}|\p{L}\.\p{L}|\p{Lu}{4}))[\w.:-]+(?:\([^()]*\))?|-{1,2}\w[\w-]+")
"""A heading that is the name of what is told below it: of a setting, a function, an option."""
_BEHIND = (".", "。", ":", "：")
"""What a marker comes before at the end of a sentence: not what calls or asks, closes a bracket or a quote."""
_ANSWER = regex.compile(r"^(?:Q|A|Question|Answer|Soru|Cevap|Yanıt|Frage|Antwort):\s+(?=\S)")
_BLANK = regex.compile(r"\n[^\S\n]*\n")
_REPLY_WORDS, _SHORTEST_NAME, _MOST_DIGITS = 15, 3, 11
_ARTICLE = regex.compile(
    r"^(?P<name>(?:(?:GEÇİCİ|EK|Geçici|Ek) )?(?:MADDE|Madde|ARTICLE|Article|Artikel|Art\.|§) ?\d{1,4}(?:/\p{Lu})?)"
    r"[^\S\n]*[-–—.:]?[^\S\n]*[-–—]?[^\S\n]*(?P<part>\(\d{1,2}\))?[^\S\n]+(?=\S)"
)
"""The number of an article of rules before what it says."""
_HEADED = regex.compile(
    r"(?P<title>\p{Lu}[^.:;]{2,80}):\d{0,3}\s+(?P<name>(?:Ek |Geçici )?(?:Madde|MADDE|Article) \d{1,4})\s*[-–—.]?"
)
"""The title of an article with its number, and that of a note between them."""
_NOTED = regex.compile(r"(?<=\p{Ll}):\d{1,3}$")
"""The number of a note at the end of a heading."""
_VERB = regex.compile(
    r"^.{0,120}?\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|could|may|might|must|shall|should|will|would|"
    r"needs?|includes?|you|we|they|he|she|it|i|(?:wird|werden|ist|sind|muss|müssen|kann|können|darf|dürfen|soll|sollen))\b"
    r"|['’](?:ll|re|ve|t|s)\b|\p{L}+(?:ır|ir|ur|ür|ar|er|maz|mez|lar|ler|dı|di|du|dü|malı|meli)\.$",
    regex.I | regex.S,
)
"""A word that may be the verb of a sentence, or its subject."""
_FIRST = ("index", "readme", "_index")
"""What the first file of a folder is called."""
_CONTENTS = regex.compile(r"\[_*TOC_*\]")
"""The place of a list of contents."""
_FEW_WORDS = 5
_WIDE = 45
"""A row of more words is no row of a table any more."""


@dataclass(slots=True)
class Composer:
    """Collects an answer block by block: said by Tandem, in a `language` (English where it has no words), or quoted."""

    passages: Sequence[Passage]
    language: str = ""
    blocks: list[str] = field(default_factory=list)
    sentences: list[CheckedSentence] = field(default_factory=list)
    doubtful: bool = False
    _length: int = 0
    _headings: set[str] = field(default_factory=set)
    _quoted: set[int] = field(default_factory=set)
    _open: tuple[int, Unit] | None = None
    _led: int = 0
    _ends_short: bool = False
    _columns: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """A block in Tandem's own words, which claims nothing."""
        self._begin()
        self.sentences.append(CheckedSentence(text, self._length, self._length + len(text), Support.NEUTRAL, 0.0))
        self._add(text)

    def doubt(self, text: str) -> None:
        """A block that says that what follows may not answer."""
        self.doubtful = True
        self.say(text)

    def quote(self, span: Span) -> None:
        """One span, as a paragraph, a list, a table or code."""
        passage, number = self.passages[span.passage], span.passage + 1
        shown = tuple(one for one in span.units if not _CONTENTS.fullmatch(passage.text, one.start, one.end))
        if not shown:
            return
        span = replace(span, units=shown)
        heading = self._heading(span, passage)
        self._quoted.add(span.passage)
        if heading:
            self.say(f"**{heading}**")
        run: list[Unit] = []
        led = bool(self._led) and self.passages[self._led - 1].is_before(passage)
        for unit in span.units:
            if run and not _together(run[-1], unit, passage.text):
                self._block(run, passage, number, led=led, more=True)
                led = run[-1].leads
                run = []
            run.append(unit)
        if run:
            self._block(run, passage, number, led=led, more=False)
        self._led = number if run and run[-1].leads else 0

    def _heading(self, span: Span, passage: Passage) -> str:
        """The heading over a span that says little without it: it begins amid its section or does by words for what was
        said, is a bare list or table, a few words under a question, or says what the heading names without naming it;
        and over what is quoted from elsewhere than what is before it, with its document's where that is another. Said
        once, and not between what stands under it.
        """
        before = [self.passages[at] for at in self._quoted]
        if not span.units or any(
            (one.document, one.headings) == (passage.document, passage.headings) for one in before
        ):
            return ""
        first, told = span.units[0], passage.text[span.units[0].start : span.units[-1].end]
        bare = first.kind in (Kind.ROW, Kind.ITEM, Kind.CODE) or wants_heading(passage.text[first.start : first.end])
        said = label(passage)
        named = bool(_NAME.fullmatch(said)) and said not in told
        replies = said.endswith(sentences.QUESTION_MARKS) and word_count(told) <= _REPLY_WORDS
        if before and all(one.document != passage.document for one in before):
            said = label(passage, whole=True)
        amid = bool(passage.headings and passage.text[: first.start].strip())
        amid = amid and first.kind is Kind.SENTENCE and not first.question
        numbered = sum(map(str.isdecimal, said)) > _MOST_DIGITS  # an account, a telephone: no heading, whatever it is
        own = first.kind is Kind.SENTENCE and _HEADED.fullmatch(plain(passage.text[first.start : first.end]))
        if not (amid or bare or named or replies or before) or not said or numbered or own or said in self._headings:
            return ""
        self._headings.add(said)
        return said

    def piece(self, unit: Unit, passage: int, *, follows: bool = False) -> None:
        """One sentence, in the paragraph before it where it `follows` one."""
        if follows:
            self._add(" ")
        else:
            self._begin()
        own = self.passages[passage]
        self._piece(_escaped(plain(own.text[unit.start : unit.end])), unit, own, passage + 1)

    def item(self, label: str, unit: Unit | None, passage: int, *, first: bool) -> None:
        """An item of an outline: the label of a section, with a sentence of it where there is one."""
        if first:
            self._begin()
        else:
            self._add("\n")
        own = self.passages[passage]
        shown = _title(label)
        if unit is None:
            at = self._length + 2
            self._add(f"- **{shown}**")
            self.sentences.append(CheckedSentence(f"**{shown}**", at, self._length, Support.NEUTRAL, 0.0))
            return
        self._add(f"- **{shown}**: ")
        self._piece(plain(own.text[unit.start : unit.end]), unit, own, passage + 1)

    def point(self, label: str, passage: int, *, first: bool) -> None:
        """An item of a list of places: a label and the marker of its passage."""
        if first:
            self._begin()
        else:
            self._add("\n")
        self._add("- ")
        said = f"{plain(label)} [{passage + 1}]"
        at = self._length
        self._add(said)
        self.sentences.append(CheckedSentence(said, at, at + len(said), Support.NEUTRAL, 0.0))

    def checked(self) -> CheckedAnswer:
        """The answer so far."""
        return CheckedAnswer("".join(self.blocks), tuple(self.sentences), doubtful=self.doubtful)

    def _block(self, run: Sequence[Unit], passage: Passage, number: int, *, led: bool, more: bool) -> None:
        """One block; an item by itself that nothing `led` into is a sentence as any other, and a label that `more`
        follows is the heading of that.
        """
        goes_on = self._goes_on(run, number)
        if goes_on:
            self._add("\n")
        else:
            self._begin()
        match run[0].kind:
            case Kind.ROW:
                self._table(run, passage, number, goes_on=goes_on)
            case Kind.CODE:
                self._code(run, passage, number)
            case Kind.ITEM if len(run) == 1 and not (led or goes_on) and _whole(run[0], passage.text):
                self._piece(_escaped(plain(passage.text[run[0].start : run[0].end])), run[0], passage, number)
            case Kind.ITEM if is_paragraph(run[0]):
                self._piece(
                    f"**{run[0].mark}** {plain(passage.text[run[0].start : run[0].end])}", run[0], passage, number
                )
            case Kind.ITEM:
                self._list(run, passage, number, goes_on=goes_on)
            case Kind.HEADING:
                for unit in run:
                    self._add(f"**{_title(passage.text[unit.start : unit.end])}**")
            case Kind.SENTENCE if more and _is_label(run, passage.text):
                self._add(f"**{_title(passage.text[run[0].start : run[0].end])}**")
            case _ if run[0].question:  # what is answered below it
                self._add(
                    f"**{_ANSWER.sub('', ' '.join(plain(passage.text[u.start : u.end]) for u in run), count=1)}**"
                )
            case _:
                for at, unit in enumerate(run):
                    if at:
                        self._add(" ")
                    if headed := _HEADED.fullmatch(plain(passage.text[unit.start : unit.end])):
                        self._add(f"**{headed['name']}: {headed['title']}**")
                        continue
                    if CLAUSE.fullmatch(passage.text[unit.start : unit.end]):  # "3.5.", of what comes after it
                        self._add(f"**{passage.text[unit.start : unit.end]}**")
                        continue
                    said = _escaped(_ANSWER.sub("", plain(passage.text[unit.start : unit.end]), count=1))
                    said = _ARTICLE.sub(_numbered, said, count=1)
                    self._piece(said, unit, passage, number)

    def _goes_on(self, run: Sequence[Unit], number: int) -> bool:
        """Whether items or rows go on from the list or table that the answer ends with, in its passage or in the next
        one.
        """
        if self._open is None or self._open[1].kind is not run[0].kind or is_paragraph(run[0]):
            return False
        at, last = self._open
        before, here = self.passages[at - 1], self.passages[number - 1]
        if run[0].kind is Kind.ROW:
            return before.is_before(here) and shown_tables.columns(run) == self._columns
        if at == number:
            return last.group == run[0].group
        ends = units(before.text)[-1].start == last.start and units(here.text)[0].start == run[0].start
        return before.is_before(here) and ends

    def _list(self, run: Sequence[Unit], passage: Passage, number: int, *, goes_on: bool) -> None:
        said = {unit.start for unit in run}
        said |= {one.evidence[0] for one in self.sentences if one.evidence and passage.id in one.passages}
        shown = lines(run, passage.text, said, goes_on=goes_on, edges=passage.edges)
        if goes_on and self._open and self._ends_short:
            if self._open[0] != number:  # what went on in the next passage stands below
                self._length -= len(self.blocks.pop(-2))
            elif shown[0].unit is None:
                shown = shown[1:]
        for at, line in enumerate(shown):
            before = f"{chr(10) if at else ''}{line.before}"
            if line.unit is None:
                self._add(f"{before}*({phrases.more_items(self.language, line.lost)})*")
                continue
            self._add(before)
            self._piece(plain(passage.text[line.unit.start : line.unit.end]), line.unit, passage, number)
            if line.cut:
                self._add(f" {shown_code.LEFT_OUT}")
        self._open, self._ends_short = (number, run[-1]), shown[-1].unit is None

    def _table(self, run: Sequence[Unit], passage: Passage, number: int, *, goes_on: bool) -> None:
        if any(word_count(passage.text[unit.start : unit.end]) > _WIDE for unit in run):
            self._records(run, passage, number)
            return
        shown, (names, rows) = run, shown_tables.laid_out(run)
        self._columns, run = shown_tables.columns(run), run[len(run) - len(rows) :]
        if not any(names) and (len(run) == 1 or rows_left_out(run, passage.text)):
            self._bare_rows(run, rows, passage, number)
            return
        gaps, left_out = rows_left_out(shown, passage.text), f"\n| … |{'  |' * (len(names) - 1)}"
        if goes_on:
            self._length -= len(self.blocks.pop())  # the end of the line, which each row begins with
            gaps -= {run[0].start} if self.blocks[-1] == left_out else set()
        else:
            self._add(f"| {' | '.join(_cell(name) for name in names)} |\n|{' --- |' * len(names)}")
        for unit, cells in zip(run, rows, strict=True):
            self._add(f"{left_out if unit.start in gaps else ''}\n")
            line = "| " + " | ".join(_cell(cell) for cell in cells)
            self._cite(f"{line} [{number}] |", unit, passage)
        if None in gaps:
            self._add(left_out)
        self._open = (number, shown[-1]) if any(names) else None

    def _bare_rows(self, run: Sequence[Unit], rows: Sequence[Sequence[str]], passage: Passage, number: int) -> None:
        """Some of the rows of a table whose columns have no names, as a list with a sign for the others, or the only
        one as a line.
        """
        gaps = rows_left_out(run, passage.text)
        for at, (unit, cells) in enumerate(zip(run, rows, strict=True)):
            self._add("\n" if at else "")
            self._add("- " if len(run) > 1 or gaps else "")
            self._cite(f"{' · '.join(plain(cell).rstrip(',;') for cell in cells if cell)} [{number}]", unit, passage)
        if gaps:
            self._add(f"\n- *({phrases.more_items(self.language, 0)})*")

    def _records(self, run: Sequence[Unit], passage: Passage, number: int) -> None:
        """Rows too long for a table: each as a list of its cells."""
        for at, unit in enumerate(run):
            lines = [f"- **{plain(name)}**: {plain(cell)}" if name else f"- {plain(cell)}" for name, cell in unit.cells]
            self._add("\n\n" if at else "")
            self._cite("\n".join(lines) + f" [{number}]", unit, passage)

    def _code(self, run: Sequence[Unit], passage: Passage, number: int) -> None:
        code = shown_code.shown(run, passage.text, goes_on=shown_code.goes_on(run, passage))
        self._add(f"```\n{code.replace('```', '` ` `')}\n```\n")
        self._cite(f"[{number}]", run[0], passage)

    def _piece(self, said: str, unit: Unit, passage: Passage, number: int) -> None:
        end = said[-1:] if said.endswith(_BEHIND) and not said.endswith("..") else ""
        self._cite(f"{said.removesuffix(end).rstrip()} [{number}]{end}", unit, passage)

    def _cite(self, said: str, unit: Unit, passage: Passage) -> None:
        at = self._length
        self._add(said)
        if unit.leads:  # "There are three ways:" claims nothing by itself
            self.sentences.append(CheckedSentence(said, at, at + len(said), Support.NEUTRAL, 0.0))
            return
        self.sentences.append(
            CheckedSentence(said, at, at + len(said), Support.SUPPORTED, 1.0, (passage.id,), (unit.start, unit.end))
        )

    def _begin(self) -> None:
        self._open = None
        if self.blocks:
            self._add("\n\n")

    def _add(self, text: str) -> None:
        self.blocks.append(text)
        self._length += len(text)


def label(passage: Passage, *, whole: bool = False) -> str:
    """What a passage is called: by its heading, with its document's before it where it is told `whole`; where it has
    none, by the name of its document's file, or not at all where that is a number.
    """
    said = _title(passage.headings[-1]) if passage.headings else _called(passage.document)
    return " › ".join(dict.fromkeys(_title(one) for one in (*passage.headings[:1], said) if one)) if whole else said


def _title(text: str) -> str:
    """A heading or label without its marks."""
    return _NOTED.sub("", plain(text).strip("#* "))


def _called(document: str) -> str:
    """What a document without headings is called by its file, or its folder where that is the first of it; nothing
    where that is a number.
    """
    path = PurePosixPath(document)
    stem = path.parent.name if path.stem.casefold() in _FIRST else path.stem
    name = " ".join(stem.replace("_", " ").replace("-", " ").split())
    lettered = sum(map(str.isalpha, name))
    return name[:1].upper() + name[1:] if lettered > _SHORTEST_NAME and lettered * 2 > len(name) else ""


def _numbered(article: regex.Match[str]) -> str:
    """The number of an article, and of the part of it, as a name before what it says."""
    return f"**{' '.join(filter(None, (article['name'], article['part'])))}** "


def _together(before: Unit, unit: Unit, text: str) -> bool:
    """Whether two units stand in one block of the answer: not after a line that ends without an end, nor, of sentences,
    after a blank line.
    """
    if unit.kind is not before.kind or unit.question is not before.question:
        return False
    goes_on = unit.kind is Kind.SENTENCE and not _BLANK.search(text, before.end, unit.start)
    if is_paragraph(before) or is_paragraph(unit):
        return False
    return unit.group == before.group or (goes_on and bool(sentences.PAUSE.search(text[before.start : before.end])))


def _is_label(run: Sequence[Unit], text: str) -> bool:
    """Whether a block is a few words without an end."""
    said = text[run[0].start : run[0].end]
    few = len(run) == 1 and not (run[0].leads or run[0].question) and word_count(said) <= _FEW_WORDS
    return few and not sentences.PAUSE.search(said) and ":" not in said


def _whole(unit: Unit, text: str) -> bool:
    """Whether an item reads as a sentence: it has some words, of which one may be its verb where it is one of several,
    and an end, and is not called by a letter.
    """
    said = text[unit.start : unit.end]
    named = mark(unit.mark) not in ("-", unit.mark)
    ended = word_count(said) >= _FEW_WORDS and sentences.ENDING.search(said) is not None
    return not named and ended and (_VERB.search(said) is not None or len(lines([unit], text, {unit.start})) == 1)


def _escaped(line: str) -> str:
    """A sentence that does not begin like a heading, a list or a quotation."""
    return _OPENERS.sub("", line) or line


def _cell(text: str) -> str:
    return plain(text).rstrip(",;").replace("|", "\\|") or " "

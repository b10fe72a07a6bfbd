"""Headings of texts in articles (statutes, regulations, contracts), whose layout does not mark them.

Knows how articles and chapters begin in several languages, and where their titles stand: on the line before, on the
same line or on the next one. Does not know formats: it is handed a text that was read.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import regex

from rag.formats.extracted import Extracted, Heading, one_line

_LEAST = 3
"""So many articles make a text one in articles; fewer are mentions of another text's."""
_LONGEST, _MOST_WORDS = 110, 12
_CHAPTER_LINES, _TITLE_LINES = 3, 4
_NAMES = "ARTICLE Article ARTÍCULO Artículo ARTICOLO Articolo ARTIKEL Artikel SECTION Section".replace(" ", "|")
_CHAPTERS = "CHAPTER Chapter PART Part Kapitel Teil Abschnitt CHAPITRE Chapitre CAPÍTULO Capítulo".replace(" ", "|")
_NUMBER = r"(?: \d{1,4} (?:\.\d{1,3})* [a-z]? | [IVXLC]{1,7} )"
_ARTICLE = regex.compile(
    rf"""
    (?P<mark>
        (?P<titled_before>
            (?: (?:EK|GEÇİCİ|Ek|Geçici) \s+ )? (?:MADDE|Madde) \s+ \d{{1,4}} (?:/\p{{Lu}})? \s* (?: [-–—.:] | (?=\() )
        )
        | § \s* \d{{1,4}}[a-z]? \b [.:]?
        | (?:{_NAMES}) \s+ {_NUMBER} \b [.:]?
    )
    \s* (?: [-–—] \s* )? (?P<rest>.*)
    """,
    regex.X,
)
"""A line that begins an article. The Turkish form has its title on the line before."""
_RUN_IN = regex.compile(
    r"""
    (?P<title> (?! (?:EK|GEÇİCİ)[^\S\n]+MADDE ) \p{Lu} [^.\n;:!?]{2,100}? ) [^\S\n]+
    (?P<mark> (?: (?:EK|GEÇİCİ)[^\S\n]+ )? MADDE [^\S\n]+ \d{1,4} [^\S\n]* [-–—] )
    """,
    regex.X,
)
"""A title that its article follows on one line: only capitals and a dash tell it from a mention."""
_WITHIN = regex.compile(rf"(?: ^ | (?<= [.:;!?)][^\S\n] ) ) {_RUN_IN.pattern}", regex.M | regex.X)
_CHAPTER = regex.compile(
    rf"""
    (?: (?: \p{{Lu}}\p{{L}}+ \s+ ){{1,2}} (?:BÖLÜM|KISIM|Bölüm|Kısım)
        | (?:{_CHAPTERS}) \s+ {_NUMBER}
        | (?: \d{{1,2}}\.\s* | \p{{Lu}}\p{{Ll}}+e[rs]\s+ ) (?:Abschnitt|Kapitel|Teil)
    )
    \b \s* [.:–—-]? (?P<rest>.*)
    """,
    regex.X,
)
_HINT = regex.compile(rf"MADDE|Madde|§|{_NAMES}")
_ENDED = regex.compile(r"[.;:!?…)\]\"”»]$")
_NO_TITLE = regex.compile(r"[.,;:!?…]$|\.{3}|^\P{Lu}|^\p{L}{1,2}[).]\s|\d\s*/\s*\d+$|^(?:Abs|Absatz|Nr|Satz)\b")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that is not blank; `apart` says that a blank one stands before it."""

    start: int
    end: int
    text: str
    apart: bool


def with_headings(read: Extracted) -> Extracted:
    """`read` with the titles of its chapters and articles among its headings, where it has articles and its layout does
    not mark them; a heading that runs into its article ends before it. Anything else is returned as it is.
    """
    if sum(1 for _ in islice(_HINT.finditer(read.text), _LEAST)) < _LEAST:
        return read
    lines = _lines(read.text)
    marked = {
        at: found
        for at, line in enumerate(lines)
        if (found := _ARTICLE.fullmatch(line.text))
        and ("MADDE" in found["mark"] or (_begins(lines, at) and not found["rest"][:1].islower()))
    }
    within = list(_WITHIN.finditer(read.text))
    if len(marked) + len(within) < _LEAST:
        return read
    own = [_before_article(heading) for heading in read.headings]
    text = _gone_on(read.text, zip(read.headings, own, strict=True))
    starts = [line.start for line in lines]
    level_at = [(at, heading.level) for heading in own for at in _over(heading, lines, starts)]
    headed = {at for at, _ in level_at}
    after = Counter(level for at, level in level_at if at + 1 in marked or at in marked)
    level = after.most_common(1)[0][0] if after else max((heading.level for heading in own), default=0) + 2
    made = list(own)
    titles: set[int] = set()
    for at, mark in marked.items():
        if at in headed or at - 1 in headed:
            continue
        first, last, end = _title(lines, at, mark)
        titles.update(range(first, last + 1))
        made.append(_heading(read.text, lines[first].start, end, level))
    made.sort(key=_place)
    for run in within:
        before = bisect_right(made, run.start("title"), key=_place)
        if not before or made[before - 1].end <= run.start("title"):
            insort(made, _heading(read.text, run.start("title"), run.end("title"), level), key=_place)
    for at, line in enumerate(lines):
        if at not in headed and at not in titles and (chapter := _CHAPTER.fullmatch(line.text)):
            last = _chapter_end(lines, at, chapter["rest"].strip(), titles | headed | marked.keys())
            if last >= 0:
                insort(made, _heading(read.text, line.start, lines[last].end, max(1, level - 1)), key=_place)
    return replace(read, text=text, headings=tuple(made), title=_name(lines, made) or read.title)


def _place(heading: Heading) -> int:
    return heading.start


def _lines(text: str) -> list[_Line]:
    found: list[_Line] = []
    at, apart = 0, True
    for line in text.split("\n"):
        if bare := line.strip():
            start = at + line.index(bare)
            found.append(_Line(start, start + len(bare), bare, apart))
        apart = not bare
        at += len(line) + 1
    return found


def _before_article(heading: Heading) -> Heading:
    """The heading without the article that it runs into."""
    run = _RUN_IN.match(heading.text)
    if run is None:
        return heading
    # The text of a heading has single spaces; so has what was read, but for a line end instead of one.
    return replace(heading, end=heading.start + run.end("title"), text=run["title"])


def _gone_on(text: str, changed: Iterable[tuple[Heading, Heading]]) -> str:
    """The text as long as it was, with no paragraph's end in the sentence that a heading had begun."""
    for before, after in changed:
        if before.end > after.end and text.startswith("\n\n", before.end) and text[before.end + 2 :][:1].islower():
            text = f"{text[: before.end]} \n{text[before.end + 2 :]}"
    return text


def _over(heading: Heading, lines: Sequence[_Line], starts: Sequence[int]) -> range:
    """The lines that a heading stands on."""
    return range(max(0, bisect_left(starts, heading.start + 1) - 1), bisect_left(starts, heading.end))


def _title(lines: Sequence[_Line], at: int, mark: regex.Match[str]) -> tuple[int, int, int]:
    """(first line, last line, where it ends) of the heading of the article that begins at line `at`."""
    line, rest = lines[at], mark["rest"].strip()
    after = lines[at + 1] if at + 1 < len(lines) else None
    if mark["titled_before"] and at and _is_title(lines, at - 1):
        return at - 1, at - 1, lines[at - 1].end
    if not rest:
        beside = after is not None and not after.apart and _named(after.text) and not _ARTICLE.fullmatch(after.text)
        return (at, at + 1, lines[at + 1].end) if beside else (at, at, line.end)
    most = _MOST_WORDS // 2 if mark["titled_before"] else _MOST_WORDS
    if _named(rest, most) and (after is None or after.apart or not after.text[0].islower()):
        return at, at, line.end
    return at, at, line.start + mark.end("mark")


def _named(text: str, most: int = _MOST_WORDS) -> bool:
    """Whether a text may be a title, of at most so many words."""
    return len(text) <= _LONGEST and len(text.split()) <= most and not _NO_TITLE.search(text)


def _is_title(lines: Sequence[_Line], at: int) -> bool:
    """Whether the line is a title: short, without an end, and nothing runs into it."""
    line = lines[at]
    if not _named(line.text) or _ARTICLE.match(line.text) or _CHAPTER.fullmatch(line.text):
        return False
    return _begins(lines, at)


def _begins(lines: Sequence[_Line], at: int) -> bool:
    """Whether nothing runs into the line from the one before."""
    return lines[at].apart or at == 0 or bool(_ENDED.search(lines[at - 1].text)) or _named(lines[at - 1].text)


def _chapter_end(lines: Sequence[_Line], at: int, rest: str, taken: set[int]) -> int:
    """The last line of a chapter's heading: the lines below are its title, up to the title of an article. -1 where the
    line is running text.
    """
    if rest:
        return at if _named(rest) else -1
    last = at
    while last + 1 < len(lines) and last + 1 not in taken and last - at < _CHAPTER_LINES:
        if len(lines[last + 1].text) > _LONGEST or _NO_TITLE.search(lines[last + 1].text):
            break
        last += 1
    return last


def _heading(text: str, start: int, end: int, level: int) -> Heading:
    return Heading(start, end, level, one_line(text[start:end]).rstrip(" .:-–—"))


def _name(lines: Sequence[_Line], headings: Sequence[Heading]) -> str:
    """The title of the whole: the lines in capitals right above its first chapter or article."""
    if not headings:
        return ""
    above = [line for line in lines if line.end <= headings[0].start][-_TITLE_LINES:]
    kept: list[str] = []
    for line in reversed(above):
        if line.text.upper() != line.text or len(regex.findall(r"\p{Lu}", line.text)) * 2 < len(line.text):
            break
        kept.append(line.text)
    return " ".join(reversed(kept))

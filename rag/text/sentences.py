"""Cuts a text into sentences and says where each one lies.

Knows full stops, abbreviations (English, Turkish, German, French, Spanish), list items, blank lines and the marks of
scripts without capitals. Does not know passages or documents.
"""

from __future__ import annotations

import regex

_ABBREVIATION_LIST = """
mr mrs ms dr prof sr jr st vs etc e.g i.e cf al fig figs eq no nos vol vols pp p ch sec ed eds est approx dept inc ltd
co corp gen col capt lt sgt rev hon gov sen rep jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri
sat sun u.s u.k a.m p.m ph.d b.c a.d
doç yrd av sn bkz örn vb vd yy mad md fk çev haz şti a.ş t.c cad sok mah apt tel age agm sf ör yb
bzw ca usw z.b d.h u.a nr str bd abs evtl ggf inkl zzgl bspw env p.ex mme mlle sra srta ud uds pág núm aprox
"""
_ABBREVIATIONS = frozenset(_ABBREVIATION_LIST.split())
# The mark, closing quotes and brackets (and citation markers), then white space.
# A row of marks is looked at once, not again from each of them: a question may be a hundred thousand dots.
_END = regex.compile(
    r"(?P<mark>(?<![.!?…])[.!?…]++)(?P<close>[\"'”’»\)\]]*(?:\s?\[\d+(?:\s*,\s*\d+)*\])*)(?=\s|$)"
    r"|(?P<wide>[。！？｡؟۔।॥]+)[\"'”’»\)\]」』）]*(?:\s?\[\d+(?:\s*,\s*\d+)*\])*"
    r"|(?P<blank>\n[^\S\n]*\n\s*)"
    r"|(?P<item>\n(?=[^\S\n]*(?:[-*•–]|\d{1,3}[.)])\s))"
)
MARKS = ".!?…。！？؟"
"""What ends a sentence."""
QUESTION_MARKS = ("?", "？", "؟")
"""What ends a question."""
_CLOSERS = "\"'”’»)\\]*_`"
ENDING = regex.compile(rf"(?<![{MARKS}])[{MARKS}]++[{_CLOSERS}]*$")
"""The marks at the end of a text, with the quotes and brackets that close behind them."""
PAUSE = regex.compile(rf"(?<![{MARKS}:;])[{MARKS}:;]++[{_CLOSERS}]*$")
"""The same, or what leads into something."""
BREAK = regex.compile(rf"(?<=[{MARKS}])\s+|\n+")
"""Between two sentences of a text that was written, where abbreviations do not matter."""
ENDS = regex.compile(rf"(?<![{MARKS}])[{MARKS}]++(?=\s|$)|\n+")
"""Every end of a sentence in such a text."""
_CLOSED = regex.compile(r"[.!?…。！？:;)\]\"'»”’*`|$]\s*$")
_MARKED = regex.compile(r"\[\d+(?:\s*,\s*\d+)*\]$")
_LAST_WORD = regex.compile(r"(?r)[\p{L}\p{M}\p{N}.]+$")  # looked for from behind
_LOWER = regex.compile(r"\s*[\"'“‘«(\[]*\p{Ll}")
_DIGIT_NEXT = regex.compile(r"\s*\d")


def split(text: str) -> list[tuple[int, int]]:
    """The (start, end) character offsets of the sentences of `text`, in order, without surrounding white space.

    The spans do not overlap, none is empty, and together they hold every character that is not white space.
    """
    spans: list[tuple[int, int]] = []
    begin = 0
    for found in _END.finditer(text):
        start, cut = found.span()
        if found.lastgroup == "close":
            mark = found["mark"]
            if mark == ".":
                if _goes_on(text, begin, start, cut):
                    continue
            elif cut > start + 1 and mark in ("!", "?") and _LOWER.match(text, cut):  # “Oops!” is no end here
                continue
        elif found.lastgroup != "wide":
            cut = start
        _append(spans, text, begin, cut)
        begin = cut
    _append(spans, text, begin, len(text))
    return spans


def is_closed(text: str) -> bool:
    """Whether the text ends as a sentence, a quotation, a list or a code block does."""
    return _CLOSED.search(text) is not None


def _goes_on(text: str, begin: int, dot: int, after: int) -> bool:
    """Whether the full stop at `dot` belongs to an abbreviation, an initial or an ordinal rather than to an end. Behind
    a citation marker it never does.
    """
    if text[dot - 1 : dot] == "]" and _MARKED.search(text, max(begin, dot - 24), dot):
        return False
    if _LOWER.match(text, after):
        return True
    found = _LAST_WORD.search(text, max(begin, dot - 24), dot)
    if not found:
        return False
    word = found.group().strip(".")
    if word.casefold() in _ABBREVIATIONS:
        return True
    if len(word) == 1 and word.isalpha() and (word.isupper() or _DIGIT_NEXT.match(text, after)):  # "m. 42"
        return True
    # "3. madde", "12. Mai": an ordinal, unless the number stands at the end of a line
    return (
        word.isdecimal()
        and len(word) <= 2
        and "\n" not in text[after : after + 1]
        and found.start() > begin
        and (not _DIGIT_NEXT.match(text, after) and text[after : after + 1] == " " and _ordinal_follows(text, after))
    )


_MONTH = regex.compile(
    r"\s(?:Ocak|Şubat|Mart|Nisan|Mayıs|Haziran|Temmuz|Ağustos|Eylül|Ekim|Kasım|Aralık|Januar|Februar|März|April|Mai|Juni|"
    r"Juli|August|September|Oktober|November|Dezember|Jahrhundert|Madde|Bölüm|Yüzyıl)\b"
)


def _ordinal_follows(text: str, after: int) -> bool:
    return bool(_MONTH.match(text, after))


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))

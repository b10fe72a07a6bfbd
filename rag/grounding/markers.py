"""Citation markers in an answer's Markdown: where they stand, and where one may be put.

Knows that what looks like a marker in code is none, and that code, a displayed formula and a table end otherwise than
a sentence does. Does not know what a marker cites.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex
from markdown_it import MarkdownIt

from rag.text import sentences

_MARKER = (
    r"[^\S\n]*(?:\[|【)\s*(?:(?:passages?|sources?|kaynak|pasaj)\s*)?"
    r"(?P<numbers>\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*(?:†[^\]】]*)?(?:\]|】)"
)
# Code within a line, or the marker.
_FOUND = regex.compile(rf"(?<!`)(?P<ticks>`++)[^\n]*?(?<!`)(?P=ticks)(?!`)|{_MARKER}", regex.I)
_SEPARATOR = regex.compile(r"\s*[,;]\s*")
_TAIL = regex.compile(rf"(?:{_MARKER})*[^\S\n]*\Z", regex.I)
_SPACED_TAIL = regex.compile(rf"(?<=\S)[^\S\n](?:{_MARKER})+[^\S\n]*\Z", regex.I)

_HOLDER = r"(?P<holder>[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)"
_FENCE = regex.compile(rf"{_HOLDER}(?P<fence>`{{3,}}|~{{3,}})(?P<rest>.*)")
_FORMULA = regex.compile(rf"{_HOLDER}(?P<open>\$\$|\\\[)")
_EMPTY_QUOTES = regex.compile(r"(?:\s*\n[ \t]*>[ \t>]*)+\Z")
_INDENTED = regex.compile(r"^[ \t>]*(?: {4}|\t)[ \t]*[^\s>]", regex.M)
_INDENT = regex.compile(r"[ \t>]*")
_PARSER = MarkdownIt("commonmark").enable("table")
_LONGEST_PARSED = 50_000
_CLOSE = {"$$": "$$", "\\[": "\\]"}
_UNDERLINE = regex.compile(r"\n[^\S\n]*(?:=+|-+)\Z")
_HEADING_END = regex.compile(r"^[ \t>]*#{1,6}[ \t][^\n]*?\S(?P<signs>[ \t]+#+)\Z", regex.M)
_ROW_END = regex.compile(r"[^\S\n]*(?<!\\)\|\Z")


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of an answer: characters [start, end), without white space around. `body` is where its text ends and
    markers behind it begin. A block (code, a displayed formula) takes its markers `below`, behind what stands there;
    a sentence (None) within itself.
    """

    start: int
    end: int
    body: int
    below: str | None = None


def numbers(text: str) -> list[int]:
    """The numbers in the markers of a sentence, in order."""
    found = (match["numbers"] for match in _FOUND.finditer(text))
    return [int(number) for told in found if told for number in _SEPARATOR.split(told)]


def removed(text: str) -> str:
    """A sentence without its markers."""
    return _FOUND.sub(lambda match: match.group() if match["ticks"] else "", text)


def placed(plain: str, marks: str, below: str | None = None) -> str:
    """A sentence, or a block whose markers go `below`, with these markers."""
    if not marks:
        return plain
    if below is not None:
        return f"{plain}{below}{marks}"
    if (heading := _HEADING_END.search(plain)) is not None:
        return f"{plain[: heading.start('signs')]} {marks}{heading['signs']}"
    close = sentences.ENDING.search(plain)
    if close is None and "\n" in plain:
        close = _UNDERLINE.search(plain) or _ROW_END.search(plain)
    if close is None:
        return f"{plain} {marks}"
    return f"{plain[: close.start()]} {marks}{close.group()}"


def pieces(answer: str) -> Iterator[Piece]:
    """The sentences and the blocks of an answer, in order."""
    at = 0
    for block in _blocks(answer):
        yield from _sentences(answer, at, block.start)
        yield block
        at = block.end
    yield from _sentences(answer, at, len(answer))


def _sentences(answer: str, start: int, end: int) -> Iterator[Piece]:
    for a, b in sentences.split(answer[start:end]):
        empty = _EMPTY_QUOTES.search(answer, start + a, start + b)
        stop = empty.start() if empty is not None and answer[start + a : empty.start()].strip() else start + b
        yield Piece(start + a, stop, stop)


def _blocks(answer: str) -> Iterator[Piece]:
    """Fenced code, which goes to the end where nothing closes it, formulas that stand alone, and indented code."""
    indented = _indented(answer)
    at = 0
    while at < len(answer):
        line = _line(answer, at)
        if (fence := _FENCE.fullmatch(line)) is not None and not ("`" in fence["fence"] and "`" in fence["rest"]):
            block: Piece | None = _code(answer, at, fence)
        elif (formula := _FORMULA.match(line)) is not None:
            block = _displayed(answer, at, formula)
        else:
            block = indented.get(at)
        if block is not None:
            yield block
            at = block.end
        at = answer.find("\n", at) + 1 or len(answer)


def _line(answer: str, at: int) -> str:
    end = answer.find("\n", at)
    return answer[at : len(answer) if end < 0 else end]


def _code(answer: str, begin: int, fence: regex.Match[str]) -> Piece:
    mark = fence["fence"]
    closing = regex.compile(rf"[ \t>]*+{regex.escape(mark[0])}{{{len(mark)},}}")
    below = _below(fence["holder"])
    start = begin + len(fence["holder"]) - len(fence["holder"].lstrip())
    at = begin
    while at := answer.find("\n", at) + 1:
        line = _line(answer, at)
        close = closing.match(line)
        if close is not None and _TAIL.match(line, close.end()):
            return Piece(start, at + len(line.rstrip()), at + close.end(), below)
    end = len(answer.rstrip())
    return Piece(start, end, end, f"{below}{mark}{below}")


def _indented(answer: str) -> dict[int, Piece]:
    """Code that only its indentation makes code, by where its first line begins. How far that is depends on the lists
    and quotations around it, so a parser says; markers go into a paragraph beneath.
    """
    if len(answer) > _LONGEST_PARSED or "\r" in answer or _INDENTED.search(answer) is None:
        return {}
    lines = [0]
    while at := answer.find("\n", lines[-1]) + 1:
        lines.append(at)
    found: dict[int, Piece] = {}
    for token in _PARSER.parse(answer):
        if token.type != "code_block" or token.map is None:
            continue
        begin = lines[token.map[0]]
        first = _line(answer, begin)
        indent = _INDENT.match(first)
        inner = token.content.partition("\n")[0]
        if indent is None or first[indent.end() :] != inner.lstrip():
            continue  # it begins behind the mark of a list
        stop = lines[token.map[1]] if token.map[1] < len(lines) else len(answer)
        end = begin + len(answer[begin:stop].rstrip(" \t\n>"))
        last = answer[answer.rfind("\n", 0, end) + 1 : end]
        tail = _SPACED_TAIL.search(last)
        body = end - (len(last) - tail.start() if tail is not None else 0)
        columns = indent.group().expandtabs(4)
        holder = columns[: max(0, len(columns) - 4 - len(inner) + len(inner.lstrip()))]
        start = begin if ">" in columns else begin + indent.end()
        found[begin] = Piece(start, end, body, f"\n{holder.rstrip()}\n{holder}")
    return found


def _displayed(answer: str, begin: int, formula: regex.Match[str]) -> Piece | None:
    close = _CLOSE[formula["open"]]
    found = answer.find(close, begin + formula.end())
    while found >= 0:
        after = found + len(close)
        line = _line(answer, after)
        if _TAIL.match(line):
            start = begin + len(formula["holder"]) - len(formula["holder"].lstrip())
            return Piece(start, after + len(line.rstrip()), after, _below(formula["holder"]))
        found = answer.find(close, after)
    return None


def _below(holder: str) -> str:
    """What begins a line beneath a block, in the list or the quotation that holds it."""
    return "\n" + "".join(sign if sign in " \t>" else " " for sign in holder)

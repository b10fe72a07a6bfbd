"""What a model wrote, made safe and citable as Markdown.

Knows two ways. A text that is whole is parsed, and what is allowed of it is written out anew: see markdown_writer. One
that still comes in is broken up by an invisible character wherever something could begin that a browser fetches or
follows, whatever a parser makes of the rest: no state is kept and nothing is guessed. Text from a model or a document
is data: its images, links, tags and directives are shown. Does not know models or the chat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.token import Token

from rag.types import CheckedAnswer, Passage, Support
from tandem.markdown_writer import MARK, PARSER, inline, written

SOURCE_LINK = "#source-"
UNSUPPORTED_LINK = "#unsupported"
LARGEST_PARSED, LONGEST_PARSED_LINE = 200_000, 10_000
# Joins words, shows nothing, and means nothing to a reader of Markdown.
JOINER = "\u2060"

_BEGINNING = re.compile(
    r"\](?=[(:\[])|!(?=\[)|<(?=[A-Za-z/!?])|:(?=[A-Za-z/:])|&(?=[#A-Za-z])|\\(?=[!-/:-@\[-`{-~])|@(?=[-.\w])|www(?=\.)"
    r"|\[(?=[\^\sxX])",
    re.IGNORECASE,
)
MARKER = re.compile(r"\[(\d{1,3})\]")
"""What a text cites a source by."""
PROVISIONAL = re.compile(rf"(?:\[\d{{1,3}}\]: {SOURCE_LINK}\d+\n)+\n")
"""What `provisional` makes."""
_DEFINITION = re.compile(rf"\[(?:\d{{1,3}}|\?)\]: (?:{SOURCE_LINK}|{UNSUPPORTED_LINK})")
_MAY_BEGIN = re.compile(r"(?:[\]!<:&\\@\[]|w{1,3})\Z", re.IGNORECASE)


class Neutraliser:
    """Makes a stream of Markdown harmless piece by piece; the pieces' borders do not change what comes out."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """The next piece of harmless text; what may still become something else is held back."""
        data = self._held + text
        may_begin = _MAY_BEGIN.search(data, max(0, len(data) - 3))
        at = may_begin.start() if may_begin else len(data)
        self._held = data[at:]
        out = _BEGINNING.sub(_broken, data[:at])
        # What the first held sign decides about the one before it.
        return out + JOINER if at and may_begin and _BEGINNING.match(data, at - 1) else out

    def close(self) -> str:
        """What was held back."""
        held, self._held = self._held, ""
        return _BEGINNING.sub(_broken, held)


def neutral(text: str) -> str:
    """A whole text made harmless.

    >>> neutral("See ![x](http://example.org/a.png).")
    'See \\!\\[x\\] (`http://example.org/a.png`).'
    """
    if len(text) > LARGEST_PARSED:
        return _BEGINNING.sub(_broken, text)
    return written(PARSER.parse(_whole(text)))


def neutral_line(text: str) -> str:
    """A text that stands within a line, made harmless: no blocks are seen in it."""
    line = " ".join(_whole(text).split())
    if len(line) > LONGEST_PARSED_LINE:
        return _BEGINNING.sub(_broken, line)
    (token,) = PARSER.parseInline(line)
    return inline(token.children or ())


def cited(checked: CheckedAnswer, passages: Sequence[Passage], *, page: str, unsupported: str) -> str:
    """An answer as Markdown whose markers link to its sources, and whose unsupported sentences carry a marker `[?]`;
    tables and code blocks with such a sentence carry it as a whole, beneath.

    `page` is the word for a page, `unsupported` the sentence shown over `[?]`; empty leaves such sentences unmarked.
    """
    text = checked.text
    if not unsupported or len(text) > LARGEST_PARSED:
        return linked(text, passages, page=page, unsupported=unsupported)
    ends = [
        sentence.start + len(text[sentence.start : sentence.end].rstrip())
        for sentence in checked.sentences
        if sentence.support is Support.UNSUPPORTED
    ]
    return _with_sources(_doubted(_whole(text), ends), passages, page, unsupported)


def linked(text: str, passages: Sequence[Passage], *, page: str, unsupported: str = "") -> str:
    """Text with markers `[n]` as harmless Markdown in which the markers link to the sources."""
    return _with_sources(neutral(text), passages, page, unsupported)


def provisional(count: int) -> str:
    """What stands before a text that still comes in, so that its markers link to its `count` sources already."""
    definitions = "\n".join(f"[{number}]: {SOURCE_LINK}{number}" for number in range(1, count + 1))
    return f"{definitions}\n\n" if definitions else ""


def _with_sources(body: str, passages: Sequence[Passage], page: str, unsupported: str) -> str:
    definitions = [
        f'[{number}]: {SOURCE_LINK}{number} "{_title(passage, page)}"' for number, passage in enumerate(passages, 1)
    ]
    if unsupported:
        definitions.append(f'[?]: {UNSUPPORTED_LINK} "{unsupported}"')
    return f"{body}\n\n" + "\n".join(definitions) if definitions else body


def without_definitions(text: str) -> str:
    """An answer's Markdown without the definitions at its end, which tie markers to the side panel and name sources.

    >>> without_definitions('Seven [1].\\n\\n[1]: #source-1 "open.md"\\n')
    'Seven [1].'
    """
    lines = text.rstrip().split("\n")
    while lines and (_DEFINITION.match(lines[-1]) or not lines[-1].strip()):
        lines.pop()
    return "\n".join(lines)


def plain_title(passage: Passage, page: str) -> str:
    """Where a passage stands, on one line: document, page, innermost heading."""
    place = passage.document if passage.page is None else f"{passage.document}, {page} {passage.page}"
    return f"{place}: {passage.headings[-1]}" if passage.headings else place


def _title(passage: Passage, page: str) -> str:
    line = " ".join(plain_title(passage, page).split())
    return line.replace("\\", "/").replace('"', "'").replace("`", "'")


def _broken(found: re.Match[str]) -> str:
    return found.group() + JOINER


def _whole(text: str) -> str:
    """The text with as many characters, and none that stands for a mark or that a parser takes out."""
    return text.replace(MARK, " ").replace("\0", " ").replace("\r\n", " \n").replace("\r", "\n")


def _doubted(text: str, ends: Sequence[int]) -> str:
    """The text as harmless Markdown with a mark where each of the sentences ends."""
    tokens = PARSER.parse(text)
    lines = text.split("\n")
    places: dict[int, list[tuple[int, int]]] = {}
    marked: list[Token] = []
    for end in ends:
        line = text.count("\n", 0, end)
        column = end - (text.rfind("\n", 0, end) + 1)
        token = _block_at(tokens, line)
        if token is None:
            continue
        if token.type != "inline":
            marked.append(token)
        elif token.map:
            places.setdefault(id(token), []).append((line - token.map[0], column))
    for token in tokens:
        if found := places.get(id(token)):
            assert token.map is not None
            _mark(token, lines[token.map[0] :], found)
    return written(tokens, marked)


def _block_at(tokens: Sequence[Token], line: int) -> Token | None:
    """The table, the code block, the tags or the running text that stands on a line, or last before it."""
    best: Token | None = None
    table_until = -1
    for token in tokens:
        if token.map is None or token.map[0] > line or token.map[0] < table_until:
            continue
        if token.type == "table_open":
            best, table_until = token, token.map[1]
        elif token.type in ("inline", "fence", "code_block", "html_block"):
            best = token
    return best


def _mark(token: Token, lines: Sequence[str], places: Sequence[tuple[int, int]]) -> None:
    """Put a mark into running text at each place (line, column of the source), and parse it again."""
    pieces = token.content.split("\n")
    for row, column in sorted(set(places), reverse=True):
        row = min(row, len(pieces) - 1)
        source = lines[row] if row < len(lines) else ""
        begins = max(0, source.rfind(pieces[row].rstrip()))
        at = min(max(0, column - begins), len(pieces[row]))
        pieces[row] = f"{pieces[row][:at]}\u00a0{MARK}{pieces[row][at:]}"
    token.content = "\n".join(pieces)
    token.children = []
    PARSER.inline.parse(token.content, PARSER, {}, token.children)

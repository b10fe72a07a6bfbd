"""What a model wrote, made safe and citable as Markdown.

Knows which Markdown a browser would fetch or follow, and how markers become links to the sources. Text from a model or
a document is data: its images, links, tags and directives are shown as written. Does not know models or the chat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.types import CheckedAnswer, Passage, Support

SOURCE_LINK = "#source-"
UNSUPPORTED_LINK = "#unsupported"
HAIR_SPACE = "\u200a"

_URL_CHARS = r"[^\s<>`\"'()\[\]!]{0,2000}"
_SPECIAL = re.compile(
    rf"`+|!\[|\](?=[(:])|<(?=[A-Za-z/!?])|:(?=[A-Za-z])|https?://{_URL_CHARS}|www\.{_URL_CHARS}|\n", re.IGNORECASE
)
_MAY_CONTINUE = re.compile(
    rf"(?:`+|!|\]|<|:|h|ht|htt|https?|https?:|https?:/|https?://{_URL_CHARS}|w|ww|www|www\.{_URL_CHARS})\Z",
    re.IGNORECASE,
)
_FENCE_LINE = re.compile(r" {0,3}(?:(`{3,})[^`\n]{0,160}|(~{3,})[^\n]{0,160})")
_MAY_OPEN_FENCE = re.compile(r" {0,3}(?:`{0,2}|~{0,2}|`{3,}[^`\n]{0,160}|~{3,}[^\n]{0,160})")
_CLOSING_LINE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*")
_MAY_CLOSE_FENCE = re.compile(r" {0,3}(?:`*|~*)[ \t]*")
_TRAILING_PUNCTUATION = ".,;:?*_~"


class Neutraliser:
    """Makes a stream of Markdown harmless piece by piece; the pieces' borders do not change what comes out.

    Code blocks pass as they are. Elsewhere images, links, link definitions, HTML tags and directives lose their
    meaning, and an address becomes code: readable and copyable, but neither fetched nor followed.
    """

    def __init__(self) -> None:
        self._held = ""
        self._fence = ""
        self._span = 0
        self._line_begins = True

    @property
    def in_code_block(self) -> bool:
        """Whether what came so far ends inside a fenced code block."""
        return bool(self._fence)

    def feed(self, text: str) -> str:
        """The next piece of harmless text; what may still become something else is held back."""
        return self._run(self._held + text, final=False)

    def close(self) -> str:
        """What was held back."""
        return self._run(self._held, final=True)

    def _run(self, data: str, *, final: bool) -> str:
        limit = len(data)
        if not final and (tail := _MAY_CONTINUE.search(data)):
            limit = tail.start()
        out: list[str] = []
        at = 0
        while at < len(data):
            if self._line_begins:
                taken = self._begin_line(data, at, final)
                if taken is None:
                    break
                out.append(data[at:taken])
                at = taken
                if self._line_begins:
                    continue
            if self._fence:
                end = data.find("\n", at) + 1 or len(data)
                out.append(data[at:end])
                self._line_begins = data[end - 1] == "\n"
                at = end
                continue
            found = _SPECIAL.search(data, at)
            if found is None or found.start() >= limit:
                out.append(data[at:limit])
                at = max(at, limit)
                break
            out.append(data[at : found.start()])
            out.append(self._neutral(found.group()))
            at = found.end()
        self._held = data[at:]
        return "".join(out)

    def _begin_line(self, data: str, at: int, final: bool) -> int | None:
        """Where the line's content begins, past a whole fence line; None while the line may become one."""
        end = data.find("\n", at)
        whole = end >= 0 or final
        line = data[at : end if end >= 0 else len(data)]
        after = end + 1 if end >= 0 else len(data)
        if self._fence:
            if not whole and _MAY_CLOSE_FENCE.fullmatch(line):
                return None
            closing = _CLOSING_LINE.fullmatch(line) if whole else None
            if closing and closing.group(1)[0] == self._fence:
                self._fence = ""
                return after
        else:
            if not whole and _MAY_OPEN_FENCE.fullmatch(line):
                return None
            opening = _FENCE_LINE.fullmatch(line) if whole else None
            if opening:
                self._fence = (opening.group(1) or opening.group(2))[0]
                self._span = 0
                return after
            if whole and not line.strip():
                self._span = 0
        self._line_begins = False
        return at

    def _neutral(self, special: str) -> str:
        if special == "\n":
            self._line_begins = True
            return special
        if special[0] == "`":
            if self._span == 0:
                self._span = len(special)
            elif self._span == len(special):
                self._span = 0
            return special
        if special == "![":
            return "\\!["
        if self._span:
            return special
        if special == "]":
            return "]\\"
        if special in "<:":
            return "\\" + special
        address = special.rstrip(_TRAILING_PUNCTUATION)
        return f"`{address}`{special[len(address) :]}"


def neutral(text: str) -> str:
    """A whole text made harmless; see `Neutraliser`.

    >>> neutral("See ![x](http://example.org/a.png).")
    'See \\\\![x]\\\\(`http://example.org/a.png`).'
    """
    neutraliser = Neutraliser()
    return neutraliser.feed(text) + neutraliser.close()


def cited(checked: CheckedAnswer, passages: Sequence[Passage], *, page: str, unsupported: str) -> str:
    """An answer as Markdown whose markers link to its sources, and whose unsupported sentences carry a marker `[?]`.

    `page` is the word for a page, `unsupported` the sentence shown over `[?]`; empty leaves such sentences unmarked.
    """
    text = _with_doubts(checked) if unsupported else checked.text
    return linked(text, passages, page=page, unsupported=unsupported)


def linked(text: str, passages: Sequence[Passage], *, page: str, unsupported: str = "") -> str:
    """Text with markers `[n]` as harmless Markdown in which the markers link to the sources."""
    neutraliser = Neutraliser()
    body = neutraliser.feed(text) + neutraliser.close()
    if neutraliser.in_code_block:
        body += "\n```" if body.rfind("```") > body.rfind("~~~") else "\n~~~"
    body = body.replace("][", f"]{HAIR_SPACE}[")
    definitions = [
        f'[{number}]: {SOURCE_LINK}{number} "{_title(passage, page)}"' for number, passage in enumerate(passages, 1)
    ]
    if unsupported:
        definitions.append(f'[?]: {UNSUPPORTED_LINK} "{unsupported}"')
    return f"{body}\n\n" + "\n".join(definitions) if definitions else body


def plain_title(passage: Passage, page: str) -> str:
    """Where a passage stands, on one line: document, page, innermost heading."""
    place = passage.document if passage.page is None else f"{passage.document}, {page} {passage.page}"
    return f"{place}: {passage.headings[-1]}" if passage.headings else place


def _title(passage: Passage, page: str) -> str:
    line = " ".join(plain_title(passage, page).split())
    return line.replace("\\", "/").replace('"', "'").replace("`", "'")


def _with_doubts(checked: CheckedAnswer) -> str:
    text = checked.text
    code = _code_blocks(text)
    for sentence in reversed(checked.sentences):
        if sentence.support is not Support.UNSUPPORTED:
            continue
        end = sentence.start + len(text[sentence.start : sentence.end].rstrip())
        if not any(start <= end < stop for start, stop in code):
            text = f"{text[:end]}\u00a0[?]{text[end:]}"
    return text


def _code_blocks(text: str) -> list[tuple[int, int]]:
    blocks: list[tuple[int, int]] = []
    opened: int | None = None
    at = 0
    for line in text.splitlines(keepends=True):
        if re.match(r" {0,3}(`{3,}|~{3,})", line):
            if opened is None:
                opened = at
            else:
                blocks.append((opened, at + len(line)))
                opened = None
        at += len(line)
    if opened is not None:
        blocks.append((opened, at))
    return blocks

"""Nasty Markdown in any number, and whether anything in it is alive after the neutraliser.

    python -m tests.security.markdown 100000

prints JSON: how many texts were tried, and those that failed. What is alive is asked of a real parser of CommonMark
with GFM's tables and strike-through; which addresses become links by themselves, by the expressions of the page's own
library, on the parsed text.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import sys
import time
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.types import CheckedAnswer, CheckedSentence, Passage, Support
from tandem.markdown import Neutraliser, cited, neutral, neutral_line, provisional

EVIL = ("http://evil.example/x", "https://evil.example", "HTTP://EVIL.example", "www.evil.example", "//evil.example")
EVIL += (
    "mailto:a@evil.example",
    "a.b+c@evil.example",
    ".@.evil",
    "a@.b",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://evil.example",
)
EVIL += ("http&colon;//evil.example", "http&#58;//evil.example", "&#119;ww.evil.example", "http:\\/\\/evil.example")
PIECES = (
    *EVIL,
    *("[", "]", "(", ")", "![", "](", "][", "]:", "[x]", "[1]", "[?]", "[^1]", "[^1]: ", "[x]: ", "<", ">", "<<"),
    "</",
    "$\\href{http://evil.example}{x}$",
    "\\(\\includegraphics{http://evil.example/i.png}\\)",
    *(
        "<a href='http://evil.example'>",
        "<img src=http://evil.example/i.png>",
        "<script>alert(1)</script>",
        "<!--",
        "-->",
    ),
    *(
        "<http://evil.example>",
        "<a@evil.example>",
        "<![CDATA[",
        "]]>",
        "<?x",
        "?>",
        "<svg onload=alert(1)>",
        "<b>",
        "</b>",
    ),
    *(
        "`",
        "``",
        "```",
        "````",
        "\\`",
        "~~~",
        "~~",
        "~",
        "\\",
        "\\\\",
        "\\[",
        "\\]",
        "\\(",
        "\\)",
        "$",
        "$$",
        "$x_1$",
        "\u2061",
        "*",
        "**",
        "***",
        "_",
        "__",
    ),
    *(
        "\n",
        "\n\n",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "    ",
        "  \n",
        "\\\n",
        " ",
        " ",
        "\u00a0",
        "\u2028",
        "\u200b",
        "\x00",
        "\ue000",
    ),
    *(
        "# ",
        "> ",
        "> [!NOTE]\n> ",
        "- ",
        "* ",
        "+ ",
        "1. ",
        "1) ",
        "- [ ] ",
        "---",
        "===",
        "| a | b |\n|---|---|\n| ",
        " | ",
    ),
    *(
        "|",
        "```html\n",
        "```\n",
        "~~~\n",
        "\n```",
        ":::",
        ":x[y](z)",
        "::x{a=b}",
        ":",
        "&amp;",
        "&lt;",
        "&#60;",
        "&#x5b;",
    ),
    *(
        "word",
        "The moon is cheese.",
        "Leave is 25 days [1].",
        "é",
        "😀",
        "İ",
        "a_b",
        "x",
        "http",
        "://",
        "www",
        ".",
        "@",
        "!",
    ),
    *(
        "http:/",
        "/evil.example",
        '"t"',
        "'t'",
        "(http://evil.example 't')",
        "{onclick=alert(1)}",
        "$x$",
        "<br/>",
        "\u202e",
    ),
)
# As in mdast-util-gfm-autolink-literal, which the page renders with: it looks at every text that is parsed.
ALIVE = re.compile(r"(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)", re.IGNORECASE)
# Looser than the one there: while it parses, the page takes a domain that begins with a dot for one, too.
ALIVE_MAIL = re.compile(r"[-.\w+]+@[-.\w]*\.[-.\w]*[^\W\d_]")
# A footnote is one where it is defined.
NOT_COMMON = re.compile(r"\A\[[ xX]\](?:\s|\Z)|^\[\^[^\]]*\]:", re.MULTILINE)
PAGE = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OWN = re.compile(r"#(?:source-[12]|unsupported)")
PASSAGES = (Passage("a", "a.md", "A.", 0, 2, headings=("x](http://evil.example",)), Passage("b", "<b>", "B.", 0, 2))


def texts(count: int, seed: int) -> Iterator[str]:
    """That many texts of nasty pieces."""
    chance = random.Random(seed)
    for _ in range(count):
        yield "".join(chance.choices(PIECES, k=chance.randint(1, 24)))


def alive(shown: str, *, own: bool = False) -> str:
    """What is alive in a text that is shown, "" for nothing; with `own`, links to the sources may be."""
    for token in _all(PAGE.parse(shown)):
        if token.type == "link_open" and not (own and OWN.fullmatch(str(token.attrs.get("href")))):
            return f"a link to {token.attrs.get('href')}"
        if token.type in ("image", "html_inline", "html_block"):
            return f"{token.type}: {token.content or token.attrs}"
        if token.type == "text" and (found := ALIVE.search(token.content) or ALIVE_MAIL.search(token.content)):
            return f"an address: {found[0]}"
        if token.type == "inline" and (found := NOT_COMMON.search(token.content)):
            return f"a check box or a footnote: {found[0]}"
    return ""


def fault(text: str, chance: random.Random) -> str:
    """What is wrong with how a text is shown, whole, in a line, as it comes in and with its doubts; "": nothing."""
    if found := alive(neutral(text)):
        return f"whole: {found}"
    if found := alive(neutral_line(text)):
        return f"line: {found}"
    stream = Neutraliser()
    came, at = provisional(len(PASSAGES)) if chance.random() < 0.5 else "", 0
    while at < len(text):
        size = chance.randint(1, 9)
        came += stream.feed(text[at : at + size])
        at += size
        if chance.random() < 0.2 and (found := alive_while_it_comes(came)):
            return f"stream: {found}"
    came += stream.close()
    if found := alive_while_it_comes(came):
        return f"stream: {found}"
    cuts = sorted(chance.choices(range(len(text) + 1), k=3))
    sentences = tuple(CheckedSentence(text[a:b], a, b, Support.UNSUPPORTED, 0.0) for a, b in itertools.pairwise(cuts))
    shown = cited(CheckedAnswer(text, sentences), PASSAGES, page="page", unsupported="Nothing supports this.")
    if found := alive(shown, own=True):
        return f"cited: {found}"
    return ""


def alive_while_it_comes(shown: str) -> str:
    """As `alive`; tags are not rendered by the page, and shown as what they are."""
    for token in _all(PAGE.parse(shown)):
        if token.type == "image" or (token.type == "link_open" and not OWN.fullmatch(str(token.attrs.get("href")))):
            return f"{token.type} to {token.attrs}"
        if token.type == "text" and (found := ALIVE.search(token.content) or ALIVE_MAIL.search(token.content)):
            return f"an address: {found[0]}"
        if token.type == "inline" and (found := NOT_COMMON.search(token.content)):
            return f"a check box or a footnote: {found[0]}"
    return ""


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    chance = random.Random(seed)
    begun = time.monotonic()
    wrong = [(text, found) for text in texts(count, seed) if (found := fault(text, chance))]
    print(json.dumps({"texts": count, "wrong": len(wrong), "seconds": round(time.monotonic() - begun, 1)}))
    for text, found in wrong[:20]:
        print(json.dumps({"text": text, "found": found}))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

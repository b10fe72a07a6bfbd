"""Formulas in LaTeX: where one stands in a text, and how it is handed to the page, which typesets it.

Knows `\\(...\\)`, `\\[...\\]`, `$$...$$` and `$...$`, and what tells a formula between dollars from money. A formula is
written out as a code span that begins with a sign of its own (public/formulas.js looks for it), so that it is as
harmless as code wherever nothing typesets it. Does not know LaTeX.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

INLINE, DISPLAY = "math_inline", "math_display"
SIGNS = {INLINE: "\u2061", DISPLAY: "\u2061\u2061"}
"""What the code span of a formula begins with: a sign that shows nothing and stands in no text."""
_LONGEST = 2_000
_FORMS = (
    ("\\[", "\\]", DISPLAY),
    ("\\(", "\\)", INLINE),
    ("$$", "$$", DISPLAY),
    ("$", "$", INLINE),
)
# A command, an index, an exponent, a group or a relation; else letters that stand for something, with signs between.
_TELLS = re.compile(r"\\[A-Za-z]|[\^_={}<>]")
_LETTERS = re.compile(r"\s*\d*[A-Za-z]'?(?:\s*[+*/|!,-]\s*(?:\d*[A-Za-z]|\d+)'?)*\s*")


def learn(parser: MarkdownIt) -> None:
    """Have the parser see formulas, as tokens INLINE and DISPLAY."""
    parser.inline.add_terminator_char("$")
    parser.inline.ruler.before("escape", "formula", _formula)


def _formula(state: StateInline, silent: bool) -> bool:
    for opening, closing, kind in _FORMS:
        if not state.src.startswith(opening, state.pos):
            continue
        start = state.pos + len(opening)
        end = state.src.find(closing, start, min(state.posMax, start + _LONGEST))
        if end < 0 or not _is_formula(state.src, start, end, opening):
            if opening == "$$":
                return False
            continue
        if not silent:
            token = state.push(kind, "", 0)
            token.content = " ".join(state.src[start:end].split())
        state.pos = end + len(closing)
        return True
    return False


def _is_formula(source: str, start: int, end: int, opening: str) -> bool:
    """Whether what stands between the signs is a formula, not two prices and what is between them."""
    content = source[start:end]
    if not content.strip() or "`" in content or "[?]" in content:
        return False
    tells = bool(_TELLS.search(content)) or (opening in ("$", "\\(") and bool(_LETTERS.fullmatch(content)))
    if opening != "$":
        return tells
    before, after = source[: start - 1][-1:], source[end + 1 : end + 2]
    apart = not content[0].isspace() and not content[-1].isspace() and "\n" not in content
    return tells and apart and not before.isalnum() and not after.isalnum() and content[-1] != "\\"

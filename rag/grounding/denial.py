"""What a sentence denies: the words that follow its "not".

Knows the words for it in English, German and French, which stand before what they deny. Does not know denial by endings
or behind (Turkish), nor what a sentence means.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.text.analyser import stop_terms

_NOT = regex.compile(
    r"(?:\bnot\b(?!\s+(?:only|just|merely|least))|\bnever\b|n['’]t\b|\bnicht\b(?!\s+nur)|\bniemals\b|\bne\b.{1,20}?\bpas\b)",
    regex.I,
)
_ANY = regex.compile(
    r"\b(?:not?|never|none?|nor|neither|cannot|without|nobody|nothing|un\w{4,}|nicht|nie|niemals|kein\w*|ohne|ne|pas|"
    r"sans|değil|yok|hiç\w*)\b|n['’]t\b",
    regex.I,
)
_END = regex.compile(r"[,;:.!?()\n–—]")
_DENIED = 2


def denies(text: str) -> bool:
    """Whether a text denies anything at all."""
    return _ANY.search(text) is not None


def denied(text: str, words: Sequence[tuple[str, str, int, int]], language: str) -> frozenset[str]:
    """The stems that stand behind a "not", two content words at most, up to the next comma or end.

    `words` are the sentence's, as `rag.text.idf.terms_of` gives them.
    """
    found: set[str] = set()
    for cue in _NOT.finditer(text):
        end = _END.search(text, cue.end())
        until = end.start() if end is not None else len(text)
        stop = stop_terms(language or "en")
        after = [stem for stem, word, start, _ in words if cue.end() <= start < until and word not in stop]
        found.update(after[:_DENIED])
    return frozenset(found)

"""Decides, without a model, whether a question leans on the conversation, and lends it the conversation's terms.

Knows pronouns, openings ("and", "what about", "peki ya") and question length. Does not know the index.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.text.analyser import casefold, fold, stem, stop_terms, tokens
from rag.text.language import detect

_OPENING = regex.compile(
    r"^\s*(?:and|but|so|or|also|what about|how about|what if|then|why|how so|why not|really|since when|"
    r"tell me more|more|explain|elaborate|go on|for example|"
    r"ve|peki|ya|ama|hani|ne zamandan|neden|niye|nasıl yani|daha fazla|örnek|und|aber|et|mais|y|pero)\b",
    regex.I,
)
_POINTER_WORDS = """
it its they them their theirs this that these those he she his her him there then same former latter such one ones
else otherwise instead o onu onun ona onda ondan onlar onları onların onlara bu bunu bunun buna bunlar bunların şu
şunu orada burada öyle böyle aynı diğer diğeri er sie ihn ihm diese dieser dieses il elle ils elles
"""
_POINTER = frozenset(fold(casefold(word)) for word in _POINTER_WORDS.split())
_MAX_BORROWED = 12


def needs_context(question: str) -> bool:
    """Whether `question` cannot stand alone: it opens like a continuation, points at something unsaid, or is a
    fragment.
    """
    language = detect(question)
    stop = stop_terms(language or "en")
    words = [token.folded for token in tokens(question, language)]
    if not words:
        return False
    content = [w for w in words if w not in stop and w not in _POINTER]
    if _OPENING.match(question) and len(content) <= 4:
        return True
    if any(w in _POINTER for w in words) and len(content) <= 3:
        return True
    return len(content) == 0


def searched(question: str, history: Sequence[tuple[str, str]]) -> str:
    """What to search for: the question, with the terms of the last question where it needs them.

    Only words that the question lacks are added, after its own, so that its own stay decisive. A chain of
    follow-ups goes back to the last question that stood alone.
    """
    if not history or not needs_context(question):
        return question
    borrowed: list[str] = []
    language = detect(question)
    stop = stop_terms(language or "en")
    own = {stem(casefold(t.folded), language) for t in tokens(question, language)}
    for earlier, _ in reversed(history[-6:]):
        spoken = detect(earlier)
        for token in tokens(earlier, spoken):
            word = earlier[token.start : token.end]
            if token.folded in stop or token.folded in stop_terms(spoken or "en") or token.folded in _POINTER:
                continue
            key = stem(casefold(token.folded), language)
            if key not in own:
                own.add(key)
                borrowed.append(word)
        if len(borrowed) >= _MAX_BORROWED or not needs_context(earlier):
            break
    return " ".join((question, *borrowed[:_MAX_BORROWED]))

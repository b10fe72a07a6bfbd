"""Decides by its words whether a turn of a conversation stands alone, and which words of the others it may borrow.

Knows pronouns, openings ("and", "what about", "peki ya") and question length. Does not know the index, meanings, or
what borrowed words count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from rag.text import framing
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
_TURNS, _FARTHEST = 2, 6
_TOO_LITTLE = 2
"""Words that carry meaning, at most, with which a turn does not tell what it is about."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn takes from the conversation: the words it may borrow, of the last question and of those before that
    (in this order), and the last question as it was asked (`before`). `stands_alone` says that its own words tell what
    it is about.
    """

    stands_alone: bool
    borrowed: tuple[str, ...] = ()
    before: str = ""


def needs_context(question: str) -> bool:
    """Whether `question` cannot stand alone: it opens like a continuation, points at something unsaid, or says too
    little.
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
    return len(content) <= _TOO_LITTLE


def turn(question: str, history: Sequence[tuple[str, str]]) -> Turn:
    """What `question` takes from the (question, answer) pairs before it.

    Only words that it lacks are borrowed. A chain of turns that say too little goes back to the last one that says
    more.
    """
    asked = _asked(history)
    if not asked or not question.strip():
        return Turn(stands_alone=True)
    language = detect(question)
    held = {stem(casefold(t.folded), language) for t in tokens(question, language)}
    borrowed = []
    for earlier in asked:
        words = []
        spoken = detect(earlier)
        stop = stop_terms(spoken or "en") | stop_terms(language or "en")
        for token in tokens(earlier, spoken):
            key = stem(casefold(token.folded), language)
            if token.folded not in stop and token.folded not in _POINTER and key not in held:
                held.add(key)
                words.append(earlier[token.start : token.end])
        borrowed.append(" ".join(words[:_MAX_BORROWED]))
    return Turn(not needs_context(question), tuple(words for words in borrowed if words), asked[0])


def _asked(history: Sequence[tuple[str, str]]) -> list[str]:
    """The questions before, the last one first: two, or as many as it takes to reach one that stands alone."""
    asked: list[str] = []
    for earlier, _ in reversed(history[-_FARTHEST:]):
        if earlier.strip():
            asked.append(framing.unframed(earlier))
        if len(asked) >= _TURNS and not needs_context(asked[-1]):
            break
    return asked

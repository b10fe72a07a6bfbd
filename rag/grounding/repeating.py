"""What was said before in nearly the same words: a rule that two regulations have, a page that repeats another.

Knows words, numbers, names and denials, by which sentences differ that are otherwise alike. Does not know which of two
is the better one, nor what a sentence means.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.grounding.denial import denies
from rag.grounding.figures import is_number
from rag.text.analyser import fold
from rag.text.list_marks import ARTICLE

_WORD = regex.compile(r"[\p{L}\p{N}_]+")
_PART = regex.compile(r"\s*\(\d{1,2}\)")
_FEW, _SAME = 10, 0.85
"""Words of what may be said again at least, and the share of them that were said."""
_STEM, _TELLING = 5, 5
"""Letters of a word that tell it, whatever its ending, and those at least of one that may be another."""


def says_again(said: str, before: Sequence[str]) -> bool:
    """Whether nearly all words of a text stand in one of those `before` it: all numbers and names, its last word as it
    is, and as good as all others, which are of some length; one denies nothing that the other does not.
    """
    article = ARTICLE.match(said)
    text = said[article.end() :] if article else said
    text = text[part.end() :] if (part := _PART.match(text)) else text
    words = _WORD.findall(text)
    if len(words) < _FEW:
        return False
    return any(_holds(words, denies(text), other) for other in before if len(other) * 2 > len(text))


def _holds(words: Sequence[str], denied: bool, other: str) -> bool:
    held = [fold(word) for word in _WORD.findall(other)]
    stems = {word[:_STEM] for word in held}
    new = [word for word in words if fold(word)[:_STEM] not in stems]
    return (
        len(new) <= (1 - _SAME) * len(words)
        and fold(words[-1]) in held
        and all(word.isalpha() and len(word) >= _TELLING for word in new)
        and not any(word[0].isupper() for word in new if word is not words[0])
        and not any(is_number(fold(word)) for word in new)
        and denied is denies(other)
    )

"""Other words for a word: the groups of `thesaurus.yaml`, by stem.

Knows languages' synonyms. Does not know which of them a passage holds, nor what a match is worth.
"""

from __future__ import annotations

from functools import cache

from rag.text.analyser import casefold, stem
from rag.text.wordlists import word_lists


@cache
def _groups(language: str) -> dict[str, tuple[str, ...]]:
    related: dict[str, dict[str, None]] = {}
    for line in word_lists("thesaurus").get(language, ()):
        group = [stem(casefold(word), language) for word in line.split()]
        for one in group:
            related.setdefault(one, {}).update(dict.fromkeys(other for other in group if other != one))
    return {one: tuple(others) for one, others in related.items()}


def related(stems: tuple[str, ...], language: str) -> tuple[str, ...]:
    """The stems of words that people use in place of this one; empty when none is known."""
    groups = _groups(language)
    return tuple(dict.fromkeys(other for one in stems for other in groups.get(one, ()) if other not in stems))

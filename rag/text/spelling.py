"""Corrects words that the library has never seen, at edit distance one.

Knows edits and which of them the library's vocabulary holds. Does not know languages: it works on folded words, where
diacritics do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import regex

_ALPHABETS = (
    (regex.compile(r"[a-z]+"), "abcdefghijklmnopqrstuvwxyz"),
    (regex.compile(r"\p{Cyrillic}+"), "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґ"),
    (regex.compile(r"\p{Greek}+"), "αβγδεζηθικλμνξοπρστυφχψως"),
    (regex.compile(r"\p{Arabic}+"), "ابتثجحخدذرزسشصضطظعغفقكلمنهويءپچژگ"),
)
MIN_LENGTH = 4
# A short Arabic word is one root among many that differ by a letter: an unknown one is more often rare than misspelt.
_MIN_ARABIC = 7
MAX_LENGTH = 24


def correct(folded: str, frequencies: Callable[[Sequence[str]], Sequence[int]]) -> str:
    """The commonest word of the vocabulary one edit away from an unknown word, or "".

    An edit inserts, drops or replaces a letter or swaps two neighbours. `frequencies` counts, for each of many folded
    words, the passages with it, and is asked once. A first letter is seldom mistyped, so a word that keeps it wins over
    a much commoner one that does not.
    """
    alphabet = next((letters for shape, letters in _ALPHABETS if shape.fullmatch(folded)), "")
    if alphabet and alphabet == _ALPHABETS[-1][1] and len(folded) < _MIN_ARABIC:
        return ""
    if not alphabet or not MIN_LENGTH <= len(folded) <= MAX_LENGTH:
        return ""
    best, best_score = "", 0.0
    edits = sorted(_edits(folded, alphabet))
    for word, count in zip(edits, frequencies(edits), strict=True):
        if not count:
            continue
        score = float(count) * (10.0 if word[0] == folded[0] else 1.0)
        if sorted(word) == sorted(folded):
            score *= 3.0  # a swap leaves the letters as they were: the likeliest slip
        if score > best_score:
            best, best_score = word, score
    return best


def _edits(word: str, alphabet: str) -> set[str]:
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    edits = {a + b[1:] for a, b in cuts if b}
    edits.update(a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1)
    edits.update(a + letter + b[1:] for a, b in cuts if b for letter in alphabet)
    edits.update(a + letter + b for a, b in cuts for letter in alphabet)
    edits.discard(word)
    return edits

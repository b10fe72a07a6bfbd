"""Letters that a font names wrongly: a text in which every "i" is a sign of another script, or "ti" one strange letter.

Knows that such a sign stands inside words, and that with the right letters most of them are words of the language. Does
not know formats: it is handed a text that was read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import replace

import regex

from rag.formats.extracted import Extracted
from rag.text import lexicon
from rag.text.language import detect

_LEAST_TIMES, _LEAST_WORDS, _MOST_WORDS, _MOST_SIGNS = 10, 5, 300, 5
_INSIDE = 0.9
"""Share of a sign's places that are beside a letter; a word of another script stands alone."""
_KNOWN, _BETTER = 0.3, 2.0
"""Share of the words that become known with the right letters, and how much better they are than any others: word lists
do not hold every form."""
_PATIENCE_S = 60.0
_SIGN = regex.compile(r"[^\p{Common}\p{Inherited}\u0000-\u017f]|[ŌƟ]|\p{Co}")
_WORD = regex.compile(r"(?:[\p{L}\p{M}]|[^\p{Common}\p{Inherited}]|\p{Co})+")
_LATIN = regex.compile(r"\p{Latin}")
_LETTERS = (*"ieaıoutnsrlmdcpgğşçöühbfvkyzwxqjéèàäß", "ti", "tt", "ft", "ff", "fi", "fl", "ffi", "fti", "tti")


def with_right_letters(read: Extracted) -> Extracted:
    """`read` with the letters that its signs stand for; as it is where it has none, or nothing tells which."""
    signs = [
        sign for sign, times in Counter(_SIGN.findall(read.text)).most_common(_MOST_SIGNS) if times >= _LEAST_TIMES
    ]
    if not signs:
        return read
    language = detect(_SIGN.sub("", read.text))
    if not language or not lexicon.ready(language, _PATIENCE_S):
        return read
    words = Counter(word for word in _WORD.findall(read.text) if _SIGN.search(word))
    meant: dict[str, str] = {}
    for sign in signs:
        if letters := _meant(sign, words, meant, language):
            meant[sign] = letters
    return _written(read, meant) if meant else read


def _meant(sign: str, words: Counter[str], meant: dict[str, str], language: str) -> str:
    """The letters that `sign` stands for, with those of other signs known; "" where nothing tells."""
    holding = [(word, times) for word, times in words.most_common() if sign in word]
    inside = sum(times for word, times in holding if _LATIN.search(word.replace(sign, "")))
    if inside < _INSIDE * sum(times for _, times in holding):
        return ""
    table = str.maketrans(meant)
    whole = [word.translate(table) for word, _ in holding[:_MOST_WORDS]]
    if len(whole) < _LEAST_WORDS:
        return ""
    shares = {
        letters: sum(lexicon.is_word(word.replace(sign, letters), language) for word in whole) / len(whole)
        for letters in _LETTERS
    }
    best = max(_LETTERS, key=shares.__getitem__)
    as_it_is = sum(lexicon.is_word(word, language) for word in whole) / len(whole)
    others = [share for letters, share in shares.items() if letters not in (best, *_alike(best))]
    good = shares[best] >= _KNOWN and shares[best] >= _BETTER * max(as_it_is, *others)
    return best if good else ""


def _alike(letters: str) -> tuple[str, ...]:
    """Letters that word lists in one case do not tell from these."""
    return ("i", "ı") if letters in ("i", "ı") else ()


def _written(read: Extracted, meant: dict[str, str]) -> Extracted:
    """`read` with signs replaced, and every place moved along."""
    found = list(regex.finditer("|".join(map(regex.escape, meant)), read.text))
    places = [at.start() for at in found]
    grown = [0]
    for at in found:
        grown.append(grown[-1] + len(meant[at[0]]) - 1)

    def moved(place: int) -> int:
        return place + grown[bisect_left(places, place)]

    table = str.maketrans(meant)
    headings = tuple(
        replace(one, start=moved(one.start), end=moved(one.end), text=one.text.translate(table))
        for one in read.headings
    )
    return replace(
        read,
        text=read.text.translate(table),
        title=read.title.translate(table),
        headings=headings,
        pages=tuple(map(moved, read.pages)),
    )

"""The numbers that a text states, and what stands beside each.

Knows numbers in digits, and in words where the language's are listed. Does not know amounts: 12,000 and 12.000 are the
same digits. Serves the citation check and the evidence of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import regex

from rag.text.analyser import stop_terms

_NUMBER = regex.compile(r"\d+(?:[.,:'’\u00a0]\d+)*")
_WORDS: Mapping[str, Mapping[str, str]] = {
    language: {name: str(number) for number, name in enumerate(listed.split())}
    for language, listed in (
        ("en", "zero one two three four five six seven eight nine ten eleven twelve"),
        ("tr", "sifir bir iki uc dort bes alti yedi sekiz dokuz on"),
    )
}
_AFTER = 2


def names(language: str) -> Mapping[str, str]:
    """The digits of each number that the language has a word for, by its folded word."""
    return _WORDS.get(language, {})


def of(text: str) -> set[str]:
    """The numbers in digits, without separators and leading zeros."""
    return {_plain(m.group()) for m in _NUMBER.finditer(text)}


def beside(text: str, words: Sequence[tuple[str, str, int, int]], language: str) -> dict[str, frozenset[str]]:
    """The numbers of a sentence, in digits and in the language's words, each with the stems beside it.

    `words` are the sentence's, as `rag.text.idf.terms_of` gives them.
    """
    stop = stop_terms(language or "en")
    content = [w for w in words if w[1] not in stop and not w[1][0].isdigit()]
    listed = names(language)
    found: dict[str, frozenset[str]] = {}
    places = [(m.start(), m.end(), _plain(m.group())) for m in _NUMBER.finditer(text)]
    places += [(start, end, listed[word]) for _, word, start, end in words if word in listed]
    for start, end, number in places:
        after = [stem for stem, _, begun, _ in content if begun >= end][:_AFTER]
        before = [stem for stem, _, _, ended in content if ended <= start][-1:]
        found[number] = found.get(number, frozenset()) | {*after, *before}
    return found


def _plain(number: str) -> str:
    digits = "".join(sign for sign in number if sign.isdecimal())
    return digits.lstrip("0") or "0"

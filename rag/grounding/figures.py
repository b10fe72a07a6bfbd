"""The numbers that a text states, and what stands beside each.

Knows numbers in digits, and in words where the language's are listed. Does not know amounts: 12,000 and 12.000 are the
same digits. Serves the citation check and the evidence of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import regex

from rag.text.analyser import stop_terms

_TEENS = "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_TR_TENS = "yirmi otuz kirk elli altmis yetmis seksen doksan"
_DIGITS = r"\d+(?:[.,:'’\u00a0]\d+)*"
_NUMBER = regex.compile(rf"(?<!\p{{L}}){_DIGITS}")
_RANGE = regex.compile(rf"(?<![\p{{L}}\d-])({_DIGITS})\s?(?:to|bis|à|ila|[-–—])\s?({_DIGITS})(?![\d–-])")
_WORDS: Mapping[str, Mapping[str, str]] = {
    language: {name: str(number) for number, name in enumerate(listed.split())}
    for language, listed in (
        ("en", "zero one two three four five six seven eight nine ten eleven twelve"),
        ("tr", "sifir bir iki uc dort bes alti yedi sekiz dokuz on"),
    )
}
_TENS: Mapping[str, Mapping[str, int]] = {
    "en": {
        **{name: number for number, name in enumerate(_TEENS.split(), 13)},
        **{name: number for number, name in zip(range(20, 100, 10), _EN_TENS.split(), strict=True)},
    },
    "tr": dict(zip(_TR_TENS.split(), range(20, 100, 10), strict=True)),
}
_SCALES: Mapping[str, Mapping[str, int]] = {
    "en": {"hundred": 100, "thousand": 1_000, "million": 1_000_000},
    "tr": {"yuz": 100, "bin": 1_000, "milyon": 1_000_000},
}
_GERMAN = regex.compile(
    r"zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|elf|zwolf|\w+(?:zehn|zig|ssig|hundert|tausend)"
)
_PER_CENT = regex.compile(
    r"[%٪‰]|\bper\s?cent\b|\bprozent|\byüzde|\bpour\s?cent\b|\bpor\s?ciento\b|\bper\s?cento\b", regex.I
)
_PERCENTAGE = regex.compile(
    rf"(?:[%٪]|\byüzde)\s?({_DIGITS})|({_DIGITS})\s?(?:[%٪]|(?:per\s?cent|prozent|pour\s?cent|por\s?ciento|per\s?cento)\b)",
    regex.I,
)
_JOINT = regex.compile(r"[\s\u00ad-]+")
_AFTER = 2


def names(language: str) -> Mapping[str, str]:
    """The digits of each small number that the language has a word for, by its folded word."""
    return _WORDS.get(language, {})


def is_number(folded: str) -> bool:
    """Whether a word stands for a number in any of the languages that these are listed of."""
    listed = (*_WORDS.values(), *_TENS.values(), *_SCALES.values())
    return any(folded in words for words in listed) or _GERMAN.fullmatch(folded) is not None


def spelled(text: str, words: Sequence[tuple[str, str, int, int]], language: str) -> list[tuple[int, int, str]]:
    """(start, end, digits) of the numbers that a sentence spells out in words of which none is small: "twenty-five".

    Words that may mean something else stand for a number only beside another.
    """
    values, scales = _values(language), _SCALES.get(language, {})
    runs: list[list[tuple[str, str, int, int]]] = []
    for word in words:
        if word[1] not in values and word[1] not in scales:
            continue
        joint = bool(runs) and _JOINT.fullmatch(text, runs[-1][-1][3], word[2]) is not None
        before = values.get(runs[-1][-1][1], 0) if joint else 0  # two that do not add up are two numbers
        if joint and (not before or word[1] in scales or (before % 10 == 0 and values[word[1]] < 10)):
            runs[-1].append(word)
        else:
            runs.append([word])
    found: list[tuple[int, int, str]] = []
    for run in runs:
        if len(run) == 1 and run[0][1] not in _TENS.get(language, {}):
            continue
        total = part = 0
        for _, name, _, _ in run:
            scale = scales.get(name, 0)
            if not scale:
                part += values[name]
            elif scale == 100:
                part = max(1, part) * scale
            else:
                total, part = total + max(1, part) * scale, 0
        found.append((run[0][2], run[-1][3], str(total + part)))
    return found


@cache
def _values(language: str) -> Mapping[str, int]:
    """What each word of a number that the language lists adds to it."""
    return {word: int(digits) for word, digits in names(language).items()} | dict(_TENS.get(language, {}))


def of(text: str) -> set[str]:
    """The numbers in digits, without separators and leading zeros."""
    return {_plain(m.group()) for m in _NUMBER.finditer(text)}


def percentages(text: str) -> frozenset[str]:
    """The numbers in digits that are said to be per cent."""
    return frozenset(_plain(m[1] or m[2]) for m in _PERCENTAGE.finditer(text))


def has_percentages(text: str) -> bool:
    """Whether anything in the text is per cent, a column perhaps."""
    return _PER_CENT.search(text) is not None


def ranges(text: str) -> tuple[tuple[str, str], ...]:
    """Both ends of each range between two numbers: "4 to 4.5", "10–12"."""
    return tuple((_plain(m[1]), _plain(m[2])) for m in _RANGE.finditer(text))


def beside(
    text: str,
    words: Sequence[tuple[str, str, int, int]],
    language: str,
    written: Sequence[tuple[int, int, str]] | None = None,
) -> dict[str, frozenset[str]]:
    """The numbers of a sentence, in digits and in the language's words, each with the stems beside it.

    `words` are the sentence's, as `rag.text.idf.terms_of` gives them; `written` is what `spelled` made of them, where
    that is known.
    """
    listed = names(language)
    written = spelled(text, words, language) if written is None else written
    places = [(m.start(), m.end(), _plain(m.group())) for m in _NUMBER.finditer(text)]
    places += written
    places += [
        (start, end, listed[word])
        for _, word, start, end in words
        if word in listed and not any(begun <= start < ended for begun, ended, _ in written)
    ]
    if not places:
        return {}
    stop = stop_terms(language or "en")
    content = [
        w for w in words if w[1] not in stop and not w[1][0].isdigit() and not any(a <= w[2] < b for a, b, _ in written)
    ]
    found: dict[str, frozenset[str]] = {}
    for start, end, number in places:
        after = [stem for stem, _, begun, _ in content if begun >= end][:_AFTER]
        before = [stem for stem, _, _, ended in content if ended <= start][-1:]
        found[number] = found.get(number, frozenset()) | {*after, *before}
    return found


def _plain(number: str) -> str:
    digits = "".join(sign for sign in number if sign.isdecimal())
    return digits.lstrip("0") or "0"

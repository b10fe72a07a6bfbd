"""Which language a text is in, by its script and its commonest words.

Knows scripts and stop words. Does not know models, dictionaries or any setting: a text without evidence gets "".
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path

import regex
import yaml

_WORD = regex.compile(r"[\p{L}\p{M}]+")
_ASCII_WORD = re.compile(r"[a-z]+")
_LETTERS_ONLY = {at: chr(at).lower() if chr(at).isalpha() else " " for at in range(128)}
"""What an ASCII text's words are told by: its letters, small, and nothing else; faster than any pattern."""
_CODE = re.compile(r"\w*\d\w*")
"""A number or a code: the a of A2 is no article."""
_SCRIPTS = {
    "th": regex.compile(r"\p{Thai}"),
    "ja": regex.compile(r"[\p{Hiragana}\p{Katakana}]"),
    "ko": regex.compile(r"\p{Hangul}"),
    "zh": regex.compile(r"\p{Han}"),
    "el": regex.compile(r"\p{Greek}"),
    "he": regex.compile(r"\p{Hebrew}"),
    "hi": regex.compile(r"\p{Devanagari}"),
    "ta": regex.compile(r"\p{Tamil}"),
    "hy": regex.compile(r"\p{Armenian}"),
    "ar": regex.compile(r"\p{Arabic}"),
    "ru": regex.compile(r"\p{Cyrillic}"),
    "": regex.compile(r"\p{Latin}"),
}
_SIBLINGS = {"ar": ("ar", "fa"), "ru": ("ru", "uk")}
_LATIN = ("en", "tr", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "hu", "pl", "cs", "ro", "vi", "id")
# A letter that only one or few of the known languages use counts as much as a stop word of theirs.
_LETTERS = {
    "tr": "ığşİ",
    "de": "ß",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "fr": "œèê",
    "pl": "łąęśźż",
    "cs": "ěřů",
    "hu": "őű",
    "ro": "țșă",
    "vi": "ạảấầẩậắằẳặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹđ",
    "da": "æø",
    "no": "æø",
    "uk": "їєґі",
    "fa": "پچژگکی",
}
_OWNERS: dict[str, list[str]] = {}
for _code, _letters in _LETTERS.items():
    for _letter in _letters:
        _OWNERS.setdefault(_letter, []).append(_code)
_OWNED = re.compile(f"[{''.join(_OWNERS)}]")
_SAMPLE, _SCRIPT_SAMPLE, _SHORT = 4000, 400, 200
_PLAIN_TURKISH = str.maketrans("çğıöşü", "cgiosu")


@cache
def stop_words() -> dict[str, frozenset[str]]:
    """The stop words of every known language, casefolded, by ISO 639-1 code."""
    lists = yaml.load((Path(__file__).parent / "stopwords.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return {str(code): frozenset(str(words).split()) for code, words in lists.items()}


@cache
def _languages_of_word() -> dict[str, tuple[str, ...]]:
    by_word: dict[str, list[str]] = {}
    for code, words in stop_words().items():
        for word in words:
            forms = {_one_i(word)}
            if code == "tr":  # people type Turkish without its dots and cedillas
                forms.add(word.translate(_PLAIN_TURKISH))
            for form in forms:
                by_word.setdefault(form, []).append(code)
    return {word: tuple(codes) for word, codes in by_word.items()}


def detect(text: str, default: str = "") -> str:
    """ISO 639-1 code of the language of `text`; `default` when its letters and words do not tell.

    Reads the first few thousand characters. `default` wins a near draw, unless a question has no word of it. One script
    alone may decide (Thai, Korean, Greek); languages that share one are told apart by their stop words and by letters
    that are theirs alone.
    """
    if len(text) < _SHORT:  # a question is asked about again and again while it is answered
        return _detected_again(text, default)
    return _detected(text, default)


def _detected(text: str, default: str) -> str:
    sample = text[:_SAMPLE]
    counts = _letters_by_script(sample[:_SCRIPT_SAMPLE])
    if not counts:
        return default
    if counts["ja"] and counts["ja"] * 10 >= counts["ja"] + counts["zh"]:
        counts["ja"] += counts["zh"]
    # A CJK sign says as much as a Latin word, so it weighs more than a Latin letter.
    script = max(_SCRIPTS, key=lambda code: counts[code] * (3 if code in ("zh", "ja", "ko", "th") else 1))
    if script and script not in _SIBLINGS:
        return script
    candidates = _SIBLINGS.get(script, _LATIN)
    if _asks(text):
        sample = _CODE.sub(" ", sample)
    plain = sample.isascii()
    words = sample.translate(_LETTERS_ONLY).split() if plain else _WORD.findall(_one_i(sample).casefold())
    votes = Counter(chain.from_iterable(filter(None, map(_languages_of_word().get, words))))
    for code in votes:
        votes[code] *= 2
    for letter in () if plain else _OWNED.findall(sample):
        for code in _OWNERS[letter]:
            votes[code] += 1
    if default in candidates and (votes[default] or not _asks(text)):
        votes[default] += 2  # a name may look like one foreign word
    best = max(candidates, key=votes.__getitem__)
    if not votes[best]:
        return script or default
    return default if default in candidates and votes[default] == votes[best] else best


_detected_again = lru_cache(maxsize=1024)(_detected)


def _asks(text: str) -> bool:
    """Whether this is a short question: one in the default language would have a word of it."""
    return len(text) < _SHORT and text.rstrip().endswith("?")


def _one_i(text: str) -> str:
    """Capital I belongs to i in most languages and to ı in Turkish: here all of them are one letter."""
    return text.replace("I", "i").replace("İ", "i").replace("ı", "i")


def _letters_by_script(sample: str) -> Counter[str]:
    if sample.isascii():
        return Counter({"": 1} if _ASCII_WORD.search(sample.lower()) else {})
    counts: Counter[str] = Counter()
    for character, count in Counter(sample).items():
        code = _script(character)
        if code is not None:
            counts[code] += count
    return counts


@lru_cache(maxsize=4096)
def _script(character: str) -> str | None:
    return next((code for code, pattern in _SCRIPTS.items() if pattern.match(character)), None)

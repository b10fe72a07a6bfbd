"""Which language a text is in, by its script and its commonest words.

Knows scripts and stop words. Does not know models, dictionaries or any setting: a text without evidence gets "".
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import regex
import yaml

_WORD = regex.compile(r"[\p{L}\p{M}]+")
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
_SAMPLE, _SCRIPT_SAMPLE = 4000, 400
# Capital I belongs to i in most languages and to ı in Turkish: here all of them are one letter.
_ONE_I = str.maketrans("Iİı", "iii")
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
            forms = {word.translate(_ONE_I)}
            if code == "tr":  # people type Turkish without its dots and cedillas
                forms.add(word.translate(_PLAIN_TURKISH))
            for form in forms:
                by_word.setdefault(form, []).append(code)
    return {word: tuple(codes) for word, codes in by_word.items()}


def detect(text: str, default: str = "") -> str:
    """ISO 639-1 code of the language of `text`; `default` when its letters and words do not tell.

    Reads the first few thousand characters. `default` wins a near draw. One script alone may decide (Thai, Korean,
    Greek); languages that share one are told apart by their stop words and by letters that are theirs alone.
    """
    sample = text[:_SAMPLE]
    patterns = {"": _SCRIPTS[""]} if sample.isascii() else _SCRIPTS
    counts = {
        code: len(patterns[code].findall(sample[:_SCRIPT_SAMPLE])) if code in patterns else 0 for code in _SCRIPTS
    }
    total = sum(counts.values())
    if not total:
        return default
    if counts["ja"] and counts["ja"] * 10 >= counts["ja"] + counts["zh"]:
        counts["ja"] += counts["zh"]
    # A CJK sign says as much as a Latin word, so it weighs more than a Latin letter.
    weighed = {code: n * (3 if code in ("zh", "ja", "ko", "th") else 1) for code, n in counts.items()}
    script = max(weighed, key=weighed.__getitem__)
    if script and script not in _SIBLINGS:
        return script
    candidates = _SIBLINGS.get(script, _LATIN)
    votes: Counter[str] = Counter()
    known = _languages_of_word()
    for word in _WORD.findall(sample.translate(_ONE_I).casefold()):
        for code in known.get(word, ()):
            votes[code] += 2
    for code, letters in _LETTERS.items() if not sample.isascii() else ():
        votes[code] += sum(sample.count(letter) for letter in letters)
    if default in candidates:
        votes[default] += 2  # a name may look like one foreign word
    best = max(candidates, key=lambda code: votes[code])
    if not votes[best]:
        return script or default
    return default if default in candidates and votes[default] == votes[best] else best

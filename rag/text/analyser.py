"""Turns text into the terms that are indexed and searched.

Knows words, stems, character grams, and what each language needs: Turkish casing, CJK bigrams, Thai trigrams. The same
functions analyse documents and questions, so both sides always agree. Does not know indexes or scores.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from threading import local
from typing import NamedTuple

import regex
import Stemmer

from rag.text.language import stop_words
from rag.text.wordlists import word_lists

VERSION = 7
"""Goes up when the same text would give other terms: an index built by another version is built anew."""

MAX_WORD = 64
GRAM = 4
WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+")
_UNSEGMENTED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー々]+|[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+")
_HAN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー々]")
_ARABIC_MARKS = regex.compile(r"[\u0610-\u061A\u064B-\u065F\u0670\u0640]")
_STEMMERS = {
    "ar": "arabic", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "fa": "persian", "fi": "finnish", "fr": "french", "hi": "hindi", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "it": "italian", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
_ARABIC_FOLDS = {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ک": "ك"}
_FOLDS = str.maketrans(
    {"ı": "i", "ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ð": "d"} | _ARABIC_FOLDS
)
_NONE: dict[str, str] = {}
_stemmers = local()


class Token(NamedTuple):
    """One indexed unit: its stem `term`, its `folded` surface without diacritics, and where it lies in the text."""

    term: str
    folded: str
    start: int
    end: int


def casefold(text: str) -> str:
    """`text` in one case. Every I, dotted or not, becomes i, so that Turkish in capitals equals Turkish in lower
    case.
    """
    return text.replace("I", "i").replace("İ", "i").replace("ı", "i").casefold().replace("i̇", "i")


@lru_cache(maxsize=20_000)
def fold(word: str) -> str:
    """A casefolded word without its diacritics. Scripts whose marks are vowels (Indic, Thai) stay as they are."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", _ARABIC_MARKS.sub("", word).translate(_FOLDS))
    kept = "".join(c for c in decomposed if not ("\u0300" <= c <= "\u036f"))
    return unicodedata.normalize("NFC", kept) or word


@lru_cache(maxsize=20_000)
def stem(word: str, language: str) -> str:
    """The stem of one casefolded word. Unknown languages keep the word.

    Turkish is folded first and its vowels are put back by vowel harmony, so that a word typed without diacritics
    and the same word typed with them have one stem. Snowball leaves the suffixes of its verbs, and now and then takes
    too much of a noun, so a stem has at most six letters and one of two gives way to the word's first five (fixed
    prefixes do well for Turkish: Can and others, "Information retrieval on Turkish texts", 2008).
    """
    if language == "tr":
        plain = _whole_noun(fold(word))
        found = fold(_snowball("tr", _harmonise(plain)))
        return (found if len(found) > 2 or len(plain) < 3 else plain[:5])[:6]
    if language in _irregular():
        word = _irregular()[language].get(word, word)
    if language == "ar":
        word = _ARABIC_MARKS.sub("", word) or word
    found = _snowball(language, word)
    return _families().get(language, _NONE).get(found, found)


@cache
def _irregular() -> dict[str, dict[str, str]]:
    return {
        language: {form: base for line in lines for base, *forms in [line.split()] for form in forms}
        for language, lines in word_lists("irregular").items()
    }


@cache
def _families() -> dict[str, dict[str, str]]:
    """Language -> stem -> the stem of its family's first word (`families.yaml`)."""
    joined: dict[str, dict[str, str]] = {}
    for language, lines in word_lists("families").items():
        irregular, stems = _irregular().get(language, _NONE), joined.setdefault(language, {})
        for line in lines:
            first, *others = (_snowball(language, irregular.get(word, word)) for word in line.split())
            stems.update((other, first) for other in others if other != first)
    return joined


def _snowball(language: str, word: str) -> str:
    name = _STEMMERS.get(language)
    if name is None or not word[0].isalpha():
        return word
    return str(snowball(name).stemWord(word)) or word


def snowball(name: str) -> Stemmer.Stemmer:
    """Snowball's stemmer of this name ("english"). It keeps state while it works, so each thread has its own."""
    stemmer = getattr(_stemmers, name, None)
    if stemmer is None:
        stemmer = Stemmer.Stemmer(name, 0)
        setattr(_stemmers, name, stemmer)
    return stemmer


_BACK, _FRONT = set("aıou"), set("eiöü")
_ENDING = regex.compile(
    r"[iu](?:m|n|miz|niz|muz|nuz|lari?|leri?)?(?:[iuea]|[iu]n|n?[iu]n|n[iuea]|[nd]?[dt][ea]n?|yl[ea])?|[ea]"
)
"""What a Turkish noun that has lost its vowel ends in: whose it is, and its case; folded."""


def _whole_noun(plain: str) -> str:
    """The noun of a folded Turkish word that lost its vowel before an ending ("izni" is of "izin"), else the word."""
    lost = _losing_vowels()
    for length in range(3, min(5, len(plain))):
        base, alien = lost.get(plain[:length], ("", ""))
        if base and alien not in plain[length:] and _ENDING.fullmatch(plain, length):
            return base
    return plain


@cache
def _losing_vowels() -> dict[str, tuple[str, str]]:
    """What such a noun begins with where it has lost its vowel -> the noun, folded, and the vowel that none of its
    endings has.
    """
    lines = (line.split() for line in word_lists("irregular")["tr"])
    return {fold(lost): (fold(noun), "e" if noun[-2] in _BACK else "a") for noun, lost in lines}


def _harmonise(word: str) -> str:
    """Give i and u after the first vowel the shape that Turkish vowel harmony asks for (i/ı, u/ü)."""
    letters, last = list(word), ""
    for at, letter in enumerate(letters):
        if last and letter in "iu":
            back = last in _BACK
            letters[at] = {"i": "ı" if back else "i", "u": "u" if back else "ü"}[letter]
        if letters[at] in _BACK or letters[at] in _FRONT:
            last = letters[at]
    return "".join(letters)


def tokens(text: str, language: str) -> list[Token]:
    """The terms of `text` in order. Words give one token each; runs of CJK give bigrams and of Thai trigrams."""
    found: list[Token] = []
    for match in WORD.finditer(text):
        word, start = match.group(), match.start()
        if word.isascii() or not _UNSEGMENTED.search(word):
            found.append(_token(word, start, language))
            continue
        at = 0
        for run in _UNSEGMENTED.finditer(word):
            if run.start() > at:
                found.append(_token(word[at : run.start()], start + at, language))
            found.extend(_grams_of_run(run.group(), start + run.start()))
            at = run.end()
        if at < len(word):
            found.append(_token(word[at:], start + at, language))
    return found


def _token(word: str, start: int, language: str) -> Token:
    end = start + len(word)
    plain = _plain(word)
    return Token(stem(plain, language), fold(plain), start, end)


@lru_cache(maxsize=20_000)
def _plain(word: str) -> str:
    if word.isascii():
        return word.lower()[:MAX_WORD]
    return casefold(unicodedata.normalize("NFKC", word))[:MAX_WORD] or word[:MAX_WORD]


def _grams_of_run(run: str, start: int) -> list[Token]:
    size = 2 if _HAN.match(run) else 3
    if len(run) <= size:
        return [Token(run, run, start, start + len(run))]
    return [
        Token(run[i : i + size], run[i : i + size], start + i, start + i + size) for i in range(len(run) - size + 1)
    ]


def grams(folded: str) -> tuple[str, ...]:
    """The character grams of `GRAM` letters inside a folded word; a shorter word is its own gram."""
    return tuple(folded[i : i + GRAM] for i in range(max(1, len(folded) - GRAM + 1)))


COMPOUNDING = frozenset({"da", "de", "fi", "hu", "nl", "no", "sv"})
"""Languages that write compounds as one word."""
COMPOUND = 8
"""The least length of a compound's stem."""


def from_behind(term: str) -> str:
    """The mark under which a compound's stem is indexed back to front, so that what ends alike is found together."""
    return f"<{term[::-1]}"


@lru_cache(maxsize=64)
def stop_terms(language: str) -> frozenset[str]:
    """The folded stop words of a language, as questions are cut into them; of English when the language has no list."""
    words = stop_words().get(language) or stop_words()["en"]
    return frozenset(token.folded for word in words for token in tokens(word, language))

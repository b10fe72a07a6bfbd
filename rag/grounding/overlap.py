"""How far a text rests on its sources, in numbers: overlap of words, runs and order, and what is new in the text.

Knows words, stems, numbers and word order. Does not know what follows from the figures (a fitted model or a threshold
does), nor meaning: it finds invention, not subtle error. Made to be fast: one pass over the sources, no index.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Set as AbstractSet
from functools import lru_cache

import regex

from rag.text import sentences
from rag.text.analyser import snowball, stop_terms

NAMES: tuple[str, ...] = (
    "word_precision", "stem_precision", "content_precision", "bigram_precision", "trigram_precision",
    "fourgram_precision", "rouge_l_precision", "rouge_l_recall", "longest_run", "density", "fragments", "new_words",
    "new_content", "new_numbers", "new_person", "new_negation", "new_stance", "asks", "weakest_sentence", "length",
    "length_ratio", "starts_new", "ends_new",
)  # fmt: skip

# Words are cut with byte tables and str.split, which is several times faster than a pattern.
_SIGNS = re.compile(r"[\u0080-\u00bf\u2000-\u206f\u20a0-\u2bff]")
_BLANKED = bytes(code if code > 127 or chr(code).isalnum() else 32 for code in range(256))
# Scripts with marks inside words, and those without spaces, which are read sign by sign.
_COMPLEX = re.compile(r"[\u0900-\u1fff\u2e80-\ud7ff\uf900-\ufaff\U00010000-\U0010ffff]")
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_COMPLEX_WORD = regex.compile(rf"{_UNSPACED}\p{{M}}*|[[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}]+", regex.V1)
_MARKER = regex.compile(r"\[\d+(?:\s*[,;]\s*\d+)*\]")
_OPENING_WORDS = """
yes no yeah yep ok okay oh ah well so sure right true indeed actually basically also and but hi hello great that thats
it its evet hayır peki tamam aslında ayrıca
"""
_PERSON_WORDS = """
i me my mine we us our you your ive im ben bana benim biz bizim sen senin siz sizin
"""
_NEGATION_WORDS = "not no never none nor cannot without t değil yok hiç asla hiçbir"
_STANCE_WORDS = """
think believe guess love like enjoy wonder heard sure hope feel know remember probably maybe perhaps really very
interesting amazing cool agree favorite favourite great good nice best popular bence sanırım galiba belki severim harika
güzel ilginç
"""
_OPENERS, _PERSON, _NEGATION, _STANCE = (
    frozenset(listed.replace("ı", "i").split())
    for listed in (_OPENING_WORDS, _PERSON_WORDS, _NEGATION_WORDS, _STANCE_WORDS)
)
_STABLE = 3
_MAX_WORDS = 20_000
_LONGEST_WORD, _LONGEST_MARKER = 100, 24


def measure(answer: str, sources: str) -> tuple[float, ...]:
    """The figures of NAMES, in that order, for a text against the text of its sources; all finite.

    Precisions are shares of the answer's n-grams that the sources have (Lin 2004, ROUGE: unigrams to 4-grams and the
    longest common subsequence). `density` and `fragments` follow Grusky et al. 2018 (arXiv:1804.11283): the text as a
    chain of the longest pieces that stand in the sources word for word.
    """
    said = _words(_MARKER.sub(" ", answer))[:_MAX_WORDS]
    read = _words(sources)[:_MAX_WORDS]
    if not said:
        return (0.0,) * len(NAMES)
    stop = stop_terms("en")
    held = set(read)
    body = _without_openers(said)
    familiar = held | _same_stem(set(said) - held, held)
    known = [word in familiar for word in said]
    new = [word for word, is_known in zip(said, known, strict=True) if not is_known and word not in _OPENERS]
    content = [is_known for word, is_known in zip(said, known, strict=True) if word not in stop]
    matches = _matches(body, read)
    runs = _fragments(matches)
    common = _common(body, read)
    count = len(body)
    stance = {word for word in said if word not in held}
    return (
        sum(word in held for word in body) / count,
        sum(known) / len(said),
        sum(content) / len(content) if content else 1.0,
        _precision(matches, 2),
        _precision(matches, 3),
        _precision(matches, 4),
        common / count,
        common / max(1, len(read)),
        max(runs, default=0) / count,
        sum(run * run for run in runs) / (count * count),
        len(runs) / count,
        math.log1p(len(new)),
        math.log1p(sum(word not in stop for word in new)),
        math.log1p(sum(word[0].isdigit() for word in new)),
        math.log1p(len(stance & _PERSON)),
        float(bool(stance & _NEGATION)),
        math.log1p(len(stance & _STANCE)),
        float("?" in answer or "？" in answer),
        _weakest(answer, familiar),
        math.log1p(len(said)),
        math.log1p(len(said)) - math.log1p(len(read)),
        float(not any(known[:2])),
        float(not any(known[-2:])),
    )


def held_share(text: str, sources: str) -> float:
    """Share of the content words of `text` that the sources have, by word or stem; 1 where it has none."""
    return HeldShare(sources).add(f"{text}\n")


class HeldShare:
    """The `content_precision` of `measure` for a text that grows while its sources stay; no word is read twice."""

    def __init__(self, sources: str) -> None:
        self._held = frozenset(_words(sources)[:_MAX_WORDS])
        self._stems = frozenset(snowball("english").stemWords(list(self._held)))
        self._begun = ""
        self._known = self._content = 0

    def add(self, piece: str) -> float:
        """Share of the content words so far that the sources have, by word or stem; 1 where there is none yet."""
        text = self._begun + piece
        at = len(text) if len(text) > _LONGEST_WORD + len(piece) else _last_gap(text)
        self._begun = text[at:]
        self._count(text[:at])
        return self._known / self._content if self._content else 1.0

    def _count(self, text: str) -> None:
        stop = stop_terms("en")
        content = [word for word in _words(_MARKER.sub(" ", text)) if word not in stop]
        stems = snowball("english").stemWords(content)
        self._content += len(content)
        self._known += sum(word in self._held or stem in self._stems for word, stem in zip(content, stems, strict=True))


def _last_gap(text: str) -> int:
    """Where the last word that may go on, or the last marker that is open, begins."""
    at = max(text.rfind(" "), text.rfind("\n")) + 1
    opened = text.rfind("[", max(0, at - _LONGEST_MARKER), at)
    return opened if opened >= 0 and text.find("]", opened, at) < 0 else at


@lru_cache(maxsize=32)
def _words(text: str) -> list[str]:
    """The words in order, in one case; never to be changed in place, because the next caller gets the same list."""
    if text.isascii():
        return text.lower().encode().translate(_BLANKED).decode().split()
    plain = unicodedata.normalize("NFC", text).replace("İ", "i").replace("I", "i").replace("ı", "i").casefold()
    if _COMPLEX.search(plain):
        return _COMPLEX_WORD.findall(plain)
    return _SIGNS.sub(" ", plain).encode("utf-8", "replace").translate(_BLANKED).decode().split()


def _same_stem(new: set[str], held: AbstractSet[str]) -> set[str]:
    """Which of `new` share their stem with a word of `held`. No stemmer touches the first letters."""
    begun = {word[:_STABLE] for word in new}
    alike = [word for word in held if word[:_STABLE] in begun]
    stemmer = snowball("english")
    stems = set(stemmer.stemWords(alike))
    words = list(new)
    return {word for word, stem in zip(words, stemmer.stemWords(words), strict=True) if stem in stems}


def _without_openers(words: list[str]) -> list[str]:
    """Without the "Yes, well" that opens an answer, unless nothing else is left."""
    at = 0
    while at < len(words) - 1 and words[at] in _OPENERS:
        at += 1
    return words[at:]


def _matches(said: list[str], read: list[str]) -> list[int]:
    """For each word of `said`, how many words from there on stand in `read` in a row (0: the word does not)."""
    places: dict[str, list[int]] = {word: [] for word in said}
    for at, word in enumerate(read):
        if word in places:
            places[word].append(at)
    matches = [0] * len(said)
    after: dict[int, int] = {}
    for at in range(len(said) - 1, -1, -1):
        after = {place: after.get(place + 1, 0) + 1 for place in places[said[at]]}
        matches[at] = max(after.values(), default=0)
    return matches


def _precision(matches: list[int], n: int) -> float:
    """Share of the n-grams that the sources have; of a text shorter than n, whether they have all of it."""
    if len(matches) < n:
        return float(matches[0] == len(matches))
    return sum(match >= n for match in matches[: len(matches) - n + 1]) / (len(matches) - n + 1)


def _fragments(matches: list[int]) -> list[int]:
    """Lengths of the longest pieces, from the left, that stand in the sources word for word."""
    runs: list[int] = []
    at = 0
    while at < len(matches):
        if matches[at]:
            runs.append(matches[at])
        at += max(1, matches[at])
    return runs


def _common(said: list[str], read: list[str]) -> int:
    """Length of the longest common subsequence, many positions at once in the bits of one integer (Hyyrö 2004)."""
    masks: dict[str, int] = {}
    for at, word in enumerate(said):
        masks[word] = masks.get(word, 0) | 1 << at
    full = (1 << len(said)) - 1
    row = full
    for mask in [masks[word] for word in read if word in masks]:
        hit = row & mask
        row = ((row + hit) | (row - hit)) & full
    return len(said) - row.bit_count()


def _weakest(answer: str, familiar: set[str]) -> float:
    """The least share of known words in a sentence of three words or more."""
    shares = []
    for sentence in sentences.BREAK.split(_MARKER.sub(" ", answer)):
        words = _words(sentence)
        if len(words) >= 3:
            shares.append(sum(word in familiar for word in words) / len(words))
    return min(shares, default=1.0)

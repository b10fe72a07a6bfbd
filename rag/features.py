"""The analysed form of a passage as it is stored for re-ranking: two short byte strings.

Knows how terms, sentence borders and word kinds are packed, and unpacks those of many passages at once into numpy
arrays. Does not know questions or scores. Hashes are CRC-32 (terms) and its low 16 bits (surfaces, character grams): a
collision costs a little ranking noise, never a wrong text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
import regex
from numpy.typing import NDArray

from rag import sentences
from rag.analysis import WORD, Token, casefold, fold, grams, tokens

VERSION = 2

TOKEN = np.dtype([("term", "<u4"), ("surface", "<u2"), ("flags", "<u2")])
SENTENCE, TITLE, NUMBER, YEAR, CAPITAL, MONTH, AMOUNT = 1, 2, 4, 8, 16, 32, 64

_MONTH_NAMES = """
january february march april may june july august september october november december ocak şubat mart nisan mayıs
haziran temmuz ağustos eylül ekim kasım aralık januar februar märz mai juni juli oktober dezember janvier février mars
avril juin juillet août septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto
septiembre octubre noviembre diciembre
"""
_MONTHS = frozenset(fold(casefold(name)) for name in _MONTH_NAMES.split())
_NUMBER_NAMES = """
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million millions
billion trillion dozen half third quarter once twice
iki üç dört beş altı yedi sekiz dokuz yirmi otuz kırk elli altmış yetmiş seksen doksan yüz bin milyon milyar yarım
zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig hundert tausend million millionen milliarden
deux trois quatre cinq sept huit neuf dix douze vingt trente quarante cinquante cent mille
dos tres cuatro cinco seis siete ocho nueve diez veinte treinta cuarenta cincuenta cien mil
два три четыре пять шесть семь восемь девять десять двадцать сто тысяча миллион
"""
_NUMBER_WORDS = frozenset(fold(casefold(name)) for name in _NUMBER_NAMES.split())
_AMOUNT_BEFORE = regex.compile(r"[$€£¥₺]\s?$")
_AMOUNT_AFTER = regex.compile(r"\s?(?:[%‰$€£¥₺]|percent|per cent|(?:[kcm]?m|km²|kg|GB|MB|ms|mph|°)\b)")
_YEAR = regex.compile(r"(?:1\d|20)\d\d")
_HAS_DIGIT = regex.compile(r"\p{N}")


@dataclass(frozen=True, slots=True)
class Analysed:
    """A passage's terms for the index (`terms`, `title` in order; `surfaces` distinct) and packed for re-ranking."""

    terms: tuple[str, ...]
    title: tuple[str, ...]
    surfaces: tuple[str, ...]
    packed_tokens: bytes
    packed_grams: bytes


@lru_cache(maxsize=200_000)
def term_hash(term: str) -> int:
    """The 32-bit hash under which a stem is packed."""
    return crc32(term.encode("utf-8"))


@lru_cache(maxsize=200_000)
def surface_hash(folded: str) -> int:
    """The 16-bit hash under which a folded word is packed."""
    return crc32(folded.encode("utf-8")) & 0xFFFF


@lru_cache(maxsize=100_000)
def gram_hashes(folded: str) -> tuple[int, ...]:
    """The 16-bit hashes of a folded word's character grams."""
    return tuple(crc32(gram.encode("utf-8")) & 0xFFFF for gram in grams(folded))


def word_flags(text: str, start: int, end: int, folded: str, first: bool) -> int:
    """What kind of word `text[start:end]` is; `first` says that it opens a sentence, where a capital says nothing."""
    flags = _kind_flags(text[start:end], folded)
    if flags & CAPITAL and first:
        flags &= ~CAPITAL
    if flags & NUMBER and _is_amount(text, start, end):
        flags |= AMOUNT
    return flags


def _kind_flags(word: str, folded: str) -> int:
    flags = CAPITAL if word[0].isupper() else 0
    if _HAS_DIGIT.search(word):
        flags |= NUMBER
        if len(word) == 4 and _YEAR.fullmatch(word):
            flags |= YEAR
    elif folded in _MONTHS:
        flags |= MONTH
    elif folded in _NUMBER_WORDS:
        flags |= NUMBER
    return flags


def _is_amount(text: str, start: int, end: int) -> bool:
    return text[start].isdigit() and bool(
        _AMOUNT_BEFORE.search(text, max(0, start - 2), start) or _AMOUNT_AFTER.match(text, end)
    )


@dataclass(frozen=True, slots=True)
class _Word:
    """What a word gives, wherever it stands: its terms, folded forms, packed tokens and flags."""

    terms: tuple[str, ...]
    surfaces: tuple[str, ...]
    packed: tuple[int, ...]
    amounts: bool


@lru_cache(maxsize=200_000)
def _word(word: str, language: str) -> _Word:
    found = tokens(word, language)
    flags = [_kind_flags(word[t.start : t.end], t.folded) for t in found]
    packed = [
        term_hash(t.term) | surface_hash(t.folded) << 32 | flag << 48 for t, flag in zip(found, flags, strict=True)
    ]
    return _Word(
        tuple(t.term for t in found),
        tuple(t.folded for t in found),
        tuple(packed),
        len(found) == 1 and bool(flags[0] & NUMBER) and word[0].isdigit(),
    )


def analyse(text: str, headings: Sequence[str], title: str, language: str) -> Analysed:
    """The packed form of one passage with its document's title and its heading path."""
    rows: list[int] = []
    terms: list[str] = []
    surfaces: dict[str, None] = {}
    for start, end in sentences.split(text):
        opens = len(rows)
        for match in WORD.finditer(text, start, end):
            word = _word(match.group(), language)
            terms += word.terms
            if word.amounts and _is_amount(text, match.start(), match.end()):
                rows.append(word.packed[0] | AMOUNT << 48)
            else:
                rows += word.packed
            for surface in word.surfaces:
                surfaces[surface] = None
        if len(rows) > opens:
            rows[opens] = rows[opens] & ~(CAPITAL << 48) | SENTENCE << 48
    about = title_tokens(headings, title, language)
    for at, token in enumerate(about):
        flags = TITLE | (SENTENCE if at == 0 else 0)
        rows.append(term_hash(token.term) | surface_hash(token.folded) << 32 | flags << 48)
    found: set[int] = set()
    for surface in surfaces:
        found.update(gram_hashes(surface))
    return Analysed(
        tuple(terms),
        tuple(token.term for token in about),
        tuple(surfaces),
        np.array(rows, dtype="<u8").tobytes(),
        np.array(sorted(found), dtype="<u2").tobytes(),
    )


def title_tokens(headings: Sequence[str], title: str, language: str) -> list[Token]:
    """The terms a passage inherits: its document's title and the headings above it, each once."""
    unique = dict.fromkeys(part for part in (title, *headings) if part)
    return tokens("\n".join(unique), language)


@dataclass(frozen=True, slots=True)
class Batch:
    """The packed forms of `count` passages, end to end.

    `low` and `high` (the halves of the term), `surface` and `flags` have one entry a token. `sentence_start` says at
    which token each sentence begins (a passage's title and headings count as its last one), `owner` to which passage it
    belongs, `titles` which sentences are such titles, and `first` which sentence opens each passage. `length` is the
    number of tokens in each passage's body. `gram` has one entry a character gram and `gram_start` says where each
    passage's begin.
    """

    count: int
    low: NDArray[np.uint16]
    high: NDArray[np.uint16]
    surface: NDArray[np.uint16]
    flags: NDArray[np.uint16]
    sentence_start: NDArray[np.int64]
    owner: NDArray[np.int64]
    titles: NDArray[np.bool_]
    first: NDArray[np.int64]
    sentence_length: NDArray[np.int64]
    length: NDArray[np.int64]
    gram: NDArray[np.uint16]
    gram_start: NDArray[np.int64]

    def places(self, at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(passage, sentence) of the tokens `at`."""
        sentence = np.searchsorted(self.sentence_start, at, side="right") - 1
        return self.owner[sentence], sentence


def unpack(packed: Sequence[tuple[bytes, bytes]]) -> Batch:
    """The passages given as (packed tokens, packed grams), in order. Each has at least one token."""
    count = len(packed)
    body = np.frombuffer(b"".join([tokens_of for tokens_of, _ in packed]), "<u2").reshape(-1, TOKEN.itemsize // 2)
    low, high, surface, flags = np.ascontiguousarray(body.T)
    sizes = np.array([len(tokens_of) // TOKEN.itemsize for tokens_of, _ in packed], np.int64)
    gram_sizes = np.array([len(grams_of) // 2 for _, grams_of in packed], np.int64)
    sentence_start = np.flatnonzero(flags & SENTENCE)
    first = np.searchsorted(sentence_start, np.cumsum(sizes) - sizes)
    titles = (flags[sentence_start] & TITLE) != 0
    ends = np.append(sentence_start, len(body))
    sentence_length = ends[1:] - ends[:-1]
    after = np.append(first, len(sentence_start))[1:]
    return Batch(
        count=count,
        low=low,
        high=high,
        surface=surface,
        flags=flags,
        sentence_start=sentence_start,
        owner=np.repeat(np.arange(count), after - first),
        titles=titles,
        first=first,
        sentence_length=sentence_length,
        length=sizes - sentence_length[after - 1] * titles[after - 1],
        gram=np.frombuffer(b"".join([grams_of for _, grams_of in packed]), "<u2"),
        gram_start=np.cumsum(gram_sizes) - gram_sizes,
    )

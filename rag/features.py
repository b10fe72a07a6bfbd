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
from rag.analysis import Token, casefold, fold, grams, tokens

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
    flags = 0
    word = text[start:end]
    if _HAS_DIGIT.search(word):
        flags |= NUMBER
        if _AMOUNT_BEFORE.search(text, max(0, start - 2), start) or _AMOUNT_AFTER.match(text, end):
            flags |= AMOUNT
        if len(word) == 4 and _YEAR.fullmatch(word):
            flags |= YEAR
    elif folded in _MONTHS:
        flags |= MONTH
    elif folded in _NUMBER_WORDS:
        flags |= NUMBER
    if not first and word[0].isupper():
        flags |= CAPITAL
    return flags


def analyse(text: str, headings: Sequence[str], title: str, language: str) -> Analysed:
    """The packed form of one passage with its document's title and its heading path."""
    rows: list[tuple[int, int, int]] = []
    terms: list[str] = []
    surfaces: dict[str, None] = {}
    for start, end in sentences.split(text):
        first = True
        for token in tokens(text[start:end], language):
            flags = word_flags(text, start + token.start, start + token.end, token.folded, first)
            flags |= SENTENCE if first else 0
            rows.append((term_hash(token.term), surface_hash(token.folded), flags))
            terms.append(token.term)
            surfaces[token.folded] = None
            first = False
    about = title_tokens(headings, title, language)
    for at, token in enumerate(about):
        flags = TITLE | (SENTENCE if at == 0 else 0)
        rows.append((term_hash(token.term), surface_hash(token.folded), flags))
    found: set[int] = set()
    for surface in surfaces:
        found.update(gram_hashes(surface))
    return Analysed(
        tuple(terms),
        tuple(token.term for token in about),
        tuple(surfaces),
        np.array(rows, dtype=TOKEN).tobytes(),
        np.array(sorted(found), dtype="<u2").tobytes(),
    )


def title_tokens(headings: Sequence[str], title: str, language: str) -> list[Token]:
    """The terms a passage inherits: its document's title and the headings above it, each once."""
    unique = dict.fromkeys(part for part in (title, *headings) if part)
    return tokens("\n".join(unique), language)


@dataclass(frozen=True, slots=True)
class Batch:
    """The packed forms of `count` passages, end to end.

    `term`, `surface`, `flags`, `passage`, `sentence` have one entry a token (`passage` and `sentence` count from 0, the
    latter over the whole batch); `gram` and `gram_passage` one a character gram; `length` one a passage: its body's
    tokens.
    """

    count: int
    term: NDArray[np.uint32]
    surface: NDArray[np.uint16]
    flags: NDArray[np.uint16]
    passage: NDArray[np.int64]
    sentence: NDArray[np.int64]
    sentence_count: int
    length: NDArray[np.int64]
    gram: NDArray[np.uint16]
    gram_passage: NDArray[np.int64]


def unpack(packed: Sequence[tuple[bytes, bytes]]) -> Batch:
    """The passages given as (packed tokens, packed grams), in order."""
    count = len(packed)
    token_rows = np.frombuffer(b"".join(p[0] for p in packed), dtype=TOKEN)
    gram = np.frombuffer(b"".join(p[1] for p in packed), dtype="<u2")
    sizes = np.fromiter((len(p[0]) // TOKEN.itemsize for p in packed), np.int64, count)
    gram_sizes = np.fromiter((len(p[1]) // 2 for p in packed), np.int64, count)
    passage = np.repeat(np.arange(count), sizes)
    flags = np.ascontiguousarray(token_rows["flags"])
    opens = (flags & SENTENCE).astype(np.int64)
    sentence = np.cumsum(opens) - 1
    in_title = np.bincount(passage, weights=(flags & TITLE) != 0, minlength=count).astype(np.int64)
    return Batch(
        count=count,
        term=np.ascontiguousarray(token_rows["term"]),
        surface=np.ascontiguousarray(token_rows["surface"]),
        flags=flags,
        passage=passage,
        sentence=sentence,
        sentence_count=int(sentence[-1]) + 1 if len(sentence) else 0,
        length=sizes - in_title,
        gram=gram,
        gram_passage=np.repeat(np.arange(count), gram_sizes),
    )

"""The analysed form of a passage as it is stored for re-ranking: two short byte strings.

Knows how terms, sentence borders and word kinds are packed, and unpacks those of many passages at once into numpy
arrays. Does not know questions or scores. Hashes are CRC-32 (terms) and its low 16 bits (surfaces, character grams): a
collision costs a little ranking noise, never a wrong text.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import attrgetter
from pathlib import PurePosixPath
from zlib import crc32

import numpy as np
import regex
from numpy.typing import NDArray

from rag.text import sentences
from rag.text.analyser import (
    COMPOUND,
    COMPOUNDING,
    GRAM,
    WORD,
    Token,
    casefold,
    fold,
    from_behind,
    grams,
    tokens,
)
from rag.text.written_forms import Form, forms, parts

VERSION = 3

_TOKEN = struct.Struct("<IHH")  # the hash of the term, of the surface, and the flags
_KNOWN_WORDS = 50_000
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
_ASCII_WORD = re.compile(r"\w+", re.ASCII)
_HAS_DIGIT = regex.compile(r"\p{N}")


@dataclass(frozen=True, slots=True)
class Analysed:
    """A passage's terms for the index, with spaces between (`terms`, `count` of them, and `title` in order; `surfaces`,
    folded words that are not their own terms, distinct), and packed for re-ranking.
    """

    terms: str
    count: int
    title: str
    surfaces: str
    packed_tokens: bytes
    packed_grams: bytes


def term_hash(term: str) -> int:
    """The 32-bit hash under which a stem is packed."""
    return crc32(term.encode("utf-8"))


def surface_hash(folded: str) -> int:
    """The 16-bit hash under which a folded word is packed."""
    return crc32(folded.encode("utf-8")) & 0xFFFF


def gram_hashes(folded: str) -> list[int]:
    """The 16-bit hashes of a folded word's character grams."""
    if folded.isascii():
        letters = folded.encode("ascii")
        return [crc32(letters[at : at + GRAM]) & 0xFFFF for at in range(max(1, len(letters) - GRAM + 1))]
    return [crc32(gram.encode("utf-8")) & 0xFFFF for gram in grams(folded)]


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
    if not word.isalpha() and _HAS_DIGIT.search(word):
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


@dataclass(slots=True, eq=False)
class _Word:
    """What a word gives, wherever it stands: its terms and the folded forms that differ from them with spaces between,
    how many terms, its packed tokens, these where it `opens` a sentence, its packed grams, and whether it may be an
    amount.
    """

    terms: str
    surfaces: str
    count: int
    packed: bytes
    opens: bytes
    grams: bytes
    number: bool


class _Words(dict[str, _Word]):
    """The words of one language met so far, within limits."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def __missing__(self, word: str) -> _Word:
        if len(self) >= _KNOWN_WORDS:
            self.clear()
        found = tokens(word, self._language)
        whole = len(found)
        for part in parts(word):
            # A part's place is in itself: what kind of word it is, is told from it alone.
            found += tokens(part, self._language)
        flags = [_kind_flags(word[t.start : t.end], t.folded) for t in found[:whole]]
        flags += [NUMBER if t.folded.isdecimal() else 0 for t in found[whole:]]
        packed = [_packed(token, flag) for token, flag in zip(found, flags, strict=True)]
        hashes = [one for t in found for one in gram_hashes(t.folded)]
        made = self[word] = _Word(
            " ".join([t.term for t in found]),
            " ".join([t.folded for t in found if t.folded != t.term] + self._compounds(found)),
            len(found),
            b"".join(packed),
            b"".join([_marked(packed[0], flags[0] & ~CAPITAL | SENTENCE), *packed[1:]]),
            struct.pack(f"<{len(hashes)}H", *hashes),
            whole == 1 and bool(flags[0] & NUMBER) and word[0].isdigit(),
        )
        return made

    def _compounds(self, found: Sequence[Token]) -> list[str]:
        if self._language not in COMPOUNDING:
            return []
        return [from_behind(t.term) for t in found if len(t.term) >= COMPOUND]


_words_of = cache(_Words)
_may_be_amount = attrgetter("number")


def _packed(token: Token, flags: int) -> bytes:
    return _TOKEN.pack(term_hash(token.term), surface_hash(token.folded), flags)


def _marked(packed: bytes, flags: int) -> bytes:
    """A packed word whose first token has other flags."""
    return packed[:6] + flags.to_bytes(2, "little") + packed[8:]


def analyse(text: str, headings: Sequence[str], title: str, language: str, name: str = "") -> Analysed:
    """The packed form of one passage with its document's title and its heading path; `name` is the document's path."""
    known = _words_of(language)
    words: list[_Word] = []
    opening: list[int] = []
    amounts: list[int] = []
    written: list[tuple[int, list[Form]]] = []
    for start, end in sentences.split(text):
        sentence = text[start:end]
        found = [known[word] for word in (_ASCII_WORD if sentence.isascii() else WORD).findall(sentence)]
        if not found:
            continue
        opening.append(len(words))
        words += found
        if any(map(_may_be_amount, found)):
            for at, match in enumerate(WORD.finditer(text, start, end), opening[-1]):
                if words[at].number and _is_amount(text, match.start(), match.end()):
                    amounts.append(at)
        if also := forms(sentence):
            written.append((len(words) - 1, also))
    packed = [word.packed for word in words]
    for at in opening:
        packed[at] = words[at].opens
    for at in amounts:
        packed[at] = _marked(packed[at], int.from_bytes(packed[at][6:8], "little") | AMOUNT)
    for at, also in written:
        packed[at] += b"".join([_TOKEN.pack(*_hashes(form.term), 0) for form in also])
    about, packed_title = _inherited(tuple(headings), title, language, name)
    distinct = dict.fromkeys(words)
    grams_of = np.sort(np.frombuffer(b"".join([word.grams for word in distinct]), "<u2"))
    fresh = np.ones(len(grams_of), bool)
    np.not_equal(grams_of[1:], grams_of[:-1], out=fresh[1:])
    return Analysed(
        " ".join([word.terms for word in words] + [form.term for _, also in written for form in also]),
        sum([word.count for word in words]),
        about,
        " ".join(dict.fromkeys(" ".join([word.surfaces for word in distinct]).split())),
        b"".join(packed) + packed_title,
        grams_of[fresh].tobytes(),
    )


@lru_cache(maxsize=1024)
def _inherited(headings: tuple[str, ...], title: str, language: str, name: str) -> tuple[str, bytes]:
    """The terms a passage inherits, its document's title and the headings above it, each once, and those of the file's
    name that neither holds; and these packed.
    """
    unique = dict.fromkeys(part for part in (title, *headings) if part)
    parted = [_all_terms(part, language) for part in unique]
    found = [one for words, _ in parted for one in words] + [one for _, others in parted for one in others]
    held = {term for term, _ in found}
    words, others = _all_terms(PurePosixPath(name).stem, language)
    found += [one for one in (*words, *others) if one[0] not in held]
    packed = [one for _, one in found]
    if packed:
        packed[0] = _marked(packed[0], TITLE | SENTENCE)
    return " ".join([term for term, _ in found]), b"".join(packed)


_PackedTerms = tuple[tuple[str, bytes], ...]


@lru_cache(maxsize=1024)
def _all_terms(text: str, language: str) -> tuple[_PackedTerms, _PackedTerms]:
    """The words of a title or a heading with their parts, and what is written in other ways; each with its packed
    form."""
    known = _words_of(language)
    found: list[tuple[str, bytes]] = []
    for word in map(known.__getitem__, WORD.findall(text)):
        packed = [_marked(word.packed[at : at + _TOKEN.size], TITLE) for at in range(0, len(word.packed), _TOKEN.size)]
        found += zip(word.terms.split(" "), packed, strict=True)
    return tuple(found), tuple((form.term, _TOKEN.pack(*_hashes(form.term), TITLE)) for form in forms(text))


def _hashes(term: str) -> tuple[int, int]:
    return term_hash(term), surface_hash(term)


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

    def sentences(self, passages: NDArray[np.int64]) -> NDArray[np.int64]:
        """The places of the sentences of these passages, in their order."""
        ends = np.append(self.first, len(self.owner))
        return np.concatenate([np.arange(ends[at], ends[at + 1]) for at in passages.tolist()])


def unpack(packed: Sequence[tuple[bytes, bytes]]) -> Batch:
    """The passages given as (packed tokens, packed grams), in order. Each has at least one token."""
    count = len(packed)
    body = np.frombuffer(b"".join([tokens_of for tokens_of, _ in packed]), "<u2").reshape(-1, _TOKEN.size // 2)
    low, high, surface, flags = np.ascontiguousarray(body.T)
    sizes = np.array([len(tokens_of) // _TOKEN.size for tokens_of, _ in packed], np.int64)
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

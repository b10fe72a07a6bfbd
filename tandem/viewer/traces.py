"""A trace of a citation that outlives its passage: read again, a document has new passages, and an old link still leads
to its sentence.

Knows documents' names and sentences' words as numbers only: an address holds neither. Does not know who may see what.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from zlib import crc32

import regex

from rag.types import DocumentRecord, Passage

PATTERN = r"[0-9a-f]{12}-[0-9]{1,9}-[0-9]{1,3}-[0-9a-f]{8}"
_TRACE = re.compile(PATTERN)
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_CLOSING = regex.compile(r"[.!?…。:;'\"”’»)\]]*")
_MOST_WORDS = 60
_ROOM = 1 << 32


def of(passage: Passage, spans: Sequence[tuple[int, int]] = ()) -> str:
    """The trace of a passage, or of the first of the sentences in it that were cited."""
    start, end = min(spans, default=(0, len(passage.text)))
    numbers = [_number(found[0]) for found in _WORD.finditer(passage.text, start, end)][:_MOST_WORDS]
    return f"{_key(passage.document)}-{passage.start + start}-{len(numbers)}-{sum(numbers) % _ROOM:08x}"


def is_trace(value: str) -> bool:
    """Whether this may be a trace."""
    return _TRACE.fullmatch(value) is not None


def documents(trace: str, known: Iterable[DocumentRecord]) -> list[DocumentRecord]:
    """The documents that the trace may be of: those of its document's name."""
    key = trace.partition("-")[0]
    return [one for one in known if _key(one.name) == key]


def place(trace: str, text: str) -> tuple[int, int] | None:
    """Where the traced words stand in a document's text, nearest to where they stood; None where they are gone."""
    _, at, count, wanted = trace.split("-")
    size, sought = int(count), int(wanted, 16)
    words = [(found.start(), found.end(), _number(found[0])) for found in _WORD.finditer(text)]
    if not size or len(words) < size:
        return None
    best: tuple[int, int] | None = None
    total = sum(number for _, _, number in words[:size])
    for first in range(len(words) - size + 1):
        if first:
            total += words[first + size - 1][2] - words[first - 1][2]
        start = words[first][0]
        if total % _ROOM == sought and (best is None or abs(start - int(at)) < abs(best[0] - int(at))):
            best = start, words[first + size - 1][1]
    if best is None:
        return None
    closing = _CLOSING.match(text, best[1])
    return best[0], closing.end() if closing else best[1]


def _key(name: str) -> str:
    return blake2b(name.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _number(word: str) -> int:
    return crc32(word.casefold().encode("utf-8", "replace"))

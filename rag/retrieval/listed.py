"""What is like each of a library's words, found beforehand: looking for it in a graph takes a third of a millisecond a
word, and a question has half a dozen.

Knows words by their numbers, in the order in which they came, and for each the words like it. Does not know how these
are found, nor what makes two words one stem.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.embedders.base import Packed, unit

MOST = 24
"""So many are kept of what is like a word."""
_STEPS = 10_000
"""How like a word is, is kept in so many steps."""
_NONE = -1
_LATER, _LATER_SHARE = 300, 50
"""The lists are made anew when more words than this came after them, and more than one of so many."""
_ENTRY = np.dtype([("words", "<i4", MOST), ("worths", "<u2", MOST), ("all", "?")])
Alike = tuple[list[tuple[int, float]], bool]
"""(word, how like it is), the likest first, and whether there are no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """One state: an entry for each of the first words, and the vectors of those that came `later`, of length 1."""

    entries: NDArray[np.void]
    later: NDArray[np.float32]

    @classmethod
    def of(cls, found: Iterable[Alike]) -> Lists:
        """The lists of all words, in order."""
        rows = list(found)
        entries = np.zeros(len(rows), _ENTRY)
        entries["words"] = _NONE
        for entry, (alike, ended) in zip(entries, rows, strict=True):
            entry["words"][: len(alike)] = [word for word, _ in alike]
            entry["worths"][: len(alike)] = [round(how * _STEPS) for _, how in alike]
            entry["all"] = ended
        return cls(entries, np.zeros((0, 1), np.float32))

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def stale(self) -> bool:
        """Whether so many words came later that the lists should be made anew."""
        return _many(len(self.later), len(self.entries))

    def with_later(self, vectors: Packed) -> Lists:
        """The same after more words came."""
        fresh = unit(vectors.astype(np.float32))
        return Lists(self.entries, np.concatenate([self.later, fresh]) if len(self.later) else fresh)

    def alike(self, word: int) -> Alike:
        """What is like one of the first words, among these."""
        entry = self.entries[word]
        count = int((entry["words"] != _NONE).sum())
        worths = (entry["worths"][:count] / _STEPS).tolist()
        return list(zip(entry["words"][:count].tolist(), worths, strict=True)), bool(entry["all"])

    def cosines(self, vector: Packed) -> list[tuple[int, float]]:
        """(word, cosine with a vector) of the words that came later."""
        if not len(self.later):
            return []
        own = unit(vector[None].astype(np.float32))[0]
        return list(enumerate((self.later @ own).tolist(), len(self.entries)))

    def save(self, path: Path, words: Sequence[str]) -> None:
        """Keep the entries, which are of the first of these words."""
        beside = path.with_name(f"{path.name}.new")
        with beside.open("wb") as file:
            np.savez(file, entries=self.entries, of=np.uint32(_sum(words[: len(self)])))
        beside.replace(path)


def _many(later: int, listed: int) -> bool:
    return later > max(_LATER, listed // _LATER_SHARE)


NO_LISTS = Lists.of(())


def saved(path: Path, words: Sequence[str]) -> Lists:
    """The lists that were saved, without what came later; none where they cannot be read, are of other words than the
    first of these, or of too few of them."""
    try:
        with np.load(path) as kept:
            entries, of = kept["entries"], int(kept["of"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # no file, or half of one
        return NO_LISTS
    if entries.dtype != _ENTRY or len(entries) > len(words) or of != _sum(words[: len(entries)]):
        return NO_LISTS
    if _many(len(words) - len(entries), len(entries)):
        return NO_LISTS
    return Lists(entries, NO_LISTS.later)


def _sum(words: Sequence[str]) -> int:
    return crc32("\n".join(words).encode("utf-8", "surrogatepass"))

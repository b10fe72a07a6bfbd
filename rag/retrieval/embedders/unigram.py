"""Texts as numbers of the pieces of a vocabulary in which each piece has a probability.

Knows how a text is cut so that the probabilities of its pieces are greatest together (Kudo 2018, "Subword
Regularization"; the search is Viterbi's), word by word. Does not know an encoder, nor where a vocabulary comes from.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

_SPACE = "\u2581"
"""What a piece begins with that begins a word."""
_LETTERS = 200
_UNLIKELY = 10.0
"""How much less likely than any piece of the vocabulary a character is that is in none."""
_WORDS = re.compile(r"\S+")


class Unigram:
    """Texts as numbers of a vocabulary's pieces."""

    def __init__(
        self,
        pieces: Sequence[str],
        likely: Iterable[float],
        written: Mapping[int, str],
        ends: tuple[int, int],
        other: int,
    ) -> None:
        """Each piece with the logarithm of its probability; how characters are `written` before a text is cut; the
        numbers of the marks at both `ends` of a text, and of every `other` character.
        """
        self._number = {piece: at for at, piece in enumerate(pieces) if at != other and piece}
        self._likely = array("f", likely)
        self._written = written
        self._begin, self._end = ends
        self._other = other
        self._never = min(self._likely, default=0.0) - _UNLIKELY
        self._longest = max(map(len, pieces), default=0)
        self._of = lru_cache(maxsize=50_000)(self._cut)

    def numbers(self, text: str, most: int) -> list[int]:
        """The numbers of a text's pieces, with the marks at both ends, at most so many."""
        found = [self._begin]
        for word in _WORDS.findall(text.translate(self._written)):
            found.extend(self._of(word))
            if len(found) >= most:
                break
        return [*found[: most - 1], self._end]

    def _cut(self, word: str) -> tuple[int, ...]:
        """The likeliest pieces of a word; of an endless one, its beginning."""
        text = _SPACE + word[:_LETTERS]
        best = [0.0, *[float("-inf")] * len(text)]
        last = [(0, self._other)] * (len(text) + 1)
        for begin in range(len(text)):
            for end in range(begin + 1, min(len(text), begin + self._longest) + 1):
                number = self._number.get(text[begin:end])
                if number is None:
                    if end > begin + 1:
                        continue
                    number, value = self._other, best[begin] + self._never
                else:
                    value = best[begin] + self._likely[number]
                if value > best[end]:
                    best[end], last[end] = value, (begin, number)
        found: list[int] = []
        at = len(text)
        while at:
            at, number = last[at]
            found.append(number)
        return tuple(reversed(found))

"""The numbers of passages, between a prompt that has them in its own order and everybody else.

Knows markers such as [2] or [1, 3], and that in code they are none. Does not know what a passage says, nor why a prompt
orders them as it does.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.types import Passage

_SIGN = regex.compile(
    r"(?P<ticks>`+|~{3,})|(?P<line>\n)"
    r"|(?P<open>[\[【])(?P<told>\s*\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*)(?P<close>[\]】])"
)
_OPEN = regex.compile(r"(?:[\[【][\s\d,;]{0,20}|`+|~+)\Z")
_NUMBER = regex.compile(r"\d+")


def numbers(prompt: Sequence[Passage], found: Sequence[Passage]) -> tuple[int, ...]:
    """For each number of the prompt, from 1, the number of that passage in `found`; 0 where it is none of them."""
    places = {passage.id: number for number, passage in enumerate(found, 1)}
    return tuple(places.get(passage.id, 0) for passage in prompt)


def renumbered(text: str, places: Sequence[int]) -> str:
    """`text` with each number n of its markers as `places[n - 1]`; a number that is nobody's is left out."""
    return Renumbering(places).whole(text)


def inverse(places: Sequence[int], count: int) -> tuple[int, ...]:
    """The way back: for each of `count` numbers, the one in the prompt; 0 where the prompt does not have it."""
    back = {place: number for number, place in enumerate(places, 1) if place}
    return tuple(back.get(number, 0) for number in range(1, count + 1))


class Renumbering:
    """`renumbered`, for a text that comes piece by piece; a marker that is cut between pieces comes with the last.

    Without `places` every number stands as it is.
    """

    def __init__(self, places: Sequence[int]) -> None:
        self._places = places
        self._same = list(places) == list(range(1, len(places) + 1))
        self._held = ""
        self._code = ""  # the signs that began the code that the text is in

    def feed(self, piece: str) -> str:
        """The next piece."""
        if self._same:
            return piece
        text, self._held = self._held + piece, ""
        if (opened := _OPEN.search(text)) is not None:
            text, self._held = text[: opened.start()], text[opened.start() :]
        return self.whole(text)

    def whole(self, text: str) -> str:
        """A piece in which no sign is cut, in the other numbering."""
        return _SIGN.sub(self._told, text)

    def end(self) -> str:
        """What is held back still."""
        text, self._held = self._held, ""
        return text

    def _told(self, found: regex.Match[str]) -> str:
        if found["ticks"]:
            signs = found["ticks"]
            if not self._code:
                self._code = signs
            elif signs == self._code or (len(self._code) >= 3 and signs.startswith(self._code)):
                self._code = ""
        elif found["line"]:
            if len(self._code) < 3:  # code within a line ends with it, closed or not
                self._code = ""
        elif not self._code:
            wanted = [int(number) for number in _NUMBER.findall(found["told"])]
            told = dict.fromkeys(
                self._places[n - 1] for n in wanted if 1 <= n <= len(self._places) and self._places[n - 1]
            )
            return f"{found['open']}{', '.join(map(str, told))}{found['close']}" if told else ""
        return found.group()

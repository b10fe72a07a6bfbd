"""Cuts a stream of text at the first stop sequence, wherever the pieces happen to be cut.

Knows strings. Does not know who writes them, nor who reads them.
"""

from __future__ import annotations

from collections.abc import Sequence


class Stopper:
    """Feed it pieces; it gives back what is certain not to be part of a stop sequence. `stopped` once one came.

    Of several sequences, the one that is complete first counts; of those that end together, the longest.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def feed(self, piece: str) -> str:
        """The text that may be shown now."""
        if self.stopped or not self._stops:
            return "" if self.stopped else piece
        text = self._held + piece
        found = [(place + len(stop), place) for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)[1]]
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was held back, now that nothing follows."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0

"""What a question means, as vectors of one encoder or two.

Knows the readings of a question. Does not know who makes the vectors, nor what they are compared with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rag.retrieval.embedders.base import Packed


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """What a question means: its own vector, and its vector after the question before it (the same object where none
    is). `apart` says that the two questions have nothing to do with one another. `second` waits for what a second
    encoder makes of the same.
    """

    own: Packed
    talk: Packed
    apart: bool = False
    second: Callable[[], Packed | None] | None = None

    def alone(self) -> Meaning:
        """What the question means without the one before it."""
        second = self.second
        if second is None:
            return Meaning(self.own, self.own)

        def first() -> Packed | None:
            said = second()
            return None if said is None else said[:1]

        return Meaning(self.own, self.own, second=first)

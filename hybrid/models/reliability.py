"""How many of a model's latest texts were sound and supported: what it may be believed beyond the evidence at hand.

Knows models by name and what became of their texts, in this process and in others that tell of theirs. Does not know
texts, nor when one is sound (`hybrid.answering.acceptance` does).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

_LATEST, _TELLING, _TRUSTED, _DISTRUSTED = 20, 5, 0.8, 0.5
_MODELS = 100


class Reliability:
    """The latest texts of each model. One that proved itself is believed where its sources support it, though a
    quotation would have taken another sentence; one that mostly goes wrong is not believed where it seems right, as
    long as a quotation can answer.
    """

    def __init__(self) -> None:
        self._latest: OrderedDict[str, deque[bool]] = OrderedDict()
        self.told: Callable[[str, bool], None] = lambda model, sound: None
        """Hears the same as `learn`, for `hear` of another process."""

    def learn(self, model: str, sound: bool) -> None:
        """Take in whether one of its texts was sound."""
        self.hear(model, sound)
        self.told(model, sound)

    def hear(self, model: str, sound: bool) -> None:
        """Take it in, here or from another process."""
        self._latest.setdefault(model, deque(maxlen=_LATEST)).append(sound)
        self._latest.move_to_end(model)
        while len(self._latest) > _MODELS:
            self._latest.popitem(last=False)

    def trusted(self, model: str) -> bool:
        """Whether it has written enough to tell, nearly all of it sound."""
        latest = self._latest.get(model, ())
        return len(latest) >= _TELLING and sum(latest) >= _TRUSTED * len(latest)

    def distrusted(self, model: str) -> bool:
        """Whether it has written enough to tell, at most half of it sound."""
        latest = self._latest.get(model, ())
        return len(latest) >= _TELLING and sum(latest) <= _DISTRUSTED * len(latest)

"""Watches a draft while it is written: is it hopeless, and is an escalation becoming likely?

Knows what a few sentences give away. Does not know how a call is ended nor what comes instead. A draft is called
hopeless only for what more text cannot mend: it goes round in a loop, opens with a refusal although the search found
strong passages, speaks another language than the question, or invents from the first sentences on.
"""

from __future__ import annotations

import regex

from hybrid.events import Reason
from hybrid.policies import degeneration, draft_features
from rag.grounding import overlap
from rag.text import phrases, sentences
from rag.text.language import detect
from rag.types import SearchResult

STRONG = 0.6
_STEP_CHARS = 120
_LOOP_CHARS = 240
_LOOP = 0.5
_LANGUAGE_CHARS = 160
_DOUBTFUL_CHARS, _DOUBTFUL = 160, 0.5
_INVENTED_CHARS, _INVENTED = 320, 0.3
_FIRST_SENTENCE = regex.compile(rf"\A.{{10,}}?[{sentences.MARKS}](?=\s)", regex.S)
_OPENING_CHARS = 600


class Watch:
    """One draft under watch; cheap enough to hear every token on the event loop.

    `confidence` is the least at which the passages count as holding an answer; with `cuts` False nothing is hopeless.
    `form_only` looks for loops and for echoes of `instructions` alone: where nobody else could write the answer, what
    a text said before it went wrong is all there is.
    `likely` turns True when the draft is doubtful enough that the large model will probably be asked.
    """

    def __init__(
        self,
        question: str,
        found: SearchResult,
        confidence: float,
        *,
        cuts: bool = True,
        form_only: bool = False,
        instructions: str = "",
    ) -> None:
        self.found = found
        self.cuts = cuts
        self._question = question
        self._form_only = form_only
        self._instructions = instructions
        self.likely = False
        self._answerable = bool(found.passages) and found.confidence >= confidence
        self._strong = self._answerable and found.confidence >= STRONG
        self._expected = found.language if detect(question) == found.language else ""
        self._held: overlap.HeldShare | None = None
        self._form = degeneration.Growing(question=question, instructions=instructions)
        self._beginning = ""
        self._pieces: list[str] = []
        self._unheard = 0
        self._heard = 0
        self._latest = ""
        self._opened = not self._strong or form_only

    def add(self, piece: str) -> Reason | None:
        """Take in what the draft goes on with; why it is hopeless, or None."""
        hopeless = self._look(piece)
        self.likely = self.likely or hopeless is not None
        return hopeless if self.cuts else None

    def _look(self, piece: str) -> Reason | None:
        if not self._opened and (hopeless := self._opening(piece)):
            return hopeless
        self._pieces.append(piece)
        self._unheard += len(piece)
        if self._unheard < _STEP_CHARS:
            return None
        new = "".join(self._pieces)
        self._pieces.clear()
        self._heard += self._unheard
        self._unheard = 0
        self._latest = (self._latest + new)[-4 * _LOOP_CHARS :]
        if self._form_only:
            return self._loop() or self._malformed(new)
        return self._loop() or self._language() or self._invention(new) or self._malformed(new)

    def _opening(self, piece: str) -> Reason | None:
        self._beginning = text = self._beginning + piece
        opening = _FIRST_SENTENCE.match(text)
        if opening is None:
            self._opened = len(text) > _OPENING_CHARS
            return None
        self._opened = True
        if not phrases.is_refusal(opening.group()):
            return None
        return Reason(
            "abandoned_refusal",
            "The draft began with a refusal, although the search found strong passages; it was cut off.",
            {"confidence": self.found.confidence},
        )

    def _loop(self) -> Reason | None:
        if self._heard < _LOOP_CHARS:
            return None
        share = draft_features.repetition(draft_features.Draft("", self._latest))
        if share < _LOOP:
            return None
        return Reason(
            "abandoned_loop", f"The draft went round in circles ({share:.0%}); it was cut off.", {"repetition": share}
        )

    def _malformed(self, new: str) -> Reason | None:
        self._form.add(new)
        if degeneration.LOOP in self._form.faults:
            return Reason("abandoned_loop", "The draft went round in circles; it was cut off.")
        if degeneration.ECHO not in self._form.faults or not self._form.said:
            return None
        return Reason("abandoned_echo", "The draft began to recite its instructions; it was cut off.")

    def _language(self) -> Reason | None:
        if self._heard < _LANGUAGE_CHARS or not self._expected:
            return None
        expected, self._expected = self._expected, ""
        written = detect(self._latest)
        if not written or written == expected:
            return None
        return Reason(
            "abandoned_language",
            f"The draft was written in another language ({written}) than the question; it was cut off.",
            {"language": written},
        )

    def _invention(self, new: str) -> Reason | None:
        if not self._answerable:
            return None
        if self._held is None:
            self._held = overlap.HeldShare("\n".join(" ".join((*p.headings, p.text)) for p in self.found.passages))
        held = self._held.add(new)
        if self._heard < _DOUBTFUL_CHARS:
            return None
        self.likely = self.likely or held < _DOUBTFUL
        if self._heard < _INVENTED_CHARS or held >= _INVENTED:
            return None
        return Reason(
            "abandoned_invention",
            f"The passages hold only {held:.0%} of what the draft said; it was cut off.",
            {"support": held},
        )

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
from rag.text import phrases
from rag.text.language import detect
from rag.types import SearchResult

STRONG = 0.6
_STEP_CHARS = 120
_LOOP_CHARS = 240
_LOOP = 0.5
_LANGUAGE_CHARS = 160
_DOUBTFUL_CHARS, _DOUBTFUL = 160, 0.5
_INVENTED_CHARS, _INVENTED = 320, 0.3
_FIRST_SENTENCE = regex.compile(r"\A.{10,}?[.!?…。！？](?=\s)", regex.S)
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
        self._held: frozenset[str] | None = None
        self._text = ""
        self._next = _STEP_CHARS
        self._opened = not self._strong or form_only

    def add(self, piece: str) -> Reason | None:
        """Take in what the draft goes on with; why it is hopeless, or None."""
        hopeless = self._look(piece)
        self.likely = self.likely or hopeless is not None
        return hopeless if self.cuts else None

    def _look(self, piece: str) -> Reason | None:
        self._text += piece
        text = self._text
        if not self._opened and (hopeless := self._opening(text)):
            return hopeless
        if len(text) < self._next:
            return None
        self._next = len(text) + _STEP_CHARS
        if self._form_only:
            return self._loop(text) or self._form(text)
        return self._loop(text) or self._language(text) or self._invention(text) or self._form(text)

    def _opening(self, text: str) -> Reason | None:
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

    def _loop(self, text: str) -> Reason | None:
        if len(text) < _LOOP_CHARS:
            return None
        latest = text[-4 * _LOOP_CHARS :]
        share = draft_features.repetition(draft_features.Draft("", latest))
        if share < _LOOP:
            return None
        return Reason(
            "abandoned_loop", f"The draft went round in circles ({share:.0%}); it was cut off.", {"repetition": share}
        )

    def _form(self, text: str) -> Reason | None:
        sound = degeneration.sound(text, question=self._question, instructions=self._instructions)
        if degeneration.LOOP in sound.faults:
            return Reason("abandoned_loop", "The draft went round in circles; it was cut off.")
        if degeneration.ECHO not in sound.faults or not sound.text.strip():
            return None
        return Reason("abandoned_echo", "The draft began to recite its instructions; it was cut off.")

    def _language(self, text: str) -> Reason | None:
        if len(text) < _LANGUAGE_CHARS or not self._expected:
            return None
        expected, self._expected = self._expected, ""
        written = detect(text)
        if not written or written == expected:
            return None
        return Reason(
            "abandoned_language",
            f"The draft was written in another language ({written}) than the question; it was cut off.",
            {"language": written},
        )

    def _invention(self, text: str) -> Reason | None:
        if len(text) < _DOUBTFUL_CHARS or not self._answerable:
            return None
        if self._held is None:
            self._held = overlap.vocabulary("\n".join(" ".join((*p.headings, p.text)) for p in self.found.passages))
        held = overlap.held_share(text, self._held)
        self.likely = self.likely or held < _DOUBTFUL
        if len(text) < _INVENTED_CHARS or held >= _INVENTED:
            return None
        return Reason(
            "abandoned_invention",
            f"The passages hold only {held:.0%} of what the draft said; it was cut off.",
            {"support": held},
        )

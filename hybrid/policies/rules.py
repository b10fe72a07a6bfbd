"""The rules that a user can read, set and switch: the policy of the first day.

Knows the rules and their reasons. Does not know how signals are measured, nor who acts on a decision.
"""

from __future__ import annotations

from hybrid.events import Decision, Reason
from hybrid.policies.signals import Signals
from hybrid.settings import EscalationSettings

REPETITIVE = 0.35


class Rules:
    """Rules that a user can read, set and switch one by one.

    `minimum_confidence` is the retrieval confidence below which the corpus is taken to hold no answer. The probability
    is that of at least one fired rule being right, with a fixed weight for each: an order, not a calibrated estimate.
    """

    name = "rules"
    version = "1"

    def __init__(self, settings: EscalationSettings, minimum_confidence: float) -> None:
        self.settings = settings
        self.minimum_confidence = minimum_confidence

    def decide(self, signals: Signals) -> Decision:
        fired = self._topics(signals)
        if signals.refused and signals.confidence < self.minimum_confidence:
            if not fired:
                agreed = Reason(
                    "refusal_agreed",
                    "The draft says that the documents hold no answer, and the search found none.",
                    {"confidence": signals.confidence},
                )
                return Decision(False, 0.0, (agreed,), self.name, self.version)
        else:
            fired += self._length(signals) + self._low_confidence(signals)
        doubt = 1.0
        for _, weight in fired:
            doubt *= 1.0 - weight
        reasons = tuple(reason for reason, _ in fired) or (
            Reason("kept", "No rule speaks against the draft.", {"support": signals.support}),
        )
        return Decision(bool(fired), 1.0 - doubt, reasons, self.name, self.version)

    def _topics(self, signals: Signals) -> list[tuple[Reason, float]]:
        if not self.settings.flagged_topics or not signals.topics:
            return []
        topics = ", ".join(signals.topics)
        return [(Reason("flagged_topic", f"The question touches {topics}.", {"topics": topics}), 0.5)]

    def _length(self, signals: Signals) -> list[tuple[Reason, float]]:
        settings, fired = self.settings, []
        if settings.long_draft and signals.chars >= settings.long_chars:
            text = f"The draft is long ({signals.chars} characters): worth polishing."
            fired.append((Reason("long_draft", text, {"chars": signals.chars, "limit": settings.long_chars}), 0.3))
        if settings.short_draft and 0 < signals.chars < settings.short_chars:
            text = f"The draft says next to nothing ({signals.chars} characters)."
            fired.append((Reason("short_draft", text, {"chars": signals.chars, "limit": settings.short_chars}), 0.6))
        return fired

    def _low_confidence(self, signals: Signals) -> list[tuple[Reason, float]]:
        if not self.settings.low_confidence:
            return []
        if signals.empty:
            return [(Reason("empty", "The draft is empty."), 1.0)]
        fired: list[tuple[Reason, float]] = []
        if signals.support < self.settings.minimum_support:
            text = f"The documents support only {signals.support:.0%} of the draft's sentences."
            values: dict[str, float | str] = {"support": signals.support, "limit": self.settings.minimum_support}
            fired.append((Reason("unsupported", text, values), 1.0 - signals.support))
        if signals.refused:
            text = "The draft says that there is no answer, but the search found strong passages."
            fired.append((Reason("refused_though_found", text, {"confidence": signals.confidence}), 0.7))
        if signals.truncated:
            fired.append((Reason("truncated", "The draft breaks off before its end."), 0.7))
        if signals.repetition > REPETITIVE:
            text = f"The draft repeats itself ({signals.repetition:.0%})."
            fired.append((Reason("repetitive", text, {"repetition": signals.repetition}), 0.9))
        return fired

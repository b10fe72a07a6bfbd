"""Policies that look at nothing: the ends of the scale, and the measures that every other is held against.

Knows no signal. `Random` and `Oracle` serve evaluation: the first is what luck gives, the second what nobody can beat.
"""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

from hybrid.events import Decision, Reason
from hybrid.policies.signals import Signals


class Always:
    """Escalates every draft."""

    name = "always"
    version = "1"

    def decide(self, signals: Signals) -> Decision:
        return Decision(True, 1.0, (Reason("always", "Set to ask the large model always."),), self.name, self.version)


class Never:
    """Keeps every draft."""

    name = "never"
    version = "1"

    def decide(self, signals: Signals) -> Decision:
        return Decision(False, 0.0, (Reason("never", "Set to keep every draft."),), self.name, self.version)


class Random:
    """Escalates half of the drafts by lot; the same draft (`Signals.id`) and seed always draw the same."""

    name = "random"
    version = "1"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def decide(self, signals: Signals) -> Decision:
        drawn = crc32(f"{self.seed}:{signals.id}".encode()) / 2**32
        return Decision(drawn >= 0.5, drawn, (Reason("random", "Drawn by lot."),), self.name, self.version)


class Oracle:
    """Knows by `Signals.id` what the large model would add: 1 mends a wrong draft, 0 changes nothing, -1 spoils one."""

    name = "oracle"
    version = "1"

    def __init__(self, gains: Mapping[str, float]) -> None:
        self.gains = gains

    def decide(self, signals: Signals) -> Decision:
        gain = self.gains[signals.id]
        return Decision(gain > 0, (gain + 1.0) / 2.0, (Reason("oracle", "Told."),), self.name, self.version)

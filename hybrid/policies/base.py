"""Whether a draft goes to the large model: signals in, decision out.

Knows that a policy is one method, and which one the settings ask for. Does not know how any of them decides.
"""

from __future__ import annotations

from typing import Protocol

from hybrid.events import Decision
from hybrid.policies.fitted import Heads, Logistic, Stake, shipped
from hybrid.policies.fixed import Always, Never
from hybrid.policies.rules import Rules
from hybrid.policies.signals import Signals
from hybrid.settings import Escalate, EscalationSettings


class Policy(Protocol):
    """Decides. `decide` is pure: the same signals give the same decision. Its probability is that the draft is bad."""

    name: str
    version: str

    def decide(self, signals: Signals) -> Decision: ...


def policy_for(
    settings: EscalationSettings,
    minimum_confidence: float,
    weights: Heads | None = None,
    seconds: float = 0.0,
    cost: float = 0.0,
) -> Policy:
    """The policy that the settings ask for.

    `weights` are those fitted on this installation's answers, None where there are none; `seconds` and `cost` what the
    large model is expected to take.
    """
    if settings.mode is Escalate.ALWAYS:
        return Always()
    if settings.mode is Escalate.NEVER:
        return Never()
    if settings.policy == "logistic":
        return Logistic(weights or shipped(), Stake(seconds, cost, settings.second_worth, settings.answer_worth))
    return Rules(settings, minimum_confidence)

"""What every policy keeps: one pure method, a probability, reasons, and a name that a trace can carry."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.policies.base import Policy
from hybrid.policies.fitted import Logistic, Stake, shipped
from hybrid.policies.fixed import Always, Never, Oracle, Random
from hybrid.policies.rules import Rules
from hybrid.policies.signals import Signals
from hybrid.settings import EscalationSettings

POLICIES: list[Policy] = [
    Always(),
    Never(),
    Random(seed=3),
    Oracle(defaultdict(float)),
    Rules(EscalationSettings(), 0.16),
    Logistic(shipped(), Stake(20.0, 0.01, 0.01, 1.0)),
]
SHARE = st.floats(0.0, 1.0)
SIGNALS = st.builds(
    Signals,
    chars=st.integers(0, 5000),
    support=SHARE,
    refused=st.booleans(),
    confidence=SHARE,
    truncated=st.booleans(),
    repetition=SHARE,
    topics=st.lists(st.text(min_size=1, max_size=8), max_size=2).map(tuple),
    values=st.dictionaries(st.sampled_from(sorted(shipped().plain.names)), st.floats(-1e6, 1e6), max_size=12),
    id=st.text(max_size=8),
)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@given(signals=SIGNALS)
def test_a_decision_is_pure_and_can_be_kept(policy: Policy, signals: Signals) -> None:
    decision = policy.decide(signals)
    assert decision == policy.decide(signals)
    assert 0.0 <= decision.probability <= 1.0
    assert decision.reasons and all(reason.code and reason.text.endswith(".") for reason in decision.reasons)
    assert (decision.policy, decision.version) == (policy.name, policy.version)
    assert json.loads(json.dumps(decision.as_dict())) == decision.as_dict()

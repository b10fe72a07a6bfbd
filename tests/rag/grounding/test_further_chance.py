"""How likely it is that a stretch holds what quotes lack: what the estimate hears."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.grounding import further_chance

_SHARES = st.floats(0.0, 1.0)


@given(_SHARES, st.floats(-20.0, 20.0), _SHARES, _SHARES, st.floats(-20.0, 20.0), st.floats(-2.0, 2.0))
def test_it_stays_an_estimate(
    holds: float, behind: float, says: float, said: float, apart: float, nearer: float
) -> None:
    values = further_chance.describe(holds, behind, says, said, apart, nearer)
    assert len(values) == len(further_chance.FEATURES) and np.isfinite(values).all()
    for odds in (-1e9, 0.0, 1e9):
        both = further_chance.read_too(values, odds, 0.0)
        assert len(both) == len(further_chance.READ) and 0.0 <= further_chance.chance(both) <= 1.0
    assert 0.0 <= further_chance.chance(values) <= 1.0


def test_what_says_more_of_the_question_than_the_quotes_is_likelier_and_what_a_reader_says_answers() -> None:
    def values(says: float, said: float) -> further_chance.Floats:
        return further_chance.describe(0.5, 1.0, says, said, 1.0, 0.0)

    assert further_chance.chance(values(0.8, 0.3)) > further_chance.chance(values(0.3, 0.8))
    of_readings = [further_chance.chance(further_chance.read_too(values(0.5, 0.5), odds, 0.0)) for odds in (-6, 0, 6)]
    assert of_readings == sorted(of_readings) and of_readings[0] < of_readings[-1]
    assert further_chance.chance(further_chance.read_too(values(0.5, 0.5), 0.0, 3.0)) < of_readings[1]

"""hybrid.policies.arithmetic: which calculations a text states, and whether they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.policies.arithmetic import statements


def verdicts(text: str) -> list[bool]:
    return [one.holds for one in statements(text)]


@pytest.mark.parametrize(
    "text",
    [
        "16 - 3 = 13 eggs are left.",
        "That is $80,000 + $50,000 = $130,000.",
        "She pays 4 boxes * $2.50 = $10.00 in all",
        "15 floors * 8 units/floor = 120 units",
        "36 x 3/4 = 27",
        "7 / 1/2 = 14 toys",
        "20% of 50 = 10",
        "(12 / 20) x 100 = 60%",
        "12 / 20 = 60 per cent",
        "100 / 3 = 33.33",
        "11 / 8.5 ≈ 1",
        "2 * 30 minutes = 1 hour",
        "5 \\* 6 = **30**",
        "\\frac{3}{4} \\times 8 = 6",
        "1,5 * 2 = 3",
        "2 million + 500 thousand = 2,500,000",
        "Pieces = total / length\n= 4 feet / 0.5 feet\n= 8",
        "In total <<3*60=180>>180 miles",
        "12 (chicken) + 5 * 3 (milk) = 27",
    ],
)
def test_what_holds(text: str) -> None:
    assert verdicts(text)
    assert all(verdicts(text))


@pytest.mark.parametrize(
    "text",
    [
        "12 + 5 = 18.",
        "So it is 36 * 68/12 = $200.",
        "Together <<3*60=190>>190 miles",
        "20% of 50 = 12 people",
        "100 / 3 = 34.33",
        "2 * 30 minutes = 2 hours",
        "9 * 2 = 18, then 18 - 4 = 15",
    ],
)
def test_what_does_not_hold(text: str) -> None:
    assert not all(verdicts(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The limit is 500.",
        "x = 5",
        "2x + 3*4 = 20",
        "S + 30 = 110",
        "6 inches = 0.5 feet",
        "if a == b: 1 + 1 == 3",
        "5 + = 3",
        "1 / 0 = 7",
        "9 ** 9 ** 9 ** 9 = 1",
        "((((((((1 + ",
        "Section 3.1.2 = draft",
    ],
)
def test_what_states_nothing(text: str) -> None:
    assert statements(text) == ()


def test_a_chain_is_checked_pair_by_pair() -> None:
    first, second = statements("3 + 4 * 2 = 22 / 2 = 12")
    assert (first.operands, first.result, first.holds) == ((3.0, 4.0, 2.0), 11.0, True)
    assert (second.operands, second.result, second.holds) == ((22.0, 2.0), 12.0, False)


def test_the_same_statement_counts_once() -> None:
    assert len(statements("3 * 4 = 12. As said, 3 * 4 = 12. 3 * 4 = <<3*4=12>>12.")) == 1


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 9))
def test_right_sums_hold_and_wrong_ones_do_not(a: int, b: int, off: int) -> None:
    assert verdicts(f"so {a:,} + {b:,} = {a + b:,} in all.") == [True]
    assert verdicts(f"so {a:,} + {b:,} = {a + b + off:,} in all.") == [False]


@given(st.text(alphabet="0123456789+-*/=().,%$x <>\nab½²\\{}", max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    for one in statements(text):
        assert one.operands
        assert one.result == one.result

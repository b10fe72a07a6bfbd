"""The circuit breaker: opens after failures in a row, lets one try, closes on success."""

from __future__ import annotations

import pytest

from hybrid.errors import ModelError
from hybrid.runtimes.circuit_breaker import Breaker

DOWN = ModelError("down", kind="refused")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker("office", clock)
    for _ in range(3):
        breaker.failed(DOWN, breaker.check())
    return breaker, clock


def test_three_failures_open_it_for_ten_seconds() -> None:
    breaker, clock = opened()
    with pytest.raises(ModelError, match="office failed 3 times in a row; it is asked again in 10 s"):
        breaker.check()
    clock.now = 10.0
    breaker.check()


def test_the_pause_doubles_until_a_success() -> None:
    breaker, clock = opened()
    clock.now = 10.0
    breaker.failed(DOWN, breaker.check())
    clock.now = 29.0
    assert breaker.open
    clock.now = 30.0
    assert not breaker.open
    breaker.succeeded()
    breaker.failed(DOWN, breaker.check())
    assert not breaker.open


@pytest.mark.parametrize("kind", ["too_long", "unauthorised", "not_found"])
def test_what_is_the_requests_fault_does_not_count(kind: str) -> None:
    breaker = Breaker("office")
    for _ in range(9):
        breaker.failed(ModelError("no", kind=kind), breaker.check())
    assert not breaker.open


def test_calls_that_fail_together_are_one_failure() -> None:
    clock = Clock()
    breaker = Breaker("office", clock)
    calls = [breaker.check() for _ in range(100)]
    clock.now = 5.0
    for began in calls:
        breaker.failed(DOWN, began)
        clock.now += 0.001
    assert not breaker.open


def test_after_the_pause_one_call_tries_for_all() -> None:
    breaker, clock = opened()
    clock.now = 10.0
    breaker.check()
    with pytest.raises(ModelError, match="asked again"):
        breaker.check()
    clock.now = 20.0
    breaker.check()
    breaker.succeeded()
    breaker.check()
    breaker.check()

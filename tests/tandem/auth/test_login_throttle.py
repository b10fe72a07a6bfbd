from hypothesis import given
from hypothesis import strategies as st

from tandem.auth import login_throttle
from tandem.auth.login_throttle import FORGET_SECONDS, Brake


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_few_failures_are_free_and_then_the_delays_grow() -> None:
    clock = Clock()
    ada = Brake(3, (10, 60), clock)
    waits = []
    for _ in range(6):
        waits.append(ada.wait("ada"))
        clock.now += waits[-1]
        assert ada.wait("ada") == 0
        ada.fail("ada")
    assert waits == [0, 0, 0, 10, 60, 60]
    clock.now += 59
    assert ada.wait("ada") == 1 and ada.wait("bob") == 0


def test_success_and_time_forget() -> None:
    clock = Clock()
    tries = Brake(1, (10,), clock)
    for name in ("ada", "bob", "eve"):
        tries.fail(name)
        tries.fail(name)
    tries.forget("ada")
    tries.take_back("eve")
    assert (tries.wait("ada"), tries.wait("bob"), tries.wait("eve")) == (0, 10, 10)
    tries.take_back("eve")
    assert tries.wait("eve") == 0
    clock.now += FORGET_SECONDS
    assert tries.wait("bob") == 0 and len(tries) == 0


def test_memory_is_bounded_and_the_oldest_are_let_go() -> None:
    tries = Brake(1, (10,), Clock())
    for number in range(login_throttle.MOST_KEYS + 5):
        tries.fail(str(number))
    assert len(tries) == login_throttle.MOST_KEYS
    assert tries.wait("4") == 0 and tries.wait("5") == 10


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.floats(0, 500)), max_size=60))
def test_a_wait_that_was_named_holds(steps: list[tuple[str, bool, float]]) -> None:
    clock = Clock()
    tries = Brake(2, (10, 30, 60), clock)
    for key, right, pause in steps:
        clock.now += pause
        if (wait := tries.wait(key)) > 0:
            before = clock.now
            clock.now = before + wait + 1e-6
            assert wait <= 60 and tries.wait(key) == 0
            clock.now = before
        elif right:
            tries.forget(key)
            assert tries.wait(key) == 0
        else:
            tries.fail(key)

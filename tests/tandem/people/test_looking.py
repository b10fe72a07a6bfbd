"""tandem.people.looking: one look at a time, that nobody waits for unless they want to, and none after the end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tandem.people import looking
from tandem.people.looking import Looker


class Slow:
    """A look that goes on until it is let go."""

    def __init__(self) -> None:
        self.looks = 0
        self.begun, self.go = threading.Event(), threading.Event()

    def look(self) -> None:
        self.looks += 1
        self.begun.set()
        assert self.go.wait(60)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    monkeypatch.setattr(looking, "EVERY_SECONDS", 0.0)
    return Slow()


def test_nobody_waits_for_a_look_and_two_are_never_under_way(slow: Slow) -> None:
    looker = Looker("test", slow.look)
    for _ in range(3):
        looker.begin()
        assert slow.begun.wait(60)
    assert slow.looks == 1
    slow.go.set()
    looker.close()
    looker.begin()
    looker.wait()
    assert slow.looks == 1


def test_who_waits_has_what_the_look_under_way_found(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "EVERY_SECONDS", 3600.0)
    looker = Looker("test", slow.look)
    with ThreadPoolExecutor(3) as askers:
        waiting = [askers.submit(looker.wait) for _ in range(3)]
        assert slow.begun.wait(60) and not any(one.done() for one in waiting)
        slow.go.set()
        for one in waiting:
            one.result(60)
    assert slow.looks == 1
    looker.close()

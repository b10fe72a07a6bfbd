"""Whose file is read next."""

import threading
from contextlib import ExitStack

from rag.ingest.fair_turns import FairTurns


def test_nobody_holds_every_turn_and_the_longest_waiting_comes_first() -> None:
    turns = FairTurns(2)
    order: list[str] = []
    threads = []
    with ExitStack() as held:
        held.enter_context(turns.turn("ada"))

        def wait(person: str, name: str) -> None:
            with turns.turn(person):
                order.append(name)

        for person, name in (("ada", "ada 2"), ("ada", "ada 3"), ("bob", "bob"), ("cem", "cem")):
            thread = threading.Thread(target=wait, args=(person, name))
            thread.start()
            threads.append(thread)
            while len(order) + len(turns._waiting) < len(threads):
                thread.join(0.001)
        threads[2].join(60)
        threads[3].join(60)
        assert sorted(order) == ["bob", "cem"]
    for thread in threads:
        thread.join(60)
    assert order[2:] == ["ada 2", "ada 3"]

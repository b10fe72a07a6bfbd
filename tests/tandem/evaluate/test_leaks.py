"""Prying people hear nothing of what they may not read; and the measure hears what does leak."""

from __future__ import annotations

import pytest

from rag.labels import PUBLIC
from tandem.auth.rights import Rights
from tandem.commands.leaking import measured
from tandem.evaluate.leaks import CLOSED, label_of
from tandem.sharing import opened


async def test_random_questions_find_no_secret_of_others() -> None:
    tally = await measured(250, seed=11)
    assert tally["leaks"] == 0, tally["shown"]
    # The average length of all passages, in the index's scores, tips the scales once in thousands of questions.
    assert tally["differences"] <= 1, tally["shown"]
    assert tally["questions"] == 250 and len(tally["kinds"]) == 13
    assert tally["own_secrets_found"] > 25, "who may read a secret finds it"
    assert tally["shares_opened"] > 200 and 20 < tally["shown_whole"] < 200 and tally["pieces_held_back"] > 50


async def test_a_right_that_is_granted_by_mistake_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rights, "labels", lambda self, principal: PUBLIC | set(map(label_of, CLOSED)))
    tally = await measured(20, seed=11)
    assert tally["leaks"] > 20 and tally["differences"] > 2


async def test_a_share_that_shows_too_much_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "_reader", lambda context, mine: lambda source: True)
    tally = await measured(40, seed=11)
    assert tally["leaks"] > 5 and tally["differences"] == 0

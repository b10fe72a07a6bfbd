"""Whatever is damaged of what Tandem keeps, answers go on and nothing else is lost."""

from pathlib import Path

from tests.support import corrupting


def test_damage_costs_only_what_is_damaged(tmp_path: Path) -> None:
    tally = corrupting.run(tmp_path, rounds=30, seed=30)
    assert tally.rounds == 30
    assert (tally.tracebacks, tally.sentences, tally.unanswered, tally.lost) == ([], [], [], [])

from pathlib import Path

from tests.support import killing


def test_a_killed_process_loses_nothing_it_had_acknowledged(tmp_path: Path) -> None:
    tally = killing.run(tmp_path, rounds=5, seed=5)
    assert tally.rounds == 5
    assert tally.cut_short
    assert (tally.lost, tally.orphans, tally.missing_at_the_end) == (0, 0, 0)

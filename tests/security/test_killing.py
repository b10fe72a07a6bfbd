"""A process that is killed loses nothing that it acknowledged."""

from pathlib import Path

from tests.support import killing_work


def test_killed_while_answering_uploading_and_writing(tmp_path: Path) -> None:
    tally = killing_work.run(tmp_path, rounds=2, seed=3, serves=1)
    assert tally.rounds == 2
    assert tally.whole_rounds == 2
    assert min(tally.answers, tally.uploads, tally.messages, tally.documents) >= 2
    assert (tally.lost, tally.amiss, tally.pages) == ([], [], 1)

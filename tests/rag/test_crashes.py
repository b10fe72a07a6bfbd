import json
from pathlib import Path

from rag.storage.tantivy_index import Entry, Index
from tests.support import killing


def test_a_killed_process_loses_nothing_it_had_acknowledged(tmp_path: Path) -> None:
    tally = killing.run(tmp_path, rounds=5, seed=5)
    assert tally.rounds == 5
    assert tally.cut_short
    assert (tally.lost, tally.orphans, tally.missing_at_the_end) == (0, 0, 0)


def test_what_a_killed_commit_left_is_no_hindrance(tmp_path: Path) -> None:
    index = Index(tmp_path)
    with index.writer() as writer:
        for row in range(5):
            writer.add(Entry(row, row, f"{row}.md", (), "md", 0.0, "", "pier", "", "pier"))
        writer.commit()
    meta = json.loads((tmp_path / "meta.json").read_text(encoding="utf-8"))
    segment = meta["segments"][0]["segment_id"].replace("-", "")
    left = [f"{segment}.{meta['opstamp'] + ahead}.del" for ahead in range(5)]
    for name in left:
        (tmp_path / name).write_bytes(b"half")
    listed = tmp_path / ".managed.json"
    listed.write_text(json.dumps(json.loads(listed.read_text(encoding="utf-8")) + left), encoding="utf-8")
    index = Index(tmp_path)
    with index.writer() as writer:
        writer.delete(2)
        writer.commit()
    assert sorted(index.rows()) == [0, 1, 3, 4]

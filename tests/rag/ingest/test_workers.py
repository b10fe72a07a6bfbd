import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rag.ingest.document_builder import build
from rag.ingest.loader import load
from rag.ingest.workers import Cancelled, Limits, Outcome, Pool, Task
from tests.support import documents
from tests.support.hostile import replaced


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


def task(path: Path, known: str = "") -> Task:
    return Task(str(path), path.name, path.stat().st_size, 1.5, 900, known)


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_a_document_arrives_as_it_was_built(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "ilk.md"
    path.write_text("# Çay\n\nÇay saati dörtte. Kurabiye de var.\n\n## Kahve\n\nKahve yok.\n", encoding="utf-8")
    outcome = pool.read(task(path))
    assert outcome.document == build(load(path), name="ilk.md", kind="md", modified=1.5, passage_chars=900)
    assert pool.read(task(path, known=outcome.digest)) == Outcome(outcome.digest, None, "")


def test_a_bad_file_gives_a_reason(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "bad.pdf"
    path.write_bytes(b"%PDF-1.7 nothing")
    outcome = pool.read(task(path))
    assert outcome.document is None
    assert "damaged" in outcome.reason
    assert outcome.digest
    path.unlink()
    assert "cannot be opened" in pool.read(Task(str(path), "bad.pdf", 0, 0.0, 900)).reason


def test_a_slow_file_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "slow.md"
    path.write_text("Words and more words. " * 800_000, encoding="utf-8")
    pool = Pool(Limits(seconds=2.5, seconds_per_megabyte=0))
    try:
        outcome = pool.read(task(path))
        assert outcome.document is None
        assert "longer than 2.5 seconds" in outcome.reason
        assert outcome.digest
    finally:
        pool.close()


def test_waiting_is_no_computing(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text("Words and more words. " * 2_000, encoding="utf-8")
    before = set(children())
    pool = Pool(Limits(seconds=2.0, seconds_per_megabyte=0))
    outcomes: list[Outcome] = []
    reading = threading.Thread(target=lambda: outcomes.append(pool.read(task(path))))
    reading.start()
    try:
        while not (new := set(children()) - before):
            reading.join(0.01)
        for process in new:
            process.suspend()
        reading.join(2.5)  # longer than the limit by the clock, as on a busy machine
        assert reading.is_alive()
        for process in new:
            process.resume()
        reading.join(60)
        assert outcomes[0].document is not None, outcomes[0].reason
    finally:
        pool.close()


def test_a_pool_that_is_closed_while_it_reads_leaves_no_process(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text("Words and more words. " * 20_000, encoding="utf-8")
    before = set(children())
    pool = Pool()
    outcomes: list[Outcome] = []
    reading = threading.Thread(target=lambda: outcomes.append(pool.read(task(path))))
    reading.start()
    while not (new := set(children()) - before):
        reading.join(0.01)
    pool.close()
    reading.join(60)
    assert outcomes[0].document is not None
    assert not [process for process in new if process.is_running()]
    pool.close()


def test_a_disk_that_does_not_answer_is_given_up_by_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text("Words and more words. " * 200_000, encoding="utf-8")
    pool = Pool(Limits(seconds=0.01, seconds_per_megabyte=0, least_wait=0.2))
    try:
        assert pool.read(task(path)).document is None
    finally:
        pool.close()


def test_a_file_that_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "large.docx"
    path.write_bytes(_blown_up())
    pool = Pool(Limits(seconds=120, memory=200_000_000))
    try:
        outcome = pool.read(task(path))
        assert outcome.document is None
        assert "0.2 GB of memory" in outcome.reason
    finally:
        pool.close()


def test_a_process_that_dies_costs_its_file_only(tmp_path: Path) -> None:
    path = tmp_path / "slow.md"
    path.write_text("Words and more words. " * 200_000, encoding="utf-8")
    before = set(children())
    pool = Pool()
    outcomes: list[Outcome] = []
    reading = threading.Thread(target=lambda: outcomes.append(pool.read(task(path))))
    reading.start()
    try:
        while not (new := set(children()) - before):
            reading.join(0.01)
        for process in new:
            while process.is_running() and process.cpu_times().user < 0.8:  # it has begun to read
                reading.join(0.01)
            process.kill()
        reading.join(60)
        assert [o.document for o in outcomes] == [None]
        assert "crash" in outcomes[0].reason
        path.write_text("Short.", encoding="utf-8")
        assert pool.read(task(path)).document is not None
    finally:
        pool.close()
    assert not [p for p in children() if p not in before and p.status() != psutil.STATUS_ZOMBIE]


def test_reading_can_be_cancelled(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "slow.md"
    path.write_text("Words and more words. " * 200_000, encoding="utf-8")
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        pool.read(task(path), cancel)


def _blown_up() -> bytes:
    word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = "<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 800_000
    return replaced(
        documents.word("x"), "word/document.xml", f"<w:document {word}><w:body>{body}</w:body></w:document>"
    )

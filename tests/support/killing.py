"""Kills a process that indexes, again and again, and looks whether the library kept what it had acknowledged.

Run it by hand for more rounds than the tests do: python -m tests.support.killing 50
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.library import Library
from rag.principal import ANYBODY
from rag.settings import RetrievalSettings
from rag.storage.checksums import check

SETTINGS = RetrievalSettings()
ROOT = Path(__file__).parents[2]
FILES = 150
PROGRAM = """
import sys; from pathlib import Path
from rag.library import Library; from rag.settings import RetrievalSettings
library = Library.open(Path(sys.argv[1]), RetrievalSettings(), write=True)
print("begun", flush=True)
library.sync([Path(sys.argv[2])])
"""


@dataclass
class Tally:
    """What became of all rounds. `acknowledged` counts documents that a reader saw before a kill; `lost` those of them
    that were not there after it; `orphans` rows without their document, and passages of the index without their row.
    """

    rounds: int = 0
    cut_short: int = 0
    acknowledged: int = 0
    lost: int = 0
    orphans: int = 0
    missing_at_the_end: int = 0


def run(home: Path, rounds: int, seed: int) -> Tally:
    """Index, kill and look `rounds` times. Every round some files are new, some changed, some gone."""
    chance = random.Random(seed)
    folder = home / "papers"
    folder.mkdir()
    tally = Tally()
    for number in range(rounds):
        _change(folder, number, chance)
        seen, finished = _index_and_kill(home, chance)
        tally.rounds += 1
        tally.cut_short += not finished
        tally.acknowledged += len(seen)
        _look(home, seen, tally)
    library = Library.open(home / "library", SETTINGS, write=True)
    try:
        library.sync([folder])
        _count_orphans(library, tally)
        stored = {record.name: library.seen_by(ANYBODY).text(record.id) for record in library.documents()}
        files = {path.name: path.read_text(encoding="utf-8").strip() for path in folder.iterdir()}
        tally.missing_at_the_end = sum(stored.get(name) != text for name, text in files.items())
        tally.missing_at_the_end += len(stored.keys() - files.keys())
    finally:
        library.close()
    return tally


def _change(folder: Path, number: int, chance: random.Random) -> None:
    there = sorted(folder.iterdir())
    for path in chance.sample(there, len(there) // 3):
        path.unlink()
    for at in chance.sample(range(FILES), FILES // 2):
        words = " ".join(
            chance.choice(("tide", "mole", "berth", "crane", "rope")) for _ in range(chance.randrange(400))
        )
        (folder / f"note{at}.txt").write_text(f"Round {number} of note {at}. {words}.", encoding="utf-8")


def _index_and_kill(home: Path, chance: random.Random) -> tuple[dict[tuple[str, str], str], bool]:
    """Returns the digests of the files whose documents a reader had seen before the kill, by (root, path)."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home / "library"), str(home / "papers")],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    reader = Library.open(home / "library", SETTINGS)
    seen: dict[tuple[str, str], str] = {}
    pause = threading.Event()
    wanted = reader.generation + chance.randrange(4)
    try:
        while process.poll() is None and reader.generation < wanted:
            pause.wait(0.001)
        # The store's commit is visible now, and the index's is under way: a good moment, and so is any after it.
        pause.wait(chance.choice((0.0, chance.uniform(0.0, 0.05), chance.uniform(0.0, 1.0))))
        seen = {(r.root, r.path): r.digest for r in reader.receipts() if r.state == "indexed"}
    finally:
        reader.close()
        finished = process.poll() is not None
        process.kill()
        process.communicate()
    return seen, finished


def _look(home: Path, seen: dict[tuple[str, str], str], tally: Tally) -> None:
    library = Library.open(home / "library", SETTINGS, write=True)
    try:
        there = {(r.root, r.path): r.digest for r in library.receipts() if r.state == "indexed"}
        named = {record.name for record in library.documents()}
        # What a reader saw is there, as it was or in a later form: the writer went on for a moment.
        for root, path in seen:
            exists = (Path(root) / path).exists()
            if exists and ((root, path) not in there or path not in named):
                tally.lost += 1
        library.add([])  # a writer's first act is to finish what the crash left half done
        _count_orphans(library, tally)
    finally:
        library.close()


def _count_orphans(library: Library, tally: Tally) -> None:
    damaged, _ = check(library.store)
    known = {file.document for file in library.store.receipts().values()}
    tally.orphans += len(damaged) + sum(int(r.id) not in known for r in library.store.documents())
    tally.orphans += not library.in_step()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(asdict(run(Path(place), int(sys.argv[1]), seed=int(time.time())))))

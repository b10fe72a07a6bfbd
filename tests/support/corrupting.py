"""Damages the files that Tandem keeps, one after the other and at random, and looks whether answers go on.

Run it by hand for more rounds than the tests do: python -m tests.support.corrupting 300 [SEED [FIRST]]; with a seed,
round FIRST and those after it are the same whichever was the first.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import chainlit as cl
from chainlit.context import init_http_context

from hybrid.answering.pipeline import Question
from hybrid.events import Failed, Finished
from rag.errors import UserFacingError
from rag.maintenance.integrity import mend
from tandem.context import AppContext
from tandem.history.data_layer import SqlHistory
from tandem.settings import Settings

FACTS = {
    "nets.md": ("Who mends the nets in winter?", "Old Maren mends the nets in winter."),
    "rope.md": ("Who splices the ropes?", "Young Nils splices the ropes."),
    "lamp.md": ("Who lights the lamp on the pier?", "Aunt Berit lights the lamp on the pier."),
}
WAYS = ("flip", "many flips", "zeros", "truncate", "empty", "append", "noise", "folder")
MODELS: Any = {"draft": "extractive", "refine": "extractive", "foundry": False}


@dataclass
class Tally:
    """What became of all rounds: `tracebacks` that a person would have met, `sentences` instead of an answer,
    `unanswered` questions that the documents answer, and what was `lost` although it was not in the damaged file."""

    rounds: int = 0
    tracebacks: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    ways: dict[str, int] = field(default_factory=dict)


def run(
    home: Path, rounds: int, seed: int, said: Callable[[str], None] = lambda line: None, *, first: int = 0
) -> Tally:
    """Damage one file a round, start, and ask; say what was done to which."""
    whole = home / "whole"
    papers = home / "papers"
    papers.mkdir()
    for name, (_, fact) in FACTS.items():
        (papers / name).write_text(f"# {name}\n\n{fact}\n", encoding="utf-8")
    for number in range(12):
        (papers / f"log{number}.md").write_text(
            f"# Log {number}\n\nShip {number} came in late.\n" * 20, encoding="utf-8"
        )
    asyncio.run(_make(_settings(whole, papers)))
    kept = (path.relative_to(whole) for path in whole.rglob("*") if path.is_file() and _kept(path))
    files = sorted(kept, key=lambda path: (path.parent, path.suffix, path.name))
    tally = Tally()
    for number in range(first, first + rounds):
        chance = random.Random(f"{seed}.{number}")
        # Every file in turn, in ways at random.
        damaged, way = files[number % len(files)], chance.choice(WAYS)
        data = home / "data"
        shutil.copytree(whole, data)
        damage(data / damaged, way, chance)
        tally.rounds += 1
        tally.ways[way] = tally.ways.get(way, 0) + 1
        what = f"round {number}: {way} in {damaged}"
        try:
            asyncio.run(_look(_settings(data, papers), damaged, tally, what))
        except UserFacingError as error:
            tally.sentences.append(f"{what}: {error}")
        except BaseException as error:
            tally.tracebacks.append(f"{what}: {type(error).__name__}: {error}")
        shutil.rmtree(data, ignore_errors=True)
        said(f"{what} ({len(tally.tracebacks)} tracebacks, {len(tally.unanswered)} unanswered, {len(tally.lost)} lost)")
    return tally


def damage(path: Path, way: str, chance: random.Random) -> None:
    """Do to the file what its name says."""
    data = bytearray(path.read_bytes())
    if way == "folder":
        path.unlink()
        (path / "inside").mkdir(parents=True)
        return
    if way in ("flip", "many flips"):
        for _ in range(1 if way == "flip" else 60):
            if data:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif way == "zeros" and data:
        at = chance.randrange(len(data)) // 4096 * 4096
        data[at : at + 4096] = bytes(len(data[at : at + 4096]))
    elif way == "truncate" and data:
        del data[chance.randrange(len(data)) :]
    elif way == "empty":
        data.clear()
    elif way == "append":
        data += chance.randbytes(5000)
    elif way == "noise":
        data[:] = chance.randbytes(len(data))
    path.write_bytes(data)


def _kept(path: Path) -> bool:
    return not path.name.endswith((".lock", "-shm"))


def _settings(data: Path, papers: Path) -> Settings:
    return Settings(data_dir=data, documents=(papers,), models=MODELS)


async def _make(settings: Settings) -> None:
    init_http_context()
    context = AppContext.open(settings)
    context.library.sync(settings.documents)
    context.library.add_upload("talk", "menu.md", b"On Thursday there is lentil soup.", person="ada")
    context.library.add_upload("talk", "wine.md", b"On Sunday there is elder wine.", person="ada")
    context.library.promote_upload("talk", "wine.md")
    await context.start(index=False)
    await _ask(context, "Who mends the nets in winter?")
    history = _history(settings)
    await history.create_user(cl.User(identifier="ada"))
    for number in range(40):
        step: Any = {"id": f"s{number}", "threadId": f"t{number % 4}", "type": "user_message", "name": "ada"}
        await history.create_step({**step, "output": f"said {number} " + "words " * 100})
    await history.close()
    await context.close()


async def _look(settings: Settings, damaged: Path, tally: Tally, what: str) -> None:
    init_http_context()
    context = AppContext.open(settings)
    try:
        await context.start(index=False)
        question, fact = FACTS["nets.md"]
        said = await _ask(context, question)
        # Answers go on at once where the store is whole; what it lost has to be read again first.
        if damaged.parts[1:2] == ("index",) and fact.rstrip(".") not in said:
            tally.unanswered.append(f"{what}: at once: {said[:100]!r}")
        mend(context.library)
        context.library.sync(settings.documents)
        for question, fact in FACTS.values():
            if fact.rstrip(".") not in (said := await _ask(context, question)):
                tally.unanswered.append(f"{what}: {question} {said[:100]!r}")
        if damaged.parts[-1] != "menu.md":
            found = context.library.search("What soup is there on Thursday?", conversation="talk").passages
            if not found or "lentil" not in found[0].text:
                tally.lost.append(f"{what}: the upload")
        for kept in settings.documents[0].iterdir():
            assert kept.is_file()
        context.traces.recent(limit=5)
    finally:
        await context.close()
    history = _history(settings)
    try:
        await history.create_user(cl.User(identifier="ada"))
        assert await history.get_user("ada") is not None
        await history.create_step(
            {"id": "new", "threadId": "new", "type": "user_message", "name": "ada", "output": "x"}
        )  # type: ignore[typeddict-item]
        threads = [await history.get_thread(name) for name in ("t0", "t1", "t2", "t3", "new")]
        steps = sum(len(thread["steps"]) for thread in threads if thread is not None)
        if damaged.name not in ("history.db", "history.db-wal") and steps != 41:
            tally.lost.append(f"{what}: {41 - steps} of what was said")
        if not threads[-1]:
            tally.lost.append(f"{what}: what was said after it")
    finally:
        await history.close()


def _history(settings: Settings) -> SqlHistory:
    return SqlHistory.open(settings.data_dir / "history.db", lambda: "ada")


async def _ask(context: AppContext, question: str) -> str:
    async for event in context.answer(Question(question)):
        if isinstance(event, Finished):
            return event.answer.text
        if isinstance(event, Failed):
            return f"failed: {event}"
    return ""


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    with tempfile.TemporaryDirectory() as place:
        first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
        tally = run(Path(place), int(sys.argv[1]), seed, partial(print, file=sys.stderr, flush=True), first=first)
        print(json.dumps({"seed": seed} | asdict(tally), indent=1))

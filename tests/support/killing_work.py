"""Kills a process that answers, takes uploads in, writes conversations and indexes, and a server, again and again, and
looks whether everything that was acknowledged is there. No round is killed before it acknowledged one of each.

Run it by hand for more rounds than the tests do: python -m tests.support.killing_work 50 [SEED]
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import chainlit as cl
import httpx
from chainlit.context import init_http_context

from hybrid.answering.pipeline import Question
from hybrid.events import Finished
from tandem.context import AppContext
from tandem.history.data_layer import SqlHistory
from tandem.settings import Settings
from tests.support import warm
from tests.support.terminal import start

MODELS: Any = {"draft": "extractive", "refine": "extractive", "foundry": False}
PAPER = "# Nets\n\nOld Maren mends the nets in winter.\n"
QUESTION = "Who mends the nets in winter?"
FIRST_SECONDS = 120.0
KINDS = ("answer", "upload", "message", "document")


@dataclass
class Tally:
    """What became of all rounds: how much was acknowledged of each kind, in how many rounds one of each was, what of it
    was `lost`, and what was amiss."""

    rounds: int = 0
    answers: int = 0
    uploads: int = 0
    messages: int = 0
    documents: int = 0
    whole_rounds: int = 0
    lost: list[str] = field(default_factory=list)
    amiss: list[str] = field(default_factory=list)
    pages: int = 0


def run(
    home: Path, rounds: int, seed: int, *, serves: int = 0, said: Callable[[str], None] = lambda line: None
) -> Tally:
    """Work, kill and look `rounds` times, and say how far it is; in `serves` more, the server, whose page has to come
    back."""
    chance = random.Random(seed)
    (home / "papers").mkdir()
    (home / "papers" / "nets.md").write_text(PAPER, encoding="utf-8")
    (home / "tandem.yaml").write_text(
        "documents: papers\nmodels: {draft: extractive, foundry: false}\n", encoding="utf-8"
    )
    tally = Tally()
    acknowledged: set[tuple[str, str]] = set()
    for number in range(rounds):
        fresh = _work_and_kill(home, number, chance)
        acknowledged |= fresh
        tally.rounds += 1
        tally.whole_rounds += {kind for kind, _ in fresh} == set(KINDS)
        asyncio.run(_look(home, acknowledged, tally))
        said(f"round {number + 1} of {rounds}: {len(acknowledged)} acknowledged, {len(tally.lost)} lost")
    for kind in KINDS:
        setattr(tally, f"{kind}s", sum(kept[0] == kind for kept in acknowledged))
    for number in range(serves):
        _serve_and_kill(home, chance, tally)
        said(f"server {number + 1} of {serves}: {tally.pages} pages came back")
    return tally


def _settings(home: Path) -> Settings:
    return Settings(data_dir=home / ".tandem", documents=(home / "papers",), models=MODELS)


def _work_and_kill(home: Path, number: int, chance: random.Random) -> set[tuple[str, str]]:
    process = warm.start(warm.ROOT, {}, "-m", "tests.support.killing_work", "--work", str(home), str(number))
    assert process.stdout is not None
    lines: list[str] = []
    begun = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith("\n"):  # one that was cut short was not said
                lines.append(line)
                if len({line.partition(" ")[0] for line in lines}) == len(KINDS):
                    begun.set()
        begun.set()

    listening = threading.Thread(target=listen)
    with process:
        listening.start()
        try:
            begun.wait(FIRST_SECONDS)
            listening.join(chance.uniform(0.0, 1.5))
        finally:
            process.kill()
            listening.join(30)
    return {(kind, name) for kind, _, name in (line.strip().partition(" ") for line in lines) if name}


async def _look(home: Path, acknowledged: set[tuple[str, str]], tally: Tally) -> None:
    init_http_context()
    context = AppContext.open(_settings(home))
    history = SqlHistory.open(home / ".tandem" / "history.db", lambda: "ada")
    try:
        documents = {record.name for record in context.library.documents()}
        uploads = {record.name for record in context.library.documents("talk")}
        context.library.sync(context.settings.documents)
        await context.start(index=False)
        thread = await history.get_thread("t")
        said = {step["output"] for step in thread["steps"]} if thread else set()
        traces = {record["id"] for record in context.traces.recent(limit=100_000)}
        there = {"upload": uploads, "message": said, "answer": traces, "document": documents}
        tally.lost += [f"{kind} {name}" for kind, name in acknowledged if name not in there[kind]]
        if not context.library.in_step():
            tally.amiss.append("the index is out of step")
        if "Old Maren" not in await _answer(context):
            tally.amiss.append("no answer")
        if aside := list((home / ".tandem").rglob("*damaged*")):
            tally.amiss.append(f"{aside[0].name} was set aside")
    finally:
        await history.close()
        await context.close()


def _serve_and_kill(home: Path, chance: random.Random, tally: Tally) -> None:
    """Kill a server that answers over its API, start it again, and ask for the page."""
    for again in (False, True):
        process = start(home, "serve", "--port", "0")
        assert process.stdout is not None
        try:
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, process.stderr and process.stderr.read()
            page = httpx.get(found[0], timeout=FIRST_SECONDS)
            health = httpx.get(f"{found[0]}/healthz", timeout=60).json()
            if again:
                tally.pages += page.status_code == 200 and health["status"] == "ok"
                continue
            asked = {"model": "extractive", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
            asking = threading.Thread(target=_ask, args=(f"{found[0]}/v1/chat/completions", asked), daemon=True)
            asking.start()
            asking.join(chance.uniform(0.0, 0.5))
        finally:
            process.kill()
            process.communicate()


def _ask(address: str, asked: dict[str, Any]) -> None:
    try:
        httpx.post(address, json=asked, timeout=60)
    except httpx.HTTPError:
        return  # it was killed


async def _answer(context: AppContext) -> str:
    async for event in context.answer(Question(QUESTION, conversation="talk")):
        if isinstance(event, Finished):
            return event.answer.text
    return ""


async def _work(home: Path, number: int) -> None:
    """Until it is killed: answer, take in and keep, and say what is kept only then."""
    init_http_context()
    context = AppContext.open(_settings(home))
    history = SqlHistory.open(home / ".tandem" / "history.db", lambda: "ada")
    await history.create_user(cl.User(identifier="ada"))
    context.library.sync(context.settings.documents)
    await context.start(index=False)

    async def upload() -> None:
        turn = 0
        while True:
            name = f"note{number}-{turn % 7}.md"
            text = f"# Note {turn}\n\n" + f"Berth {turn} is free in week {number}. " * 50
            await asyncio.to_thread(context.library.add_upload, "talk", name, text.encode(), person="ada")
            print("upload", name, flush=True)
            turn += 1

    async def say() -> None:
        turn = 0
        while True:
            output = f"said {number}-{turn}"
            step: Any = {"id": output, "threadId": "t", "type": "user_message", "name": "ada", "output": output}
            await history.create_step(step)
            print("message", output, flush=True)
            turn += 1
            await asyncio.sleep(0.005)

    async def answer() -> None:
        while True:
            async for event in context.answer(Question(QUESTION, conversation="talk")):
                if isinstance(event, Finished):
                    await asyncio.to_thread(context.traces.flush)
                    print("answer", event.trace.id, flush=True)
            await asyncio.sleep(0.01)

    async def index() -> None:
        turn = 0
        while True:
            name = f"page{number}-{turn % 7}.md"
            (home / "papers" / name).write_text(f"# Page {turn}\n\nThe crane {turn} is mended in week {number}.\n")
            await asyncio.to_thread(context.library.sync, context.settings.documents)
            if name in {record.name for record in context.library.documents()}:
                print("document", name, flush=True)
            turn += 1

    await asyncio.gather(upload(), say(), answer(), index())


if __name__ == "__main__":
    if sys.argv[1] == "--work":
        asyncio.run(_work(Path(sys.argv[2]), int(sys.argv[3])))
    else:
        seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
        with tempfile.TemporaryDirectory() as place:
            serves = max(1, int(sys.argv[1]) // 10)
            tally = run(Path(place), int(sys.argv[1]), seed, serves=serves, said=partial(print, file=sys.stderr))
            print(json.dumps({"seed": seed} | asdict(tally), indent=1))

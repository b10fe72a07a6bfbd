"""A full disk and a read-only one, real ones: nothing is lost, nothing sound is made anew, the sentence is right."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chainlit as cl
import httpx
import pytest
from chainlit.context import init_http_context

from hybrid.answering.pipeline import Question
from hybrid.events import Finished
from rag.errors import LibraryError
from tandem.context import AppContext
from tandem.history.data_layer import SqlHistory
from tandem.settings import Settings
from tests.security.conftest import ENVIRONMENT, SETTINGS, Socket, Target, message
from tests.support.small_disk import SmallDisk, can_mount, small_disk
from tests.ui.conftest import serving

NETS = "# Nets\n\nOld Maren mends the nets in winter.\n"
QUESTION = "Who mends the nets in winter?"
SAID = {"full": "the disk is full", "closed": "the disk or folder is read-only"}
MODELS: Any = {"draft": "extractive", "refine": "extractive", "foundry": False}

needs_mount = pytest.mark.skipif(not can_mount(), reason="only root on Linux may mount a small file system")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "nets.md").write_text(NETS, encoding="utf-8")
    return Settings(data_dir=tmp_path / "disk" / "data", documents=(papers,), models=MODELS)


def break_disk(disk: SmallDisk, how: str) -> None:
    disk.fill() if how == "full" else disk.close()


def mend_disk(disk: SmallDisk, how: str) -> None:
    disk.free() if how == "full" else disk.reopen()


def history_of(settings: Settings, told: list[bool]) -> SqlHistory:
    async def tell(kept: bool) -> None:
        told.append(kept)

    return SqlHistory.open(settings.data_dir / "history.db", lambda: "ada", None, tell)


async def say(history: SqlHistory, name: str) -> None:
    step: Any = {"id": name, "threadId": "t", "type": "user_message", "name": "ada", "output": name}
    await history.create_step(step)


async def said(history: SqlHistory) -> list[str]:
    thread = await history.get_thread("t")
    return [step["output"] for step in thread["steps"]] if thread else []


async def answer(context: AppContext) -> str:
    async for event in context.answer(Question(QUESTION)):
        if isinstance(event, Finished):
            return event.answer.text
    return ""


@needs_mount
@pytest.mark.parametrize(
    ("how", "when"),  # what is open for writing already stays so when a mount is closed
    [("full", "while it runs"), ("full", "before it starts"), ("closed", "before it starts")],
)
async def test_nothing_is_lost(disk: SmallDisk, settings: Settings, how: str, when: str) -> None:
    init_http_context()
    told: list[bool] = []
    context = AppContext.open(settings)
    context.library.sync(settings.documents)
    context.library.add_upload("talk", "menu.md", b"On Thursday there is lentil soup.", person="ada")
    history = history_of(settings, told)
    await history.create_user(cl.User(identifier="ada"))
    await say(history, "before")
    if when == "before it starts":
        await history.close()
        await context.close()
    break_disk(disk, how)
    try:
        if when == "before it starts":
            context = AppContext.open(settings)
            history = history_of(settings, told)
        await context.start(index=False)

        assert "Old Maren mends the nets" in await answer(context)
        (settings.documents[0] / "ropes.md").write_text("# Ropes\n\nNils splices the ropes.\n" * 2000, encoding="utf-8")
        with pytest.raises(LibraryError, match=SAID[how]):
            context.library.sync(settings.documents)
        with pytest.raises(LibraryError, match=SAID[how]):
            context.library.add_upload("talk", "menu.md", b"On Thursday there is pumpkin soup. " * 30_000, person="ada")
        assert SAID[how] in context.problems()["library"]
        assert [p.document for p in context.library.search("What soup?", conversation="talk").passages][:1] == [
            "menu.md"
        ]
        assert await history.get_user("ada") is not None
        for number in range(400):  # a full disk may still take the first of them
            await say(history, f"during {number} {'x' * 2000}")
        assert told[-1] is True
        assert SAID[how] in history.problem
        assert len(await said(history)) == 401
        assert "Old Maren mends the nets" in await answer(context)
        assert not list(settings.data_dir.rglob("*damaged*"))
    finally:
        mend_disk(disk, how)

    await say(history, "after")
    await history._db.backlog.flush()
    assert history.problem == ""
    context.library.sync(settings.documents)
    assert "library" not in context.problems()
    assert "Nils" in context.library.search("Who splices the ropes?").passages[0].text
    receipt = context.library.add_upload("talk", "menu.md", b"On Thursday there is pumpkin soup.", person="ada")
    assert receipt.state == "indexed"
    await history.close()
    await context.close()
    again = history_of(settings, told)
    found = await said(again)
    await again.close()
    assert len(found) == 402
    assert {"before", "after"} <= set(found)
    assert not list(settings.data_dir.rglob("*damaged*"))


@needs_mount
@pytest.mark.parametrize("how", ["full", "closed"])
def test_a_first_start_says_what_is_wrong(disk: SmallDisk, settings: Settings, how: str) -> None:
    break_disk(disk, how)
    try:
        with pytest.raises(LibraryError, match=SAID[how]):
            AppContext.open(settings)
    finally:
        mend_disk(disk, how)
    context = AppContext.open(settings)
    context.library.close()
    context.traces.close()


@needs_mount
@pytest.mark.parametrize(("how", "status", "reason"), [("full", 507, "No space left"), ("closed", 503, "Read-only")])
def test_a_server_goes_on(disk: SmallDisk, tmp_path: Path, how: str, status: int, reason: str) -> None:
    """Uploads are refused in words, and taken again; questions are answered all the time."""
    home = tmp_path / "home"
    home.mkdir()
    with serving(home, SETTINGS, **ENVIRONMENT, TANDEM_DATA_DIR=str(disk.path / "data")) as address:
        target = Target(address, home)
        target.cookies["ada"] = target.sign_in("ada")
        with Socket(target, target.cookies["ada"]) as socket, target.client("ada") as ada:
            socket.begin()
            where = {"session_id": str(socket.session)}

            def upload() -> httpx.Response:
                return ada.post("/project/file", params=where, files={"file": ("a.txt", b"x" * 100_000, "text/plain")})

            kept = upload().json()["id"]
            break_disk(disk, how)
            try:
                refused = upload()
                assert (refused.status_code, reason in refused.json()["detail"]) == (status, True), refused.text
                assert ada.get(f"/project/file/{kept}", params=where).text == "x" * 100_000
                assert ada.get("/").status_code == 200
                assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200
                socket.emit("client_message", message("How many days of paid holiday does every employee have?"))
                assert "25 days" in socket.hear("25 days")
            finally:
                mend_disk(disk, how)
            assert upload().status_code == 200
    assert not list(disk.path.rglob("*damaged*"))


LIMITED = """
    import resource, sys
    from pathlib import Path
    from rag.errors import LibraryError
    from rag.library import Library
    from rag.settings import RetrievalSettings

    home = Path(sys.argv[1])
    library = Library.open(home / "library", RetrievalSettings(), write=True)
    library.sync([home / "papers"])
    size = max(path.stat().st_size for path in (home / "library").rglob("*") if path.is_file())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        library.add_upload("talk", "menu.txt", bytes(range(97, 123)) * 40_000)
    except LibraryError as error:
        print(error)
    print(library.search("Who mends the nets?").passages[0].text)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit on the size of files")
def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "nets.md").write_text(NETS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "a quota or a limit on the size of files is reached" in done.stdout, done.stderr
    assert "Old Maren mends the nets" in done.stdout
    assert "Traceback" not in done.stderr

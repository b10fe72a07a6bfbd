"""A backup is whole while people chat, says when it is not, and answers as the installation did that it was made of."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import chainlit as cl
import pytest
from chainlit.context import init_http_context
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybrid.answering.pipeline import Question
from hybrid.events import Finished
from rag.errors import UserFacingError
from rag.labels import collection
from rag.library import Library
from rag.principal import Principal
from rag.types import FileReceipt
from tandem import databases
from tandem.auth.collections import Made
from tandem.context import AppContext
from tandem.documents import open_library, rights_of
from tandem.history.data_layer import SqlHistory
from tandem.keeping import backup
from tandem.keeping.files import BackupError
from tandem.people.collections import new_key
from tandem.settings import Settings, load
from tests.support.postgres import Server
from tests.support.terminal import Tandem

PEOPLE = 20
MENU = b"# Menu\n\nOn Thursday the canteen serves lentil soup."
QUESTIONS = [("How many days of paid holiday are there?", ""), ("What does the canteen serve on Thursday?", "t1")]


async def answers(context: AppContext) -> list[str]:
    await context.start(index=False)
    await context.engine.models.wait_ready(30)
    said = []
    for question, conversation in QUESTIONS:
        async for event in context.answer(Question(question, conversation=conversation)):
            if isinstance(event, Finished):
                said.append(
                    json.dumps([event.answer.text, [asdict(one) for one in event.answer.passages]], default=str)
                )
    return said


def step(name: str, thread: str) -> Any:
    return {"id": name, "threadId": thread, "type": "user_message", "name": "local", "output": name}


async def used(where: Settings) -> list[str]:
    """An installation in which something was asked, dropped and said; what it answers."""
    init_http_context()
    context = AppContext.open(where)
    context.library.sync(where.documents)
    context.library.add_upload("t1", "menu.md", MENU, person="local")
    said = await answers(context)
    history = SqlHistory.open(databases.history(where), lambda: "local")
    await history.create_user(cl.User(identifier="local"))
    await history.create_step(step("s1", "t1"))
    await history.close()
    context.audit.record("local", "document.uploaded", "menu.md")
    await context.close()
    return said


@pytest.fixture
def elsewhere(home: Path) -> Callable[..., Settings]:
    """Settings of the same documents with another data directory, and more."""
    return lambda name, **more: load(home / "tandem.yaml", {"TANDEM_DATA_DIR": str(home / name), **more})


async def shown(where: Settings) -> list[str]:
    init_http_context()
    history = SqlHistory.open(databases.history(where), lambda: "local")
    found = await history.get_thread("t1")
    await history.close()
    return [one["id"] for one in found["steps"]] if found else []


async def test_what_is_restored_elsewhere_answers_the_same(
    tandem: Tandem, home: Path, elsewhere: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await used(load(home / "tandem.yaml", {}))
    assert tandem("backup", "saved").exit_code == 0
    shutil.rmtree(home / ".tandem")
    monkeypatch.setenv("TANDEM_DATA_DIR", "elsewhere")
    restored = tandem("restore", "saved")
    assert restored.exit_code == 0, restored.exception
    context = AppContext.open(elsewhere("elsewhere"))
    assert await answers(context) == before
    assert context.library.in_step()
    assert [one["question"] for one in context.traces.recent(limit=4)][-2:] == [QUESTIONS[1][0], QUESTIONS[0][0]]
    noted = [entry.action for entry in context.audit.entries()]
    assert noted == ["document.uploaded", "backup.restored"]
    context.library.sync(context.settings.documents)
    assert await answers(context) == before
    await context.close()
    assert await shown(elsewhere("elsewhere")) == ["s1"]


def test_a_collection_of_the_chat_closes_the_same_folder_where_it_is_restored(tandem: Tandem, home: Path) -> None:
    def finds(library: Library, *groups: str) -> bool:
        asker = Principal("ada", frozenset(groups))
        return bool(library.search(QUESTIONS[0][0], principal=asker).passages)

    context = AppContext.open(load(home / "tandem.yaml", {}))
    context.library.sync(context.settings.documents)
    folder = next(one.folder for one in context.collecting.choosable() if one.documents)
    context.collecting.keep(Made(new_key(), "All", ("hr",), (), (folder,)), [])
    assert finds(context.library, "hr") and not finds(context.library)
    asyncio.run(context.close())
    assert tandem("backup", "saved").exit_code == 0
    shutil.rmtree(home / ".tandem")
    documents = Path(folder.root)
    (home / "another place").mkdir()
    moved = documents.rename(home / "another place" / documents.name)
    written = f"data_dir: elsewhere\ndocuments: ['{moved}']\nmodels: {{foundry: false}}\n"
    (home / "tandem.yaml").write_text(written, encoding="utf-8")
    assert tandem("restore", "saved").exit_code == 0
    settings = load(home / "tandem.yaml", {})
    library = open_library(settings)
    try:
        library.sync(settings.documents)
        assert len(library.receipts()) > 0 and not library.labels.behind
        rights, store = rights_of(settings)
        (one,) = rights.collections
        assert {rights.labelled(receipt) for receipt in library.receipts()} == {frozenset({collection(one.key)})}
        assert {record.labels for record in library.store.documents()} == {frozenset({collection(one.key)})}
        store.close()
    finally:
        library.close()


async def test_a_backup_while_people_chat_has_no_holes(home: Path, elsewhere: Callable[..., Settings]) -> None:
    where = load(home / "tandem.yaml", {})
    await used(where)
    context = AppContext.open(where)
    history = SqlHistory.open(databases.history(where), lambda: "local")
    acknowledged = dict.fromkeys(range(PEOPLE), 0)
    taken: list[FileReceipt] = []
    done = asyncio.Event()

    async def talk(person: int) -> None:
        while not done.is_set() and acknowledged[person] < 60:
            await history.create_step(step(f"{person}-{acknowledged[person]}", f"p{person}"))
            acknowledged[person] += 1

    def take_in() -> None:
        while not done.is_set() and len(taken) < 5:
            note = f"# Note {len(taken)}\n\nNote {len(taken)} is short."
            taken.append(context.library.add_upload("t2", f"{len(taken)}.md", note.encode()))

    talking = [asyncio.create_task(talk(person)) for person in range(PEOPLE)]
    taking = asyncio.create_task(asyncio.to_thread(take_in))
    while min(acknowledged.values()) < 3 or len(taken) < 2:  # noqa: ASYNC110  # they count by themselves
        await asyncio.sleep(0)
    before = dict(acknowledged)
    await asyncio.to_thread(backup.back_up, where, home / "saved")
    after = dict(acknowledged)
    done.set()
    await asyncio.gather(*talking, taking)
    await history.close()
    await context.close()

    restored = elsewhere("elsewhere")
    backup.restore(restored, home / "saved")
    again = SqlHistory.open(databases.history(restored), lambda: "local")
    for person in range(PEOPLE):
        thread = await again.get_thread(f"p{person}")
        assert thread is not None
        found = [one["id"] for one in thread["steps"]]
        assert before[person] <= len(found) <= after[person] + 1
        assert found == [f"{person}-{turn}" for turn in range(len(found))]
    await again.close()
    opened = AppContext.open(restored)
    opened.library.sync(restored.documents)
    assert opened.library.in_step()
    assert 2 <= len(opened.library.documents("t2")) == len(opened.library.receipts("t2")) <= len(taken)
    await opened.close()


@pytest.mark.parametrize("passages", ["data_dir", "database"])
async def test_from_a_server_and_to_a_server(
    home: Path, elsewhere: Callable[..., Settings], postgres: Server, passages: str
) -> None:
    lying = {"TANDEM_STORAGE__PASSAGES": passages}
    here = elsewhere("one", TANDEM_STORAGE__DATABASE=postgres.new_database(), **lying)
    before = await used(here)
    backup.back_up(here, home / "saved")
    there = elsewhere("two", TANDEM_STORAGE__DATABASE=postgres.new_database(), **lying)
    backup.restore(there, home / "saved")
    assert await shown(there) == ["s1"]
    context = AppContext.open(there)
    assert await answers(context) == before
    assert [entry.action for entry in context.audit.entries()] == ["document.uploaded"]
    await context.close()
    assert not (home / "two" / "history.db").exists()
    assert there.files.library.joinpath("library.sqlite").exists() == (passages == "data_dir")
    files = elsewhere("three")
    backup.restore(files, home / "saved")
    assert await shown(files) == ["s1"]
    context = AppContext.open(files)
    assert await answers(context) == before
    await context.close()


async def test_an_index_that_is_not_in_it_is_made_anew(home: Path, elsewhere: Callable[..., Settings]) -> None:
    where = load(home / "tandem.yaml", {})
    before = await used(where)
    shutil.rmtree(where.files.library / "index")
    assert not backup.back_up(where, home / "saved").index
    backup.restore(elsewhere("elsewhere"), home / "saved")
    context = AppContext.open(elsewhere("elsewhere"))
    context.library.sync(context.settings.documents)
    assert await answers(context) == before
    await context.close()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup, and the settings file beside it."""
    home = tmp_path_factory.mktemp("home")
    (home / "papers").mkdir()
    (home / "papers" / "a.md").write_text("# A\n\nThe sky is blue.\n", encoding="utf-8")
    (home / "tandem.yaml").write_text("documents: papers\nmodels: {foundry: false}\n", encoding="utf-8")
    where = load(home / "tandem.yaml", {})
    asyncio.run(used(where))
    backup.back_up(where, home / "saved")
    return home / "saved"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_one_changed_byte_is_found(saved: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(sorted(path for path in (saved / "data").rglob("*") if path.stat().st_size)))
    if not file.is_file():
        return
    sound = file.read_bytes()
    at = data.draw(st.integers(0, len(sound) - 1))
    file.write_bytes(sound[:at] + bytes([sound[at] ^ data.draw(st.integers(1, 255))]) + sound[at + 1 :])
    try:
        with pytest.raises(BackupError, match=r"is not as it was saved"):
            backup.check(saved)
    finally:
        file.write_bytes(sound)
    assert backup.check(saved).files > 5


def test_what_is_no_backup_or_would_be_written_over(tandem: Tandem, home: Path) -> None:
    def refused(*command: str) -> str:
        error = tandem(*command).exception
        assert isinstance(error, UserFacingError), error
        return str(error)

    assert "There is nothing in" in refused("backup", "saved")
    assert not (home / "saved").exists()
    tandem("index")
    assert tandem("backup", "saved").exit_code == 0
    assert "is there already" in refused("backup", "saved")
    assert "There is data already" in refused("restore", "saved")
    (home / ".tandem").rename(home / "before")
    (home / ".tandem").mkdir()
    (home / ".tandem" / "people.db").write_bytes(b"accounts that were made there")
    assert f"({home / '.tandem' / 'people.db'})" in refused("restore", "saved")
    assert "is no backup" in refused("restore", "papers")
    about = json.loads((home / "saved" / "backup.json").read_text(encoding="utf-8"))
    name, told = next(iter(about["files"].items()))
    for wrong in ({f"../{name}": told}, {"/etc/passwd": told}, {name: {}}, [], {"c:\\x": told}):
        (home / "saved" / "backup.json").write_text(json.dumps({**about, "files": wrong}), encoding="utf-8")
        assert "cannot be read" in refused("restore", "saved")
    (home / "saved" / "backup.json").write_text(json.dumps({**about, "format": 9}), encoding="utf-8")
    assert "newer version" in refused("restore", "saved")

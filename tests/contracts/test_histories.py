"""What every history keeps: whose a conversation is, what was said, in its order, and what people thought of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import chainlit as cl
import pytest
from chainlit.context import init_http_context
from chainlit.types import Feedback, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser
from sqlalchemy import text

from rag.database.places import Place
from tandem.history.base import Change, History, HistoryError, Wanted
from tandem.history.data_layer import SqlHistory
from tandem.history.retention import delete_unused
from tandem.history.revisions import TABLES
from tests.contracts.conftest import MakePlace


class Asking:
    """Whose requests they are."""

    def __init__(self) -> None:
        self.user: str | None = "ada"

    def __call__(self) -> str | None:
        return self.user


@pytest.fixture
def asking() -> Asking:
    return Asking()


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place(TABLES)


@pytest.fixture
async def history(place: Place, asking: Asking) -> AsyncIterator[History]:
    init_http_context()
    opened = SqlHistory.open(place, asking)
    yield opened
    await opened.close()


async def person(history: History, name: str) -> PersistedUser:
    user = await history.create_user(cl.User(identifier=name, metadata={"team": ["a"]}))
    assert user is not None
    return user


def step(step_id: str, thread: str, output: str = "", **more: Any) -> Any:
    return {"id": step_id, "threadId": thread, "type": "user_message", "name": "ada", "output": output, **more}


async def page(
    history: History, user: PersistedUser, first: int = 20, cursor: str | None = None, **filters: Any
) -> Any:
    return await history.list_threads(Pagination(first=first, cursor=cursor), ThreadFilter(userId=user.id, **filters))


async def opened(history: History, thread_id: str) -> ThreadDict:
    thread = await history.get_thread(thread_id)
    assert thread is not None
    return thread


async def test_a_step_comes_back_as_it_was(history: History) -> None:
    await person(history, "ada")
    kept = step("s1", "t1", "Ağrı?", modes={"mode": "deep"}, tags=["x"], metadata={"a": [1, {"b": None}]}, start="1")
    await history.create_step({**kept, "createdAt": "2026-01-01T00:00:00Z"})
    (found,) = (await opened(history, "t1"))["steps"]
    assert {key: found[key] for key in kept} == kept  # type: ignore[literal-required]
    assert found["createdAt"] == "2026-01-01T00:00:00Z"


async def test_steps_keep_their_order_and_their_last_state(history: History) -> None:
    await person(history, "ada")
    for number in range(5):
        await history.create_step(step(f"s{number}", "t1", str(number), createdAt="2026-01-01T00:00:00Z"))
    await history.update_step(step("s1", "t1", "changed"))
    steps = (await opened(history, "t1"))["steps"]
    assert [found["output"] for found in steps] == ["0", "changed", "2", "3", "4"]
    await history.delete_step("s2")
    assert len((await opened(history, "t1"))["steps"]) == 4


async def test_half_a_character_is_kept_as_a_mark(history: History) -> None:
    await history.create_step(step("1", "t", "Leave \ud83d"))
    await history.update_thread("t", name="Leave \ud83d")
    thread = await opened(history, "t")
    assert thread["steps"][0]["output"] == thread["name"] == "Leave \ufffd"


async def test_users_are_made_once(history: History) -> None:
    first, second = await person(history, "ada"), await person(history, "ada")
    assert first.id == second.id
    assert first.metadata == {"team": ["a"]}
    assert await history.get_user("bob") is None


async def test_nobody_writes_into_the_conversation_of_another(history: History, asking: Asking) -> None:
    await person(history, "ada")
    await person(history, "bob")
    await history.create_step(step("s1", "t1", "private"))
    element = cl.CustomElement(name="X", id="e1", thread_id="t1", for_id="s1", props={"kept": True})
    await history.keep_element(element)
    mark = await history.upsert_feedback(Feedback(forId="s1", value=1))

    for intruder in ("bob", None):
        asking.user = intruder
        await history.create_step(step("s1", "t1", "overwritten"))
        await history.create_step(step("s2", "t1", "added"))
        element.props = {"kept": False}
        for attempt in (
            history.upsert_feedback(Feedback(forId="s1", value=0)),
            history.delete_feedback(mark),
            history.keep_element(element),
            history.delete_element("e1"),
            history.delete_step("s1"),
        ):
            with pytest.raises(HistoryError):
                await attempt
    thread = await opened(history, "t1")
    assert [found["output"] for found in thread["steps"]] == ["private"]
    assert thread["steps"][0]["feedback"] == {"forId": "s1", "id": mark, "value": 1, "comment": None}
    assert thread["elements"] and thread["elements"][0]["props"] == {"kept": True}


async def test_a_step_does_not_move_to_another_conversation(history: History, asking: Asking) -> None:
    await person(history, "ada")
    await person(history, "bob")
    await history.create_step(step("s1", "t1", "private"))
    asking.user = "bob"
    await history.create_step(step("s1", "t2", "stolen"))
    assert [found["output"] for found in (await opened(history, "t1"))["steps"]] == ["private"]


async def test_who_a_conversation_belongs_to(history: History) -> None:
    await person(history, "ada")
    await history.create_step(step("s1", "t1"))
    assert await history.get_thread_author("t1") == "ada"
    assert await history.get_thread_author("t2") == ""


async def test_feedback_is_one_a_step_and_can_be_taken_back(history: History) -> None:
    user = await person(history, "ada")
    await history.create_step(step("s1", "t1"))
    mark = await history.upsert_feedback(Feedback(forId="s1", value=1))
    assert await history.upsert_feedback(Feedback(forId="s1", value=0, comment="çok kısa")) == mark
    (found,) = (await opened(history, "t1"))["steps"]
    assert found["feedback"] == {"forId": "s1", "id": mark, "value": 0, "comment": "çok kısa"}
    assert len((await page(history, user, feedback=0)).data) == 1
    assert (await page(history, user, feedback=1)).data == []
    assert await history.delete_feedback(mark)
    assert not await history.delete_feedback(mark)
    with pytest.raises(HistoryError):
        await history.upsert_feedback(Feedback(forId="missing", value=1))


async def test_pages_of_conversations_join_without_gaps(history: History) -> None:
    user = await person(history, "ada")
    for number in range(11):
        await history.update_thread(f"t{number}", name=f"  question\n{number} ", user_id=user.id)
        await history.create_step(step(f"s{number}", f"t{number}"))
    await history.create_step(step("again", "t3"))
    found, cursor = [], None
    while True:
        part = await page(history, user, first=4, cursor=cursor)
        found += part.data
        cursor = part.pageInfo.endCursor
        if not part.pageInfo.hasNextPage:
            break
    assert [thread["id"] for thread in found] == ["t3", "t10", "t9", "t8", "t7", "t6", "t5", "t4", "t2", "t1", "t0"]
    assert found[1]["name"] == "question 10"
    assert all(thread["steps"] == [] for thread in found)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("Übersicht der ÄMTER", "übersicht"), ("Übersicht der ÄMTER", "ÄMTER"), ("ÇAY ŞEKER", "çay"),
        ("İzmir gezisi", "izmir"), ("IĞDIR", "ığdır"), ("ığdır", "IĞDIR"), ("istanbul", "İSTANBUL"),
    ],
)  # fmt: skip
async def test_search_knows_the_capitals_of_every_language(history: History, written: str, wanted: str) -> None:
    """In names as in what was said."""
    ada = await person(history, "ada")
    await history.create_step(step("s1", "said", written))
    await history.create_step(step("s2", "named", "x"))
    await history.create_step(step("s3", "other", "x"))
    await history.update_thread("named", name=written)
    found = (await page(history, ada, search=wanted)).data
    assert {thread["id"] for thread in found} == {"said", "named"}


async def test_search_reads_what_was_said_in_any_case(history: History, asking: Asking) -> None:
    ada, bob = await person(history, "ada"), await person(history, "bob")
    await history.create_step(step("s1", "t1", "Wie groß ist die STRASSE? 100%_sure"))
    await history.create_step(step("s2", "t2", "Parola en az kaç karakter?"))
    await history.create_step({**step("s3", "t2", "hidden"), "type": "run"})
    for wanted, expected in (("straße", ["t1"]), ("KAÇ", ["t2"]), ("%_", ["t1"]), ("hidden", []), ("  ", ["t2", "t1"])):
        assert [thread["id"] for thread in (await page(history, ada, search=wanted)).data] == expected
    asking.user = "bob"
    assert (await page(history, bob, search="kaç")).data == []


async def test_settings_are_kept_for_new_conversations_and_for_this_one(history: History) -> None:
    user = await person(history, "ada")
    assert await history.settings_of(user.id) == {}
    await history.remember_settings(user.id, "t1", {"draft": "a"})
    assert await history.get_thread("t1") is None
    await history.create_step(step("s1", "t1"))
    await history.remember_settings(user.id, "t1", {"draft": "b", "topics": ["x"]})
    assert await history.settings_of(user.id) == {"draft": "b", "topics": ["x"]}
    assert (await opened(history, "t1"))["metadata"] == {"chat_settings": {"draft": "b", "topics": ["x"]}}


async def test_metadata_merges_and_none_deletes(history: History) -> None:
    user = await person(history, "ada")
    await history.update_thread("t1", user_id=user.id, metadata={"a": 1, "b": {"c": []}})
    await history.update_thread("t1", metadata={"a": None, "d": 2})
    assert (await opened(history, "t1"))["metadata"] == {"b": {"c": []}, "d": 2}


async def test_a_deleted_conversation_stays_deleted(history: History) -> None:
    user = await person(history, "ada")
    await history.create_step(step("s1", "t1"))
    await history.upsert_feedback(Feedback(forId="s1", value=1))
    await history.keep_element(cl.CustomElement(name="X", id="e1", thread_id="t1", for_id="s1"))
    await history.delete_thread("t1")
    await history.update_thread("t1", metadata={"left": "by the browser"})
    assert await history.get_thread("t1") is None
    assert await history.get_element("t1", "e1") is None
    assert (await page(history, user)).data == []


async def test_what_a_browser_sends_in_is_not_kept(history: History) -> None:
    await person(history, "ada")
    await history.create_step(step("s1", "t1"))
    await history.create_element(cl.CustomElement(name="X", id="e1", thread_id="t1", for_id="s1"))
    assert (await opened(history, "t1"))["elements"] == []


async def test_a_hundred_conversations_at_once(history: History) -> None:
    user = await person(history, "ada")

    async def talk(number: int) -> None:
        for turn in range(3):
            await history.create_step(step(f"{number}-{turn}", f"t{number}", "x" * 500))
            await history.update_step(step(f"{number}-{turn}", f"t{number}", "y" * 500))

    await asyncio.gather(*(talk(number) for number in range(100)))
    listed = await page(history, user, first=100)
    assert len(listed.data) == 100
    for number in (0, 50, 99):
        assert [s["output"] for s in (await opened(history, f"t{number}"))["steps"]] == ["y" * 500] * 3


async def test_conversations_outlive_the_process(place: Place, asking: Asking) -> None:
    init_http_context()
    first = SqlHistory.open(place, asking)
    await person(first, "ada")
    await first.create_step(step("s1", "t1", "kept"))
    await first.close()
    second = SqlHistory.open(place, asking)
    assert [found["output"] for found in (await opened(second, "t1"))["steps"]] == ["kept"]
    await second.close()


async def test_any_character_is_kept_and_found(history: History) -> None:
    user = await person(history, "ada")
    said = "a\0b \u2028 \U0001f600 'quoted' \\ %_ \r\n"
    await history.create_step(step("s1", "t1", said, metadata={"odd": "\0\ud83d"}))
    await history.update_thread("t1", name="a\0b")
    (found,) = (await opened(history, "t1"))["steps"]
    assert found["output"] == said
    assert [thread["id"] for thread in (await page(history, user, search="A\0B")).data] == ["t1"]


@pytest.mark.parametrize("record", ["7", "[]", "null", "{}", '{"ad": "s1", "output": "kept"}'])
async def test_a_record_that_was_changed_hides_no_other(history: History, place: Place, record: str) -> None:
    await person(history, "ada")
    await history.create_step(step("s1", "t1", "kept"))
    await history.create_step(step("s2", "t1", "whole"))
    await history.create_step(step("s3", "t1", "whole too"))
    with place.engine.begin() as db:
        db.execute(text("UPDATE steps SET record = :record WHERE id = 's1'"), {"record": record})
        db.execute(text("UPDATE threads SET metadata = :record, tags = :record"), {"record": record})
    found = (await opened(history, "t1"))["steps"]
    assert [one["output"] for one in found][-2:] == ["whole", "whole too"]
    assert all(isinstance(one["type"], str) and one["id"] in ("s1", "s2", "s3") for one in found)


async def test_a_newer_version_is_left_alone(place: Place, asking: Asking) -> None:
    first = SqlHistory.open(place, asking)
    await first.close()
    with place.engine.begin() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        if not place.on_server:  # a file says it twice
            db.execute(text("PRAGMA user_version = 9999"))
    with pytest.raises(HistoryError, match="newer version of Tandem"):
        SqlHistory.open(place, asking)


async def test_what_is_pinned_comes_first_and_pages_join(history: History) -> None:
    user = await person(history, "ada")
    for number in range(7):
        await history.update_thread(f"t{number}", user_id=user.id)
        await history.create_step(step(f"s{number}", f"t{number}"))
    for number in (1, 4):
        await history.arrange("ada", f"t{number}", Change(pinned=True))
    found, cursor = [], None
    while True:
        part = await page(history, user, first=2, cursor=cursor)
        found += part.data
        cursor = part.pageInfo.endCursor
        if not part.pageInfo.hasNextPage:
            break
    assert [thread["id"] for thread in found] == ["t4", "t1", "t6", "t5", "t3", "t2", "t0"]
    assert [thread["metadata"]["pinned"] for thread in found[:3]] == [True, True, False]
    await history.arrange("ada", "t4", Change(pinned=False))
    assert (await page(history, user)).data[0]["id"] == "t1"
    assert (await opened(history, "t1"))["metadata"] == {}, "what a browser takes along says nothing of it"


async def test_the_archive_keeps_a_conversation_until_something_is_asked_there(history: History) -> None:
    user = await person(history, "ada")
    for name in ("t1", "t2"):
        await history.create_step(step(f"s-{name}", name, f"Parola {name}?"))
    await history.arrange("ada", "t1", Change(archived=True, tags=["Work"]))
    assert [thread["id"] for thread in (await page(history, user)).data] == ["t2"]
    assert [thread["id"] for thread in (await page(history, user, search="parola")).data] == ["t2"]
    archive = await history.shelf("ada", Wanted("archive", words="PAROLA T1"))
    assert [(one.id, one.archived, one.tags) for one in archive.shown] == [("t1", True, ("Work",))]
    assert (await history.shelf("ada", Wanted())).archived == 1
    await history.update_step({**step("a1", "t1", "late"), "type": "assistant_message"})
    assert (await history.shelf("ada", Wanted())).archived == 1, "an answer that came late leaves it there"
    await history.create_step(step("s3", "t1", "And now?"))
    assert [thread["id"] for thread in (await page(history, user)).data] == ["t1", "t2"]


async def test_tags_are_tidy_and_find_their_conversations(history: History) -> None:
    await person(history, "ada")
    for name in ("t1", "t2", "t3"):
        await history.create_step(step(f"s-{name}", name))
    await history.arrange("ada", "t1", Change(tags=[" İzin \n2027 ", "izin 2027", "a,b", "", "x" * 99]))
    await history.arrange("ada", "t2", Change(tags=["a b"], name="  Named\nanew "))
    found = await history.shelf("ada", Wanted(tag="A B"))
    assert [(one.id, one.name) for one in found.shown] == [("t2", "Named anew"), ("t1", "")]
    assert found.tags == {"a b": 2, "İzin 2027": 1, "x" * 40: 1} and found.matching == 2
    assert [one.id for one in (await history.shelf("ada", Wanted(after=1, limit=1))).shown] == ["t2"]
    await history.arrange("ada", "t1", Change(tags=[]))
    assert (await history.shelf("ada", Wanted())).tags == {"a b": 1}


async def test_nobody_arranges_the_conversations_of_another(history: History) -> None:
    await person(history, "ada")
    await person(history, "bob")
    await history.create_step(step("s1", "t1", "private"))
    for owner, thread in (("bob", "t1"), ("nobody", "t1"), ("ada", "t2")):
        with pytest.raises(HistoryError):
            await history.arrange(owner, thread, Change(pinned=True, archived=True, tags=["x"], name="y"))
    assert (await history.shelf("bob", Wanted())).matching == 0
    assert await history.shelved("bob", "t1") is None and await history.shelved("ada", "t1") is not None
    (one,) = (await history.shelf("ada", Wanted())).shown
    assert (one.pinned, one.archived, one.tags, one.name) == (False, False, (), "")


async def test_conversations_that_nobody_used_for_long_are_deleted_with_their_files(
    place: Place, asking: Asking
) -> None:
    init_http_context()
    forgotten: list[str] = []

    async def forget(thread: str) -> None:
        forgotten.append(thread)

    history = SqlHistory.open(place, asking, forget)
    try:
        await person(history, "ada")
        for name in ("old", "older", "new"):
            await history.create_step(step(f"s-{name}", name, name))
        for name, moment in (("old", "2020-01-02T00:00:00Z"), ("older", "2020-01-01T00:00:00Z")):
            with place.engine.begin() as db:
                db.execute(text("UPDATE threads SET updated = :moment WHERE id = :id"), {"moment": moment, "id": name})
        assert await delete_unused(history, 30_000) == 0
        assert await delete_unused(history, 30) == 2 and forgotten == ["older", "old"]
        assert [await history.get_thread(name) is not None for name in ("old", "older", "new")] == [False, False, True]
        await history.create_step(step("s-again", "new", "again"))
        assert await delete_unused(history, 1) == 0
    finally:
        await history.close()

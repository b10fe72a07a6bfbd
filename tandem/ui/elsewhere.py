"""Answers that another process of the installation writes: followed, stopped, and brought to an end where it died.

Knows the table of answers under way and Chainlit's sessions. Does not know how an answer comes about; what an answer
that broke off looks like is told here as `answer_view` does.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import chainlit as cl
from chainlit.chat_context import chat_contexts
from chainlit.context import init_ws_context
from chainlit.element import ElementDict
from chainlit.session import WebsocketSession, ws_sessions_id
from chainlit.step import StepDict
from chainlit.types import ThreadDict

from tandem.auth import accounts
from tandem.cluster.member import Member
from tandem.cluster.running import RunningAnswers, Written
from tandem.history.base import history
from tandem.markdown import without_definitions
from tandem.texts import language_for, say
from tandem.ui import answering, background, following

log = logging.getLogger(__name__)

_WRITE_SECONDS, _AT_ONCE_SECONDS, _FOLLOW_SECONDS = 1.0, 0.05, 0.5
_STOP, _BEGUN = "stop", "answering"


class Elsewhere:
    """What this process knows of the answers of others, and tells of its own. `start` it, `close` it, on one loop."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._running = RunningAnswers(member)
        self._known: dict[str, tuple[str, str]] = {}
        """The answers that the others know of, with marks of their messages and elements as they know them."""
        self._followed: set[str] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._problem = ""

    def start(self) -> None:
        """Tell of the answers that are written here from now on, and look after those of the dead."""
        loop = asyncio.get_running_loop()

        def stop(told: Mapping[str, Any]) -> None:
            loop.call_soon_threadsafe(answering.stop_thread, str(told.get("thread")))

        def catch_up(told: Mapping[str, Any]) -> None:
            loop.call_soon_threadsafe(self._catch_up, str(told.get("thread")))

        self._member.hear(_STOP, stop)
        self._member.hear(_BEGUN, catch_up)
        answering.when_changed(self._changed.set)
        self._task = asyncio.create_task(self._tell(), name="tell of the answers under way")

    async def close(self) -> None:
        """Stop, and forget the answers that were written here."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            with suppress(Exception):
                await asyncio.to_thread(self._running.keep, [], {}, list(self._known))

    async def join(self, thread: ThreadDict) -> bool:
        """Let the browser that opens this thread follow the answers that others write in it; whether there are any.

        Adds their present state to `thread`, which Chainlit sends next.
        """
        found = await self._in_thread(thread["id"])
        for one in found:
            _put(cast(list[Any], thread["steps"]), one.step)
            thread["elements"] = thread["elements"] or []
            _put(cast(list[Any], thread["elements"]), one.element)
        if found:
            background.begin(self._follow(thread["id"], {one.message: one for one in found}))
        return bool(found)

    def stop(self, session: WebsocketSession) -> None:
        """Stop whatever another process writes in the conversation that a browser shows."""
        self._member.tell(_STOP, thread=session.thread_id)

    def _catch_up(self, thread: str) -> None:
        """Show what is said at another process in the pages that show the same conversation here."""
        here = [one for one in ws_sessions_id.values() if one.thread_id == thread]
        if here and thread not in self._followed:
            # The others of these pages are told what one is told: see `following`.
            background.begin(self._show_new(here[0], thread))

    async def _show_new(self, session: WebsocketSession, thread: str) -> None:
        emitter = init_ws_context(session).emitter
        known = {message.id for message in chat_contexts.get(session.id, ())}
        kept, written = await history().get_thread(thread), await self._in_thread(thread)
        said = [step for step in kept["steps"] if "message" in step["type"]] if kept is not None else []
        for step in (*said, *(cast(StepDict, one.step) for one in written)):
            if step["id"] not in known:
                await emitter.send_step(step)
                following.noted(session, "new_message", step)
        if written:
            for one in written:
                await emitter.send_element(cast(ElementDict, one.element))
            await emitter.task_start()
            await self._follow(thread, {one.message: one for one in written})

    async def _in_thread(self, thread: str) -> list[Written]:
        try:
            return await asyncio.to_thread(self._running.in_thread, thread)
        except Exception as error:  # the page is shown without it
            self._fails(error)
            return []

    async def _follow(self, thread: str, known: dict[str, Written]) -> None:
        session, emitter = cl.context.session, cl.context.emitter
        self._followed.add(thread)
        try:
            await self._follow_on(session.id, thread, known)
        finally:
            self._followed.discard(thread)
        await emitter.task_end()

    async def _follow_on(self, session_id: str, thread: str, known: dict[str, Written]) -> None:
        emitter = cl.context.emitter
        while known and (session := ws_sessions_id.get(session_id)) is not None and session.thread_id == thread:
            await asyncio.sleep(_FOLLOW_SECONDS)
            try:
                now = {one.message: one for one in await asyncio.to_thread(self._running.in_thread, thread)}
            except Exception as error:  # it is looked for until the server is back
                self._fails(error)
                continue
            for one in now.values():
                if one.message in known and one != known[one.message]:
                    await emitter.send_element(cast(ElementDict, one.element))
                    await emitter.update_step(cast(StepDict, one.step))
                    known[one.message] = one
            for message in known.keys() - now.keys():
                del known[message]
                await self._show_end(thread, message)

    async def _show_end(self, thread: str, message: str) -> None:
        """Show an answer as the history has it by now."""
        session, emitter = cl.context.session, cl.context.emitter
        kept = await history().get_thread(thread)
        if kept is None:
            return
        for element in kept["elements"] or []:
            if element.get("forId") == message:
                await emitter.send_element(element)
        for step in kept["steps"]:
            if step["id"] == message:
                await emitter.update_step(step)
                if isinstance(session, WebsocketSession):
                    following.noted(session, "update_message", step)

    async def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + _WRITE_SECONDS
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), max(0.0, due - loop.time()))
                await asyncio.sleep(_AT_ONCE_SECONDS)
            self._changed.clear()
            all_of_them = loop.time() >= due
            if all_of_them:
                due = loop.time() + _WRITE_SECONDS
            try:
                await self._write(all_of_them)
                if all_of_them:
                    await self._end_orphans()
                self._problem = ""
            except Exception as error:  # side data: answers go on
                self._fails(error)

    async def _write(self, all_of_them: bool) -> None:
        """Tell what has begun and what is over, and how far `all_of_them` have come."""
        now = {one.message: one for one in answering.written(self._running.mine, () if all_of_them else self._known)}
        marks = {message: (_mark(one.step), _mark(one.element)) for message, one in now.items()}
        whole: list[Written] = []
        further: dict[str, dict[str, Any]] = {}
        for message, one in now.items():
            known = self._known.get(message, ("", ""))
            if known[1] != marks[message][1]:
                whole.append(one)
            elif known[0] != marks[message][0]:
                further[message] = one.step
        begun = {one.thread for message, one in now.items() if message not in self._known}
        over = self._known.keys() - answering.under_way()
        forgotten = await asyncio.to_thread(self._running.keep, whole, further, over)
        told = {**self._known, **marks, **dict.fromkeys(forgotten, ("", ""))}
        self._known = {message: mark for message, mark in told.items() if message not in over}
        for thread in begun:
            self._member.tell(_BEGUN, thread=thread)

    async def _end_orphans(self) -> None:
        for one in await asyncio.to_thread(self._running.orphans):
            log.warning("The process that wrote an answer died; what was written of it is kept")
            with accounts.acting_for(one.person):
                await _keep_as_cut_off(one)
            await asyncio.to_thread(self._running.keep, [], {}, [one.message])

    def _fails(self, error: Exception) -> None:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        if said != self._problem:
            log.warning("What other processes answer is not known: %s", said)
        self._problem = said


async def _keep_as_cut_off(one: Written) -> None:
    """Keep what was written until the process died, where the conversation is still there."""
    if await history().get_thread_author(one.thread) != one.person:
        return
    text = without_definitions(str(one.step.get("output") or "")).strip()
    kept = await history().get_thread(one.thread)
    if not text and kept is not None and any(step["id"] == one.message for step in kept["steps"]):
        return  # asked again, and nothing new was written: what it said before stands
    props = one.element.get("props") or {}
    props = dict(json.loads(props) if isinstance(props, str) else props)
    language = language_for(str(props.get("language") or ""), "", "")
    props |= {"state": "stopped", "status": None, "error": say("cut_off" if text else "no_text", language), "busy": ""}
    props["panel"] = {**(props.get("panel") or {}), "unchecked": True}
    props["panel"].pop("live", None)
    metadata = {**(one.step.get("metadata") or {}), "answer": text}
    step = {**one.step, "streaming": False, "metadata": metadata}
    await history().keep_step(cast(StepDict, step))
    await history().keep_element_record({**one.element, "props": props})


def _put(records: list[dict[str, Any]], record: dict[str, Any]) -> None:
    records[:] = [*(one for one in records if one["id"] != record["id"]), record]


def _mark(record: dict[str, Any]) -> str:
    return json.dumps(record, default=str)

"""Answers under way: asked, stopped, asked again, and followed by a browser that comes back.

Knows the engine's events and who is waiting for them. Does not know how an answer is shown (`answer_view` does).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Container, Coroutine, Iterable, Iterator, Set
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import chainlit as cl
from chainlit.chat_context import chat_context
from chainlit.context import ChainlitContext, get_context
from chainlit.session import WebsocketSession
from chainlit.types import ThreadDict

from hybrid.answering.pipeline import Question, Turn
from hybrid.events import Delta, Failed, Finished, Notice
from rag.principal import Principal
from tandem.auth import accounts
from tandem.cluster.running import Written
from tandem.context import AppContext
from tandem.texts import say, waiting
from tandem.ui import uploads
from tandem.ui.answer_view import AnswerView
from tandem.ui.following import note
from tandem.ui.panel import Figures
from tandem.ui.session import choices_of, language_of

log = logging.getLogger(__name__)

# Notices that hold until somebody changes something, and where the session keeps those that the last answer gave.
_STANDING = {"model_missing", "refine_missing"}
_SAID = "said"

TURNS = 8


class View(Protocol):
    """What is being written, and its state for a browser that joins: the message's record and its element's."""

    message: cl.Message

    def snapshot(self) -> tuple[Any, Any]: ...


@dataclass(slots=True)
class _Run:
    """An answer under way. Its context says to which browser it is shown."""

    thread_id: str
    view: View
    context: ChainlitContext
    task: asyncio.Task[Any]
    person: str


_runs: dict[str, _Run] = {}
_changed: list[Callable[[], object]] = []


def when_changed(heard: Callable[[], object]) -> None:
    """Have `heard` be called when an answer begins or ends."""
    _changed.append(heard)


def under_way() -> Set[str]:
    """The messages of the answers under way."""
    return _runs.keys()


def written(by: str, known: Container[str] = ()) -> list[Written]:
    """Every answer under way whose message is not `known`, as far as it has come; `by` is the process."""
    return [
        Written(message, run.thread_id, run.person, by, *run.view.snapshot())
        for message, run in list(_runs.items())
        if message not in known
    ]


@contextmanager
def running(view: View) -> Iterator[asyncio.Task[Any]]:
    """While the block runs, in the task it gives, Stop reaches it and a browser that comes back follows it."""
    session = cl.context.session
    task = asyncio.current_task()
    assert task is not None
    # An edited question reaches this without Chainlit noting the task that Stop cancels.
    session.current_task = task
    _runs[view.message.id] = _Run(session.thread_id, view, get_context(), task, accounts.caller() or "")
    _tell_changed()
    try:
        yield task
    finally:
        _runs.pop(view.message.id, None)
        _tell_changed()


def _tell_changed() -> None:
    for heard in _changed:
        heard()


async def ask(context: AppContext, message: cl.Message) -> None:
    """Take in the files that came with a message, and answer what the person typed, under it."""
    mode = (message.modes or {}).get("mode", "auto")
    files = await take_in(context, message)
    if not message.content.strip() and files:
        return
    await _answer(context, cl.Message(""), message.content, mode)


async def take_in(context: AppContext, message: cl.Message) -> list[tuple[str, Path]]:
    """Take in the files that came with a message, if any; their names and places. The message is one
    of the person's other tabs too."""
    note(message)
    files = uploads.dropped(message)
    if not files:
        return files
    if not message.content.strip() and not turns(chat_context.get(), message.id):
        await cl.context.emitter.init_thread(files[0][0])
    may_promote = accounts.administers(context.rights)
    for name, _ in files:
        context.audit.record(
            accounts.caller() or "", "document.uploaded", name, {"conversation": cl.context.session.thread_id}
        )
    await to_the_end(uploads.take_in(context.library, files, language_of(context), may_promote=may_promote))
    return files


async def ask_again(context: AppContext, message_id: str, *, mode: str, keep_draft: bool) -> None:
    """Answer the question of an earlier answer again, in its place; `keep_draft` has the large model refine it."""
    language = language_of(context)
    if _in_thread(cl.context.session.thread_id):
        await cl.context.emitter.send_toast(say("busy", language), "warning")
        return
    message = next((m for m in reversed(chat_context.get()) if m.id == message_id), None)
    if message is None or not (message.metadata or {}).get("question"):
        await cl.context.emitter.send_toast(say("gone", language), "warning")
        return
    kept = message.metadata or {}
    draft = kept.get("answer", "") if keep_draft else ""
    _in_background(_answer(context, message, kept["question"], mode, draft))


def _in_background(work: Coroutine[Any, Any, None]) -> None:
    """Do it beside the request that asked, so that Stop can reach it."""

    async def busy() -> None:
        await cl.context.emitter.task_start()
        try:
            await work
        finally:
            await cl.context.emitter.task_end()

    cl.context.session.current_task = asyncio.create_task(busy())


async def _answer(context: AppContext, message: cl.Message, question: str, mode: str, draft: str = "") -> None:
    session = cl.context.session
    choices = choices_of(context)
    language = language_of(context)
    if (reached := await asyncio.to_thread(context.entrance.ask, accounts.caller() or "")) is not None:
        wait = waiting(math.ceil(reached.seconds), language)
        await cl.Message(say(reached.limit, language, count=f"{reached.value:g}", wait=wait)).send()
        return
    view = AnswerView(
        message,
        question,
        language=language,
        interval=context.settings.display.flush_ms / 1000,
        refine_model=choices.refine,
        marks=choices.marks,
        auto_panel=choices.panel,
        draft=draft,
        addresses=accounts.administers(context.rights),
    )
    asked = Question(
        question,
        history=turns(chat_context.get(), message.id),
        conversation=session.thread_id,
        user=asker(),
        principal=principal_of(context),
        options=choices.options(mode, draft),
    )
    with running(view) as task:
        try:
            await view.open()
            await _follow(context, view, asked)
        except asyncio.CancelledError:
            task.uncancel()
            await to_the_end(_cut_short(context, view, asked.conversation))
        except Exception:
            log.exception("An answer could not be shown to its end")
            await to_the_end(_cut_short(context, view, asked.conversation, broken=True))


async def _follow(context: AppContext, view: AnswerView, asked: Question) -> None:
    """Show the events of an answer; of what is amiss with the models, only what the answer before it did not say."""
    said: set[str] = set() if view.again else cl.user_session.get(_SAID) or set()
    standing: set[str] = set()
    async with aclosing(context.answer(asked)) as events:
        async for event in events:
            if isinstance(event, Delta) and view.take(event):
                continue
            if isinstance(event, Notice) and event.code in _STANDING:
                standing.add(event.text)
                if event.text in said:
                    continue
            if isinstance(event, Finished):
                cl.user_session.set(_SAID, standing)
                await to_the_end(view.finish(event, await _figures(context, asked.conversation)))
            elif isinstance(event, Failed):
                await to_the_end(view.fail(event, await _figures(context, asked.conversation)))
            else:
                await view.show(event)


async def _cut_short(context: AppContext, view: AnswerView, conversation: str, *, broken: bool = False) -> None:
    latest = await asyncio.to_thread(context.traces.recent, conversation, 1)
    trace = latest[0] if latest and latest[0]["question"] == view.question else None
    await view.stop(trace, await _figures(context, conversation), broken=broken)


async def _figures(context: AppContext, conversation: str) -> Figures:
    return await asyncio.to_thread(Figures.of, context.traces, conversation)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Finish it, even when Stop is pressed meanwhile: it keeps what was written."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if (current := asyncio.current_task()) is not None:
                current.uncancel()
    task.result()


def principal_of(context: AppContext) -> Principal:
    """Who is asking in this session, with what is granted to them now."""
    return context.rights.principal(accounts.caller() or "")


def asker() -> str:
    """By whom the models' queues are fair."""
    session = cl.context.session
    return session.user.identifier if session.user else session.id


def stop(session: WebsocketSession) -> None:
    """Stop whatever is being written in the conversation that a browser shows."""
    # Begun here or in another tab; each is cancelled once, since a second time would be taken for another Stop.
    tasks = {session.current_task, *(run.task for run in _in_thread(session.thread_id))}
    for task in tasks:
        if task is not None:
            task.cancel()


def stop_thread(thread_id: str) -> None:
    """Stop whatever is being written in a conversation: its browser is at another process."""
    for run in _in_thread(thread_id):
        run.task.cancel()


async def stop_all() -> None:
    """Stop every answer, keeping what was written: the process ends."""
    tasks = [run.task for run in _runs.values()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def join(thread: ThreadDict) -> bool:
    """Let the browser that opens this thread follow the answer being written in it, if there is one; whether there is.

    Adds the answer's present state to `thread`, which Chainlit sends next.
    """
    runs = _in_thread(thread["id"])
    context = get_context()
    for run in runs:
        step, element = run.view.snapshot()
        thread["steps"] = [*(s for s in thread["steps"] if s["id"] != step["id"]), step]
        thread["elements"] = [*(e for e in thread["elements"] or [] if e["id"] != element["id"]), element]
        run.context.session = context.session
        run.context.emitter = context.emitter
        context.session.current_task = run.task
    return bool(runs)


def _in_thread(thread_id: str) -> list[_Run]:
    return [run for run in _runs.values() if run.thread_id == thread_id]


def turns(messages: Iterable[cl.Message], before: str) -> tuple[Turn, ...]:
    """The conversation's questions and answers before a message, oldest first; of several answers the last counts."""
    found: list[Turn] = []
    question = ""
    answered = False
    for message in messages:
        if message.id == before:
            break
        if message.type == "user_message":
            question, answered = message.content, False
        elif question and (text := (message.metadata or {}).get("answer")):
            if answered:
                found.pop()
            found.append(Turn(question, text))
            answered = True
    return tuple(found[-TURNS:])

"""Front door, browser: Chainlit's hooks, each handed on to a room of tandem.ui.

Works mounted by tandem.server, and alone under `chainlit run app.py -w`, where it opens its context itself. Does not
know how anything is answered, shown or kept.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from functools import partial
from typing import Any

import chainlit as cl
from chainlit.config import config
from chainlit.server import app as chainlit_app
from chainlit.server import sio
from chainlit.session import WebsocketSession
from chainlit.types import ThreadDict
from chainlit.utils import wrap_user_function

from rag.errors import UserFacingError
from tandem import databases
from tandem.auth import accounts
from tandem.cluster.member import INDEXING
from tandem.context import AppContext, current
from tandem.data_lock import hold
from tandem.history import retention
from tandem.history.base import history as current_history
from tandem.history.data_layer import SqlHistory
from tandem.ui import (
    answering,
    briefings,
    chainlit_compat,
    first_page,
    library_panel,
    loop_time,
    page,
    session,
    signing_in,
    uploads,
)
from tandem.ui.elsewhere import Elsewhere
from tandem.ui.socket_checks import SocketChecks

MOUNTED = "tandem.server" in sys.modules

try:
    # Kept with the application, because `-w` imports Tandem's modules anew while the context stays open.
    context: AppContext = getattr(chainlit_app.state, "context", None) or current()
    chainlit_app.state.context = context
    if not MOUNTED and not hasattr(chainlit_app.state, "lock"):
        chainlit_app.state.lock = hold(context.settings.files, "chainlit run")
    must_sign_in = signing_in.install(context, chainlit_app)
    history = SqlHistory.open(
        databases.history(context.settings),
        accounts.caller,
        partial(uploads.forget, context),
        partial(session.tell_unsaved, context),
    )
    context.watched["history"] = lambda: history.problem
except UserFacingError as error:
    if MOUNTED:
        raise
    # Started by `chainlit run`, which would print a traceback.
    sys.exit(str(error))
uploads.receive_in(context.settings.files.arriving)
chainlit_compat.confine_files()
SocketChecks(context, context.tickets, history).install()
page.install(chainlit_app, context.tickets, guarded=MOUNTED, local_only=not must_sign_in)
loop_time.install(sio)
following: list[asyncio.Task[None]] = []
others = Elsewhere(context.member) if context.member is not None else None


@cl.data_layer
def data_layer() -> SqlHistory:
    return history


@cl.on_app_startup
async def startup() -> None:
    page.drop_path_check(chainlit_app)
    await context.start()
    if others is not None:
        others.start()
    following.append(asyncio.create_task(signing_in.follow(context), name="follow who signs out"))
    if days := context.settings.keep_conversations_days:
        following.append(asyncio.create_task(keep_to(days), name="delete old conversations"))
    # What is loaded by now stays: looking through it for garbage would hold up everybody's tokens.
    gc.collect()
    gc.freeze()


async def keep_to(days: int) -> None:
    """Delete conversations that nobody used for so many days, in one process of several."""

    def is_mine() -> bool:
        return context.member is None or context.member.leads(INDEXING)

    def deleted(count: int) -> None:
        context.audit.record("", "conversation.expired", "", {"conversations": count})

    await retention.keep_to(history, days, is_mine, deleted)


@cl.on_app_shutdown
async def shutdown() -> None:
    while following:
        following.pop().cancel()
    await answering.stop_all()
    if others is not None:
        await others.close()
    await current_history().close()
    await context.close()


@cl.set_starters
async def starters(user: cl.User | None, language: str | None) -> list[cl.Starter]:
    return await session.starters(context, user.identifier if user is not None else "", language or "")


@cl.on_chat_start
async def start() -> None:
    await session.begin(context)
    await first_page.show(context)


async def resume(thread: ThreadDict) -> None:
    await session.resume(context, thread)
    if answering.join(thread) or (others is not None and await others.join(thread)):
        await cl.context.emitter.task_start()


# Not through cl.on_chat_resume, which would hide the Stop button of an answer that is still being written.
config.code.on_chat_resume = wrap_user_function(resume)


@cl.on_chat_end
async def end() -> None:
    session.forget_the_gone()


@cl.on_message
async def message(message: cl.Message) -> None:
    if command := session.command_of(message):
        await briefings.brief(context, message, high=command == "brief_high")
    else:
        await answering.ask(context, message)


@cl.on_settings_update
async def settings_update(settings: dict[str, Any]) -> None:
    if wanted := await session.change_settings(context, settings):
        await library_panel.open_panel(context, "models")
        await library_panel.download(context, wanted)


async def settings_edit(settings: dict[str, Any]) -> None:
    await session.edit_settings(context, settings)


# Not through cl.on_settings_edit, which would show the Stop button at every key.
config.code.on_settings_edit = wrap_user_function(settings_edit)


@cl.on_window_message
async def window_message(asked: Any) -> None:
    await library_panel.act(context, asked)
    await first_page.act(context, asked)


@cl.action_callback("regenerate")
async def regenerate(action: cl.Action) -> None:
    await answering.ask_again(context, str(action.payload.get("message_id")), mode="auto", keep_draft=False)


@cl.action_callback("ask_large")
async def ask_large(action: cl.Action) -> None:
    await answering.ask_again(context, str(action.payload.get("message_id")), mode="deep", keep_draft=True)


@cl.action_callback("promote")
async def promote(action: cl.Action) -> None:
    if not await library_panel.admitted(context):
        return
    element, name = str(action.payload.get("element_id")), str(action.payload.get("name"))
    await uploads.promote(context, element, name, session.language_of(context))


@sio.on("stop")
async def stop(sid: str, *_sent: Any) -> None:
    """Instead of Chainlit's own, which adds an English message of its own to the conversation."""
    if browser := WebsocketSession.get(sid):
        answering.stop(browser)
        if others is not None:
            others.stop(browser)

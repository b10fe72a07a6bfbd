"""A conversation's surroundings: its settings panel, its composer's modes, its language, its first questions.

Knows a browser session's choices and how to put them on the screen. Does not know answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import chainlit as cl
from chainlit.chat_context import chat_contexts
from chainlit.context import ChainlitContextException
from chainlit.input_widget import Tab
from chainlit.mode import Mode, ModeOption
from chainlit.session import ws_sessions_id
from chainlit.types import CommandDict, ThreadDict
from chainlit.user import PersistedUser

from rag.errors import LibraryError, UserFacingError
from tandem import shipped
from tandem.auth import accounts
from tandem.context import AppContext
from tandem.history.base import history
from tandem.texts import Language, drawn, everywhere, for_staff, language_for, problem, say
from tandem.texts import starters as written_questions
from tandem.ui import background, settings_panel
from tandem.ui import starters as first_questions
from tandem.ui.settings_panel import MODES, NO_DOWNLOAD, Choices

COMMANDS = {"brief": "notebook-text", "brief_high": "notebook-pen"}
_ICONS = {"auto": "sparkles", "fast": "zap", "deep": "telescope"}
_LOOK_UP_SECONDS = 60.0
# One turn is many writes.
_TELL_SECONDS = 20.0
_TOLD = "told_unsaved"
_SPOKEN = "spoken"


def choices_of(context: AppContext) -> Choices:
    """What the person chose for this conversation."""
    return settings_panel.read(cl.context.session.chat_settings, Choices.configured(context.settings))[0]


def language_of(context: AppContext) -> Language:
    """The language of Tandem's own words in this session."""
    session = cl.context.session
    browser = getattr(session, "language", "")
    return language_for(choices_of(context).language, context.settings.display.language, browser)


def told(context: AppContext, error: UserFacingError) -> str:
    """What went wrong, for the person of this session: without addresses and commands where they do not administer."""
    language, staff = language_of(context), not accounts.administers(context.rights)
    said = problem(error, language, staff=staff)
    return for_staff(said, language) if staff else said


async def begin(context: AppContext) -> None:
    """A new conversation: the person's last settings, the words of the page, the modes."""
    user = cl.context.session.user
    if isinstance(user, PersistedUser):
        cl.context.session.chat_settings = await history().settings_of(user.id)
    await show_words(context)
    await show_settings(context)
    await show_modes(context, "auto")
    await show_commands(context)


async def resume(context: AppContext, thread: ThreadDict) -> None:
    """A conversation that goes on: its settings (Chainlit has put them in the session), its last mode."""
    modes = [step.get("modes") or {} for step in thread["steps"] if step["type"] == "user_message"]
    await show_words(context)
    await show_settings(context)
    await show_modes(context, modes[-1].get("mode", "auto") if modes else "auto")
    await show_commands(context)


async def tell_unsaved(context: AppContext, kept: bool) -> None:
    """Tell whoever wrote it that the conversation could not be saved, and whether it is `kept` in memory."""
    with suppress(ChainlitContextException):
        now = time.monotonic()
        if now - (cl.user_session.get(_TOLD) or -_TELL_SECONDS) < _TELL_SECONDS:
            return
        cl.user_session.set(_TOLD, now)
        said = say("history_kept" if kept else "history_lost", language_of(context))
        await cl.context.emitter.send_toast(said, "warning" if kept else "error")


def forget_the_gone() -> None:
    """Let go of the messages of sessions that are over: Chainlit keeps them for good."""
    for session_id in chat_contexts.keys() - ws_sessions_id.keys():
        del chat_contexts[session_id]


async def show_words(context: AppContext) -> None:
    """Give the page the words that it draws by itself, in the person's language: see public/tandem.js."""
    language = language_of(context)
    cl.user_session.set(_SPOKEN, language)
    signed_in = context.settings.server.login_required
    said = {"tandem": "words", "thread": cl.context.session.thread_id, "signed_in": signed_in, **drawn(language)}
    if signed_in:
        standing = await asyncio.to_thread(context.entrance.announcements.current)
        said["announcements"] = [{"id": one.id, "text": one.text} for one in standing]
    await cl.context.emitter.send_window_message(said)


async def show_modes(context: AppContext, chosen: str) -> None:
    """Put the mode picker into the composer."""
    language = language_of(context)
    options = [
        ModeOption(name, say(name, language), say(f"{name}_hint", language), _ICONS[name], default=name == chosen)
        for name in MODES
    ]
    await cl.context.emitter.set_modes([Mode("mode", say("mode", language), options)])


async def show_commands(context: AppContext) -> None:
    """Put what can be asked for besides an answer into the composer."""
    language = language_of(context)
    offered = [
        CommandDict(
            id=say(name, language),
            description=say(f"{name}_hint", language),
            icon=icon,
            button=False,
            persistent=False,
            selected=False,
        )
        for name, icon in COMMANDS.items()
    ]
    await cl.context.emitter.set_commands(offered)


def command_of(message: cl.Message) -> str:
    """Which of COMMANDS a message gives, "" where it is a question. A conversation may have changed its language."""
    names = {said: name for name in COMMANDS for said in everywhere(name)}
    return names.get(message.command or "", "")


async def show_settings(context: AppContext) -> None:
    """Put the settings panel on the screen, and again once every model is known."""
    await _send_settings(context)
    if not context.engine.models.ready:
        background.begin(_when_models_are_known(context))


async def edit_settings(context: AppContext, values: Mapping[str, Any]) -> None:
    """While the panel is filled in: name what cannot be taken beside its field, and draw the fields anew where others
    are needed. Nothing is kept before it is confirmed."""
    kept = {**choices_of(context).values(), **values}
    choices, wrong = settings_panel.read(kept, Choices.configured(context.settings))
    wrong_fields = settings_panel.amiss(wrong, language_of(context))
    await cl.context.emitter.send_window_message({"tandem": "settings_wrong", "fields": wrong_fields})
    tabs = _tabs(context, choices)
    if settings_panel.fields(tabs) != set(values):
        await cl.ChatSettings(tabs).refresh()


async def _send_settings(context: AppContext) -> None:
    choices = choices_of(context)
    await cl.ChatSettings(_tabs(context, choices)).refresh()
    cl.context.session.chat_settings = choices.values()


def _tabs(context: AppContext, choices: Choices) -> list[Tab]:
    models = context.engine.models
    readable = context.rights.readable(context.rights.principal(accounts.caller() or ""))
    return settings_panel.tabs(
        choices,
        models.states(),
        models.ready,
        language_of(context),
        downloading=accounts.administers(context.rights),
        collections={one.key: one.name for one in readable},
    )


async def _when_models_are_known(context: AppContext) -> None:
    await context.engine.models.wait_ready(_LOOK_UP_SECONDS)
    await _send_settings(context)


async def change_settings(context: AppContext, values: Mapping[str, Any]) -> str:
    """Take in what was confirmed in the panel, keep it, and say what could not be taken; returns the model that is to
    be downloaded, "" for none.
    """
    session = cl.context.session
    # Fields that were not drawn stay as they were.
    given = {**choices_of(context).values(), **values}
    choices, wrong = settings_panel.read(given, Choices.configured(context.settings))
    session.chat_settings = choices.values()
    language = language_of(context)
    for key, value in wrong:
        said = say("settings_wrong", language, name=say(key, language), value=str(value)[:40])
        await cl.context.emitter.send_toast(said, "warning")
    if isinstance(session.user, PersistedUser):
        await history().remember_settings(session.user.id, session.thread_id, session.chat_settings)
    wanted = values.get("download")
    if not isinstance(wanted, str) or wanted == NO_DOWNLOAD:
        wanted = ""
    if not wanted and not wrong:
        await cl.context.emitter.send_toast(say("settings_kept", language), "success")
    await _send_settings(context)
    # Chainlit has put the new settings into the session by now: what they were is what was shown.
    if language != cl.user_session.get(_SPOKEN):
        await show_words(context)
        await show_modes(context, "auto")
        await show_commands(context)
    return wanted


async def starters(context: AppContext, identity: str, browser: str) -> list[cl.Starter]:
    """First questions to offer: written ones about the documents that ship, else made of the headings of what
    `identity` may read. None where the library cannot be read.
    """
    language = language_for("auto", context.settings.display.language, browser)
    if shipped.corpus() in context.settings.documents:
        offered = written_questions(language)
    else:
        try:
            offered = await asyncio.to_thread(_first_questions, context, identity, language)
        except LibraryError:
            offered = []
    return [cl.Starter(label, question) for label, question in offered]


def _first_questions(context: AppContext, identity: str, language: Language) -> list[tuple[str, str]]:
    return first_questions.questions(context.library.seen_by(context.rights.principal(identity)), language)

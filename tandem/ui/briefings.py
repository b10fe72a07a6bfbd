"""Briefings in the chat: a source's name in, sections of cited claims out, one after the other, to copy and download.

Knows the message that holds the text and the element under it (public/elements/TandemAnswer.jsx). Does not know how a
section is written (`hybrid.answering.briefs`) nor the formats (`tandem.briefing`).
"""

from __future__ import annotations

import asyncio
import base64
import logging
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any

import chainlit as cl
from chainlit.utils import utc_now

from hybrid.answering.briefs import Brief, Claim, Section, brief_of, parts, write
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import Escalate
from rag.errors import UserFacingError
from rag.types import CheckedAnswer, CheckedSentence, Passage, Support
from tandem import briefing
from tandem.auth import accounts
from tandem.context import AppContext
from tandem.history.base import history
from tandem.markdown import linked
from tandem.texts import Language, say
from tandem.ui import panel
from tandem.ui.answer_view import ELEMENT, element_id
from tandem.ui.answering import asker, principal_of, running, take_in, to_the_end
from tandem.ui.session import choices_of, language_of, told

log = logging.getLogger(__name__)

_NAME_CHARS = 60
_SOURCE_CHARS = 2000


async def brief(context: AppContext, message: cl.Message, *, high: bool) -> None:
    """Write a briefing on what the message names: a document, a folder, else what a search for it finds."""
    files = await take_in(context, message)
    source = " ".join(message.content.split())[:_SOURCE_CHARS] or (files[0][0] if files else "")
    mode = (message.modes or {}).get("mode", "auto")
    view = BriefingView(cl.Message(""), source, language_of(context), _author(context))
    with running(view) as task:
        try:
            await view.open()
            await _write(context, view, source, mode, high)
        except asyncio.CancelledError:
            task.uncancel()
            await to_the_end(view.close("stopped", stopped=view.cut("stopped", "stopped_empty")))
        except briefing.NothingFoundError:
            await to_the_end(view.close("failed", error=say("brief_nothing", view.language, source=source[:200])))
        except UserFacingError as error:
            await to_the_end(view.close("failed", error=told(context, error)))
        except Exception:
            log.exception("A briefing could not be written to its end")
            await to_the_end(view.close("stopped", error=view.cut("cut_off", "no_text")))


async def _write(context: AppContext, view: BriefingView, source: str, mode: str, high: bool) -> None:
    choices = choices_of(context)
    options = choices.options(mode)
    conversation = cl.context.session.thread_id
    principal = principal_of(context)
    shelf = context.library.seen_by(principal, conversation, options.collections)
    view.title, passages = await asyncio.to_thread(briefing.passages_of, shelf, source)
    given = parts(passages, choices.brief_words)
    refined = high or (options.escalation is not None and options.escalation.mode is Escalate.ALWAYS)
    writing = write(
        view.title,
        given,
        context.engine,
        words=choices.brief_words,
        high=refined,
        options=options,
        conversation=conversation,
        user=asker(),
        principal=principal,
    )
    await view.progress(1, len(given), given[0].heading)
    async with aclosing(writing) as sections:
        async for made in sections:
            if isinstance(made, Brief):
                break
            done = await view.add(made)
            if done < len(given):
                await view.progress(done + 1, len(given), given[done].heading)
    await to_the_end(view.close("done", error="" if view.written.sections else say("brief_empty", view.language)))


class BriefingView:
    """Shows one briefing. `open` it, `add` every section, and `close` it with how it ended."""

    def __init__(self, message: cl.Message, source: str, language: Language, author: str = briefing.AUTHOR) -> None:
        self.message = message
        self._author = author
        self.title = source
        self.language = language
        self._sections: list[Section] = []
        self._element = cl.CustomElement(
            name=ELEMENT, id=element_id(message.id), display="inline", for_id=message.id, props={}
        )
        self._props: dict[str, Any] = {
            "state": "running",
            "kind": "briefing",
            "language": language,
            "message_id": message.id,
            "auto_panel": False,
            "notices": [],
            "status": {"key": "searching", "text": say("searching", language)},
            "panel": {"question": source[:_NAME_CHARS], "tabs": ["sources"]},
        }

    @property
    def written(self) -> Brief:
        """The sections so far."""
        return brief_of(self.title, self._sections)

    def snapshot(self) -> tuple[Any, Any]:
        """The message and the element as they are now, for a browser that joins while the briefing is written."""
        step = self.message.to_dict()
        step["streaming"] = True
        return step, self._element.to_dict()

    def cut(self, kept: str, empty: str) -> str:
        """What to say where the writing ended early: whether something is kept."""
        return say(kept if self.written.sections else empty, self.language)

    async def open(self) -> None:
        """Put the message on the screen."""
        self.message.created_at = utc_now()
        await cl.context.emitter.send_step(self.message.to_dict())
        await self._update()

    async def progress(self, number: int, count: int, heading: str) -> None:
        """Say which section is being written."""
        heading = " ".join(heading.split())[:_NAME_CHARS]
        text = say("brief_section", self.language, number=number, count=count, heading=heading)
        self._props["status"] = {"key": "briefing", "text": text}
        await self._update()

    async def add(self, section: Section) -> int:
        """Show a section below those before it; how many there are."""
        self._sections.append(section)
        brief = self.written
        self._props["panel"]["sources"] = _sources(brief)
        await self._update()
        await self.message.stream_token(self._markdown(brief), is_sequence=True)
        return len(self._sections)

    async def close(self, state: str, *, error: str = "", stopped: str = "") -> None:
        """The last state: on the screen, and in the history."""
        brief = self.written
        self._props |= {"state": state, "status": None, "error": error, "stopped": stopped}
        notices = []
        if brief.left_out:
            notices.append(("left_out", say("brief_left_out", self.language, count=brief.left_out)))
        for key, headings in (
            ("brief_sections_quoted", brief.quoted),
            ("brief_sections_empty", brief.empty if brief.sections else ()),
        ):
            if headings:
                named = "; ".join(" ".join(heading.split())[:_NAME_CHARS] for heading in headings)
                notices.append((key, say(key, self.language, headings=named)))
        self._props["notices"] = [{"code": code, "text": text} for code, text in notices]
        if brief.sections:
            models = dict.fromkeys(section.model for section in brief.sections)
            self._props["quoted"] = list(models) == [EXTRACTIVE]
            self._props["model"] = ", ".join(models)
            words = {"sources": say("sources", self.language), "page": say("page", self.language)}
            self._props["copy"] = briefing.markdown(brief, **words)
            # In the element, so that it is as private and lives as long as the conversation.
            self._props["kept"] = await asyncio.to_thread(self._as_files, brief)
        self.message.content = self._markdown(brief) if brief.sections else ""
        self.message.streaming = False
        self.message.metadata = {"briefing": self.title, "language": self.language}
        step = self.message.to_dict()
        await self._update()
        await cl.context.emitter.update_step(step)
        await history().update_step(step)
        await history().keep_element(self._element)

    def _as_files(self, brief: Brief) -> dict[str, dict[str, str]]:
        """It in each format, by the ending; where one cannot be made, the others."""
        clean = "".join(sign if sign.isalnum() or sign in " -_" else " " for sign in self.title)
        name = " ".join(clean.split())[:_NAME_CHARS] or say("brief_file", self.language)
        made = {}
        for ending, as_file in briefing.FORMATS.items():
            with suppress(UserFacingError):
                content = as_file(brief, author=self._author, moment=datetime.now(UTC), language=self.language)
                made[ending] = {"name": f"{name}.{ending}", "data": base64.b64encode(content).decode()}
        return made

    def _markdown(self, brief: Brief) -> str:
        lines = [f"# {' '.join(brief.title.split())}"]
        for section in brief.sections:
            lines += ["", f"## {' '.join(section.heading.split())}", ""]
            lines += [f"- {claim.text} {_marks(claim)}" for claim in section.claims]
        return linked("\n".join(lines), brief.sources, page=say("page", self.language))

    async def _update(self) -> None:
        self._element.props = dict(self._props)
        await cl.context.emitter.send_element(self._element.to_dict())


def _author(context: AppContext) -> str:
    """In whose name the document is: whoever asked for it, where people sign in."""
    caller = accounts.caller() if context.settings.server.login_required else None
    return caller or briefing.AUTHOR


def _marks(claim: Claim) -> str:
    return "".join(f"[{number}]" for number in claim.sources)


def _sources(brief: Brief) -> list[dict[str, Any]]:
    """As the panel draws them; every one of them is cited."""

    def cited(passage: Passage) -> CheckedSentence:
        return CheckedSentence("", 0, 0, Support.SUPPORTED, 1.0, (passage.id,))

    return panel.sources(brief.sources, CheckedAnswer("", tuple(cited(passage) for passage in brief.sources)))

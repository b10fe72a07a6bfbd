"""One answer on the screen, from the first status line to the last button.

Knows the message that holds the text and the element under it (public/elements/TandemAnswer.jsx), and turns events into
changes of both. Does not know where events come from, nor when to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec

import chainlit as cl
from chainlit.chat_context import chat_context
from chainlit.utils import utc_now

from hybrid.events import (
    Answer,
    Decided,
    Decision,
    Delta,
    Event,
    Failed,
    Finished,
    Notice,
    Progress,
    Retrieved,
    Stage,
    StageBegan,
    StageEnded,
)
from hybrid.executors import checking
from hybrid.runtimes.base import Phase
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from rag.types import Passage
from tandem.history.base import history
from tandem.markdown import Neutraliser, cited, linked, provisional
from tandem.texts import Language, for_staff, notice, problem, reason, say
from tandem.ui import beneath, panel
from tandem.ui.batching import Batcher, Latest
from tandem.ui.live_spans import LiveSpans
from tandem.ui.pace import PACE

ELEMENT = "TandemAnswer"
_HINT_CHARS = 200
_LONG_CHARS = 2_000

P = ParamSpec("P")


def element_id(message_id: str) -> str:
    """The id of the element under a message."""
    return f"answer-{message_id}"


class AnswerView:
    """Shows one answer. `open` it, `take` or `show` every event, and `close` it with how it ended.

    `interval` is the batching of tokens in seconds; `refine_model` the name on the button that asks the large model.
    Without `addresses`, no notice says where a model's server listens, nor what only an administrator can do.
    """

    def __init__(
        self,
        message: cl.Message,
        question: str,
        *,
        language: Language,
        interval: float,
        refine_model: str,
        marks: bool = True,
        auto_panel: bool = True,
        draft: str = "",
        addresses: bool = True,
    ) -> None:
        self.message = message
        self.question = question
        self._language = language
        self._marks = marks
        self._addresses = addresses
        self._element = cl.CustomElement(
            name=ELEMENT, id=element_id(message.id), display="inline", for_id=message.id, props={}
        )
        self._props: dict[str, Any] = {
            "state": "running",
            "language": language,
            "message_id": message.id,
            "refine_model": refine_model,
            "auto_panel": auto_panel,
            "notices": [],
            "panel": {"question": question[:_HINT_CHARS]},
        }
        self._batcher = Batcher(self._send, interval, lambda: PACE.stretch)
        self._paced = False
        self._beneath = Latest(self._send_element, interval)
        self._safe = Neutraliser()
        self._replace = self._linked = False
        self._shown: Stage = "draft"
        self._written: dict[Stage, list[str]] = {"draft": [draft] if draft else [], "refine": []}
        self._models: dict[Stage, str] = {"draft": "", "refine": refine_model}
        self._busy_with = ""
        self._live = LiveSpans()
        self._stage: Stage = "draft"
        self._passages: tuple[Passage, ...] = ()
        self._decision: Decision | None = None
        self._wrote = False
        self._traced: dict[str, str] = {}
        # What an answer that is asked again said before; it stands until something new is written.
        self._before = (message.content, message.metadata) if message.created_at is not None else None

    @property
    def again(self) -> bool:
        """Whether this takes the place of an earlier answer."""
        return self._before is not None

    @property
    def text(self) -> str:
        """What the models wrote of the stage that is shown, as they wrote it."""
        return "".join(self._written[self._shown])

    def snapshot(self) -> tuple[Any, Any]:
        """The message and the element as they are now, for a browser that joins while the answer is written."""
        step = self.message.to_dict()
        step["streaming"] = True
        # By which it can be asked again, should this process come to no end of it.
        step["metadata"] = {**(step["metadata"] or {}), "question": self.question, "language": self._language}
        self._element.props = dict(self._props)
        return step, self._element.to_dict()

    async def open(self) -> None:
        """Put the message on the screen, with what it begins with."""
        PACE.enter()
        self._paced = True
        # The conversation has begun: its address may be gone to. See public/staying.js.
        await cl.context.emitter.send_window_message({"tandem": "answering"})
        if self.message.created_at is None:
            self.message.created_at = utc_now()
            await cl.context.emitter.send_step(self.message.to_dict())
        elif not self.text:
            self.message.content = ""
            await cl.context.emitter.update_step(self.message.to_dict())
        self._status("searching")

    def take(self, event: Delta) -> bool:
        """Take in text, without waiting for anything. False where more than text changes: then `show` it."""
        if event.stage != self._shown or self._busy_with != "writing" or event.reasoning:
            return False
        if event.text:
            self._wrote = True
            self._written[event.stage].append(event.text)
            self._batcher.add(event.text)
        return True

    async def show(self, event: Event) -> None:
        """Show any event but the last ones."""
        match event:
            case Delta():
                await self._show_delta(event)
            case Retrieved():
                self._passages = event.result.passages
                self._props["panel"]["sources"] = panel.sources(self._passages)
                self._props["notices"] += [{"code": "search", "text": note} for note in event.result.notes]
                self._beneath.changed()
            case StageBegan():
                self._begin(event)
            case Progress():
                self._wait(event)
            case Decided():
                self._decision = event.decision
                if event.decision.escalate:
                    reasons = [reason(given, self._language) for given in event.decision.reasons]
                    await self._batcher.flush()
                    self._status("escalating", reasons, model=self._models["refine"])
            case StageEnded():
                # What comes now, the check and the decision, takes its time.
                await self._batcher.flush()
                self._follow("checking", event.stage)
            case Notice():
                said = notice(event, self._language, staff=not self._addresses)
                self._props["notices"].append({"code": event.code, "text": self._public(said)})
                self._beneath.changed()
            case _:
                pass

    async def finish(self, event: Finished, figures: panel.Figures) -> None:
        """Show and keep the checked answer."""
        answer = event.answer
        unsupported = say("unsupported", self._language) if self._marks else ""
        page = say("page", self._language)
        content = await self._written_out(
            len(answer.text), cited, answer.checked, answer.passages, page=page, unsupported=unsupported
        )
        replaced = answer.draft
        if answer.runtime == EXTRACTIVE and answer.withheld:  # the person may open what was not fit to be shown
            replaced = answer.withheld[-1].text
        self._props["draft"] = await self._as_written(replaced)
        self._props["copy"] = beneath.to_copy(answer, self._language)
        unrefined = answer.stage == "draft" and answer.runtime != EXTRACTIVE
        self._props["can_escalate"] = unrefined and answer.alias != self._props["refine_model"]
        self._props["model"] = answer.model
        self._props["quoted"] = answer.runtime == EXTRACTIVE
        self._props["own"] = answer.runtime == EXTRACTIVE and beneath.of_its_own(answer)
        if answer.refused:
            self._props |= beneath.refusal(answer, event.trace.retrieval.get("language", ""), self._language)
        self._passages = answer.passages
        self._fill_panel(event.trace.as_dict(), figures, answer)
        await self._close("done", content, answer.text)

    async def fail(self, event: Failed, figures: panel.Figures) -> None:
        """Show and keep what there is, and why there is no more."""
        text = event.text or self.text
        expected = event.error
        staff = not self._addresses
        said = problem(expected, self._language, staff=staff) if expected else say("unforeseen", self._language)
        self._props["error"] = self._public(said)
        self._fill_panel(event.trace.as_dict(), figures, None)
        await self._close("failed", await self._as_written(text), text)

    async def stop(self, trace: Mapping[str, Any] | None, figures: panel.Figures, *, broken: bool = False) -> None:
        """Show and keep what was written until the person stopped it, or until it `broke` off by itself."""
        text = self.text
        if broken:
            self._props["error"] = say("cut_off" if text.strip() else "no_text", self._language)
        else:
            self._props["stopped"] = say("stopped" if text.strip() else "stopped_empty", self._language)
        if trace is not None:
            self._fill_panel(trace, figures, None)
        await self._close("stopped", await self._as_written(text), text)

    async def _show_delta(self, event: Delta) -> None:
        if event.reasoning and not event.text:
            self._status("thinking", model=self._models[event.stage])
            return
        if event.stage != self._shown:
            await self._batcher.flush()
            self._props["draft"] = await self._as_written(self.text)
            self._shown = event.stage
            self._restart()
        self._status("refining" if event.stage == "refine" else self._writing(), model=self._models[event.stage])
        self._busy_with = "writing"
        self.take(Delta(event.stage, event.text))

    def _begin(self, event: StageBegan) -> None:
        self._models[event.stage] = event.model
        self._stage = event.stage
        if event.stage == "draft":
            self._props["quoted"] = event.runtime == EXTRACTIVE
        if self._written[event.stage]:
            self._written[event.stage].clear()
            if event.stage == self._shown:
                self._restart()
        if event.stage == "draft":
            self._status(self._reading(), model=event.model, count=len(self._passages))

    def _wait(self, event: Progress) -> None:
        model = self._models[event.stage]
        if event.phase is Phase.LOAD:
            self._status("loading", model=model)
        elif event.phase is Phase.QUEUE:
            self._status("queued" if event.position else "next", model=model, ahead=event.position or 0)
        elif event.stage == "draft":
            self._status(self._reading(), model=model, count=len(self._passages))
        else:
            self._status("refining", model=model, span="escalating")

    def _reading(self) -> str:
        return "quoting" if self._props.get("quoted") else "reading"

    def _writing(self) -> str:
        return "quoting" if self._props.get("quoted") else "drafting"

    def _restart(self) -> None:
        """What is written next takes the place of what is shown."""
        self._batcher.discard()
        self._safe = Neutraliser()
        self._replace = True

    async def _send(self, text: str) -> None:
        if safe := self._safe.feed(text):
            replace, self._replace = self._replace, False
            if replace or not self._linked:
                self._linked, safe = True, provisional(len(self._passages)) + safe
            await self.message.stream_token(safe, is_sequence=replace)
        self._tell_crowd()

    def _tell_crowd(self) -> None:
        """Say it while more is asked of the server than it can pass on at once, and no longer."""
        if PACE.busy != bool(self._props.get("busy")):
            self._props["busy"] = say("crowded", self._language) if PACE.busy else ""
            self._beneath.changed()

    def _status(self, key: str, reasons: list[str] | None = None, span: str = "", **values: object) -> None:
        status: dict[str, Any] = {"key": key, "text": say(key, self._language, **values)}
        kept = reasons if reasons is not None else (self._props.get("status") or {}).get("reasons")
        if kept and key in ("escalating", "refining", "loading", "queued", "next", "thinking"):
            status["reasons"] = kept
        self._busy_with = key
        self._follow(span or key, "refine" if key == "escalating" else self._stage)
        self._tell_crowd()
        if status != self._props.get("status"):
            self._props["status"] = status
            self._beneath.changed()

    def _follow(self, key: str, stage: str) -> None:
        if self._live.enter(key, stage):
            self._props["panel"]["live"] = self._live.shown()
            self._beneath.changed()

    async def _send_element(self) -> None:
        self._element.props = dict(self._props)
        await cl.context.emitter.send_element(self._element.to_dict())

    def _public(self, text: str) -> str:
        return text if self._addresses else for_staff(text, self._language)

    async def _as_written(self, text: str) -> str:
        page = say("page", self._language)
        return await self._written_out(len(text), linked, text, self._passages, page=page) if text.strip() else ""

    async def _written_out(self, size: int, write: Callable[P, str], *args: P.args, **kwargs: P.kwargs) -> str:
        """A text as harmless Markdown: a long one beside the event loop, where it may wait for its turn."""
        return write(*args, **kwargs) if size < _LONG_CHARS else await checking(write, *args, **kwargs)

    def _fill_panel(self, trace: Mapping[str, Any], figures: panel.Figures, answer: Answer | None) -> None:
        # By these a thumb finds what it judges: see tandem.evaluate.judged.
        self._traced = {"trace": trace["id"], "started": trace["started"]}
        shown = self._props["panel"]
        shown["latency"] = panel.latency(trace, figures.percentiles)
        shown["decision"] = panel.decision(
            self._decision, answer, trace, self._language, self._props["notices"], figures.costs
        )
        shown["sources"] = panel.sources(self._passages, answer.checked if answer is not None else None)

    async def _close(self, state: str, content: str, text: str) -> None:
        """The last state: on the screen first, then in the history."""
        if self._paced:
            self._paced = False
            PACE.leave()
        await self._batcher.close()
        self._props["busy"] = ""
        if self._before is not None and not self._wrote:
            await self._restore()
            return
        self._props["state"] = state
        self._props["status"] = None
        self._props["panel"].pop("live", None)
        self._props["panel"]["unchecked"] = state != "done"
        self.message.content = content
        self.message.streaming = False
        self.message.metadata = {
            "question": self.question,
            "answer": text,
            "language": self._language,
            **self._traced,
        }
        chat_context.add(self.message)
        step = self.message.to_dict()
        # The element first: Chainlit scrolls when a message changes, and then what stands under it counts.
        await self._beneath.now()
        await cl.context.emitter.update_step(step)
        await asyncio.gather(history().update_step(step), history().keep_element(self._element))

    async def _restore(self) -> None:
        """Show again what the history has, with the note on why there is nothing new."""
        assert self._before is not None
        self.message.content, self.message.metadata = self._before
        kept = await history().get_element(self.message.thread_id, self._element.id)
        notes: dict[str, Any] = {key: self._props[key] for key in ("error", "stopped") if key in self._props}
        self._props = {**((kept or {}).get("props") or {"state": "done"}), **notes}
        await self._beneath.now()
        await cl.context.emitter.update_step(self.message.to_dict())

"""Where an answer comes from: the whole pipeline, or one model by itself. Both are a stream of pieces and an end.

Knows how events and chunks become pieces. Does not know HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hybrid.answering.generation import Written, generate
from hybrid.answering.pipeline import Question, Turn
from hybrid.errors import ModelError
from hybrid.events import Answer, Decided, Decision, Delta, Failed, Finished, Notice, StageBegan
from hybrid.question import Options
from hybrid.runtimes.base import ChatRequest, Usage
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.runtimes.stopping import Stopper
from hybrid.settings import Escalate, GenerationSettings
from hybrid.tracing.trace import Trace
from rag.errors import UserFacingError
from rag.types import Message
from tandem.api.asked import Asked
from tandem.api.errors import SERVER, ApiError, from_model
from tandem.context import AppContext
from tandem.settings import PROGRAM
from tandem.texts import notice as worded
from tandem.texts import without_addresses

PIPELINE = "tandem"
LOOKUP_S = 10.0
# What of an answer's record is said by Tandem, and may name a server.
_SAID = ("notices", "reasons")


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of the answer, or what a model thinks or drafts on the way to it."""

    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Revised:
    """The answer's whole text as it stands now, in place of every piece of text so far: "" where it begins anew."""

    text: str


@dataclass(frozen=True, slots=True)
class End:
    """The end of an answer. `extension` is what the protocol has no place for."""

    finish_reason: str
    usage: Usage
    extension: dict[str, Any] = field(default_factory=dict)


Part = Piece | Revised | End


def source(asked: Asked, context: AppContext, user: str) -> AsyncGenerator[Part, None]:
    """The answer to `asked`: pieces, then one End. Raises ApiError. Closing it stops whatever generates."""
    whole = asked.model.casefold() in (PIPELINE, EXTRACTIVE)
    parts = pipeline(asked, context, user) if whole else direct(asked, context, user)
    server = context.settings.server
    everybody = server.api_key is None and not server.login_required
    return parts if everybody or (context.rights.administers(user) and user != PROGRAM) else _discreet(parts)


async def _discreet(parts: AsyncGenerator[Part, None]) -> AsyncGenerator[Part, None]:
    """The parts for somebody who does not administer: no failure and no notice says where a model's server listens."""
    try:
        async with aclosing(parts):
            async for part in parts:
                if isinstance(part, End):
                    said = {key: _scrubbed(part.extension[key]) for key in _SAID if key in part.extension}
                    if trace := part.extension.get("trace"):
                        said["trace"] = {**trace, "stages": _scrubbed(trace["stages"])}
                    part = replace(part, extension={**part.extension, **said})
                yield part
    except ApiError as error:
        error.message = _scrubbed(error.message)
        raise
    except UserFacingError as error:
        raise ApiError(503, _scrubbed(str(error)), type=SERVER, code="answer_failed") from None


def _scrubbed(value: Any) -> Any:
    match value:
        case str():
            return without_addresses(value, "en")
        case dict():
            return {key: _scrubbed(part) for key, part in value.items()}
        case list() | tuple():
            return [_scrubbed(part) for part in value]
        case _:
            return value


async def pipeline(asked: Asked, context: AppContext, user: str) -> AsyncGenerator[Part, None]:
    """Search, draft, decide, refine, check.

    A draft that is refined is replaced, and citations are corrected at the end; the protocol can take nothing back.
    So what is written on the way comes as reasoning, to those who watch, and the text is the checked answer, nothing
    else. Who asks for it as written gets it as text at once, and is told (`Revised`) what it has become.
    """
    if asked.stops:
        raise ApiError(
            400, f"`stop` is for a single model; {PIPELINE} ends by itself.", param="stop", code="unsupported_parameter"
        )
    notices: list[dict[str, str]] = []
    decision: Decision | None = None
    begun = anew = False
    written: list[str] = []
    async with aclosing(context.answer(_question(asked, context, user))) as events:
        async for event in events:
            match event:
                case StageBegan() if asked.as_written:
                    anew = bool(written)
                case Delta() if asked.as_written:
                    if event.text and anew:
                        yield Revised("")
                        anew = False
                        written.clear()
                    if event.text:
                        written.append(event.text)
                    yield Piece(event.text, event.reasoning)
                case StageBegan():
                    if begun and asked.stream:
                        yield Piece(reasoning="\n\n")
                    begun = True
                case Delta() if asked.stream:
                    yield Piece(reasoning=event.reasoning + event.text)
                case Decided():
                    decision = event.decision
                    if decision.escalate and asked.stream:
                        yield Piece(reasoning="\n\n" + " ".join(reason.text for reason in decision.reasons))
                case Notice():
                    notices.append({"code": event.code, "text": worded(event, event.language)})
                case Failed():
                    raise ApiError(503, event.message, type=SERVER, code="answer_failed")
                case Finished():
                    if not asked.as_written:
                        for sentence in _sentences(event.answer):
                            yield Piece(text=sentence)
                    elif "".join(written) != event.answer.text:
                        yield Revised(event.answer.text)
                    extension = {
                        **_answer_record(event.answer, decision),
                        "notices": notices,
                        "ignored": _ignored(asked, system=True),
                        "trace": event.trace.as_dict(),
                    }
                    yield End(_reason(event.trace, event.answer), _sum(event.trace), extension)


def _question(asked: Asked, context: AppContext, user: str) -> Question:
    *earlier, last = [message for message in asked.history() if message.role != "system"]
    escalation = None
    draft = None
    if asked.model.casefold() == EXTRACTIVE:
        draft, escalation = EXTRACTIVE, context.engine.escalation.model_copy(update={"mode": Escalate.NEVER})
    return Question(
        last.content,
        history=tuple(_turns(earlier)),
        user=_who(asked, user),
        principal=context.rights.principal(user),
        options=Options(
            draft=draft,
            escalation=escalation,
            generation=_generation(asked, context),
            collections=context.rights.keys_of(asked.collections) if asked.collections is not None else None,
        ),
    )


def _who(asked: Asked, user: str) -> str:
    """Whom fair queueing counts: what a client calls its own users, apart from everybody else's."""
    return f"{user}/{asked.user}" if asked.user else user


def _turns(messages: list[Message]) -> Iterator[Turn]:
    """Question and answer pairs; a question without an answer, and an answer without a question, keep their place."""
    question = ""
    for message in messages:
        if message.role == "assistant":
            yield Turn(question, message.content)
            question = ""
        else:
            question = f"{question}\n{message.content}".strip()
    if question:
        yield Turn(question, "")


def _generation(asked: Asked, context: AppContext) -> GenerationSettings:
    asked_for = {"max_tokens": asked.longest, "temperature": asked.temperature, "seed": asked.seed}
    return context.engine.generation.model_copy(update={k: v for k, v in asked_for.items() if v is not None})


def _sentences(answer: Answer) -> Iterator[str]:
    """The answer's text in pieces that end where its sentences end."""
    start = 0
    for sentence in answer.checked.sentences:
        if sentence.end > start:
            yield answer.text[start : sentence.end]
            start = sentence.end
    if start < len(answer.text):
        yield answer.text[start:]


def _answer_record(answer: Answer, decision: Decision | None) -> dict[str, Any]:
    numbers = {passage.id: number for number, passage in enumerate(answer.passages, 1)}
    cited = {number for s in answer.checked.sentences for p in s.passages if (number := numbers.get(p))}
    return {
        "model": answer.model,
        "runtime": answer.runtime,
        "escalated": answer.escalated,
        "refused": answer.refused,
        "reasons": [reason.text for reason in decision.reasons] if decision is not None else [],
        "citations": [
            {
                "number": number,
                "cited": number in cited,
                "id": passage.id,
                "document": passage.document,
                "page": passage.page,
                "picture": passage.picture,
                "headings": list(passage.headings),
                "text": passage.text,
            }
            for number, passage in enumerate(answer.passages, 1)
        ],
        "sentences": [asdict(sentence) for sentence in answer.checked.sentences],
    }


def _ignored(asked: Asked, *, system: bool) -> list[str]:
    sent = any(message.role == "system" for message in asked.history())
    return [*asked.ignored, *(["messages[].role=system"] if system and sent else [])]


def _reason(trace: Trace, answer: Answer) -> str:
    shown = [record for record in trace.stages if record.stage == answer.stage]
    return "length" if shown and shown[-1].finish_reason == "length" else "stop"


def _sum(trace: Trace) -> Usage:
    used = [record.usage for record in trace.stages if record.usage is not None]
    return Usage(
        sum(usage.prompt_tokens for usage in used),
        sum(usage.completion_tokens for usage in used),
        sum(usage.reasoning_tokens for usage in used),
        sum(usage.cached_tokens for usage in used),
        any(usage.estimated for usage in used),
    )


async def direct(asked: Asked, context: AppContext, user: str) -> AsyncGenerator[Part, None]:
    """One model, with the messages as they came: no search, no citations."""
    messages = asked.history()
    generation = _generation(asked, context)
    trace = Trace.start(messages[-1].content, principal=context.rights.principal(user))
    written = Written("draft")
    stopper = Stopper(asked.stops)
    try:
        runtime, model = await context.engine.models.find(asked.model, LOOKUP_S)
        request = ChatRequest(
            model=model,
            messages=messages,
            question=messages[-1].content,
            max_tokens=generation.max_tokens,
            temperature=generation.temperature,
            seed=generation.seed,
            stop=asked.stops,
            user=_who(asked, user),
        )
        written.begin(asked.model, model, runtime.name)
        async with aclosing(generate(written, runtime, request, trace, context.engine.settings.timeouts)) as events:
            async for event in events:
                if isinstance(event, Delta):
                    text = stopper.feed(event.text)
                    if text or event.reasoning:
                        yield Piece(text, event.reasoning)
                if stopper.stopped:
                    break
    except ModelError as error:
        raise from_model(error, asked.model) from None
    if rest := stopper.flush():
        yield Piece(rest)
    trace.outcome, trace.answer = "finished", written.text
    record = trace.finish().as_dict()
    context.entrance.usage(trace)
    # The prompt is the caller's own; sending it back would only double the traffic.
    del record["question"], record["answer"]
    cut = written.finish_reason == "length" and not stopper.stopped
    yield End(
        "length" if cut else "stop",
        written.usage or Usage(0, 0, estimated=True),
        {"model": model, "runtime": runtime.name, "ignored": _ignored(asked, system=False), "trace": record},
    )

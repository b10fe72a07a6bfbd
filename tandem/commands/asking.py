"""`tandem ask`: the events of one question, printed.

Knows how an answer looks in a terminal and as JSON. Does not know how it comes about.
"""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hybrid.answering.pipeline import Options, Question
from hybrid.events import Decided, Decision, Delta, Event, Failed, Finished, Notice, StageBegan
from hybrid.settings import Escalate
from hybrid.tracing.trace import Trace
from rag.errors import UserFacingError
from rag.principal import LOCAL
from rag.types import Support
from tandem.commands import passages
from tandem.commands.ending import run
from tandem.context import AppContext
from tandem.settings import Settings, load
from tandem.texts import notice as worded

MODELS_SECONDS = 15.0
BAR = 30


def ask(question: str, *, json: bool, draft: str | None, refine: str | None, escalate: str | None) -> None:
    """Answer one question on stdout. Raises UserFacingError."""
    settings = load()
    escalation = None
    if escalate is not None:
        escalation = settings.escalation.model_copy(update={"mode": Escalate(escalate)})
    asked = Question(question, principal=LOCAL, options=Options(draft=draft, refine=refine, escalation=escalation))
    run(_ask(settings, asked, _JsonPrinter() if json else _Printer()))


async def _ask(settings: Settings, question: Question, printer: _JsonPrinter | _Printer) -> None:
    context = AppContext.open(settings)
    try:
        await context.start(index=False)
        if not context.library.documents(principal=LOCAL):
            raise UserFacingError("Nothing is indexed yet; run `tandem index` first.")
        # A person who asks once cannot ask again when the models are found, as the chat lets one do.
        if (question.options.draft or settings.models.draft) != "extractive":
            await context.engine.models.wait_ready(MODELS_SECONDS)
        async for event in context.answer(question):
            if isinstance(event, Failed):
                raise UserFacingError(event.message)
            printer.show(event)
    finally:
        await context.close()


class _JsonPrinter:
    """Prints one object at the end."""

    def __init__(self) -> None:
        self._decision: Decision | None = None
        self._notices: list[Notice] = []

    def show(self, event: Event) -> None:
        match event:
            case Decided(decision):
                self._decision = decision
            case Notice():
                self._notices.append(event)
            case Finished():
                record = as_record(event, self._decision, self._notices)
                print(jsonlib.dumps(record, ensure_ascii=False, indent=2))
            case _:
                pass


class _Printer:
    """Streams the text as it comes, then prints what was checked: sources and the latency table."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._stage = ""
        self._written: list[str] = []

    def show(self, event: Event) -> None:
        match event:
            case StageBegan():
                self._begin(event)
            case Delta(text=text) if text:
                self._written.append(text)
                sys.stdout.write(passages.plain(text))
                sys.stdout.flush()
            case Decided(decision) if decision.escalate:
                reasons = "; ".join(reason.text for reason in decision.reasons)
                self._aside(f"Asking the large model: {reasons}")
            case Notice():
                self._aside(worded(event, event.language))
            case Finished():
                self._finish(event)
            case _:
                pass

    def _begin(self, event: StageBegan) -> None:
        if self._stage == event.stage and self._written:
            self._aside(f"Starting over with {event.model}.")
        self._stage = event.stage
        self._written.clear()

    def _aside(self, sentence: str) -> None:
        lead = "\n" if self._written else ""
        self._console.print(f"{lead}[dim]({escape(passages.plain(sentence))})[/dim]")

    def _finish(self, event: Finished) -> None:
        answer = event.answer
        if "".join(self._written).strip() != answer.text.strip():
            self._console.print("\n\n[bold]Answer, with its citations checked[/bold]")
            self._console.print(escape(passages.plain(answer.text)), end="")
        self._console.print("\n")
        cited = {id for sentence in answer.checked.sentences for id in sentence.passages}
        sources = [(n, p) for n, p in enumerate(answer.passages, 1) if p.id in cited]
        if sources:
            self._console.print("[bold]Sources[/bold]")
        for number, passage in sources:
            self._console.print(f"  [{number}] {passages.place(passage)}", markup=False)
        unsupported = [s.text for s in answer.checked.sentences if s.support is Support.UNSUPPORTED]
        for text in unsupported:
            self._console.print(f"  Not supported by any passage: {passages.plain(text).strip()}", markup=False)
        self._console.print(latency_table(event.trace))
        self._console.print(f"Answered by {escape(answer.model)}.")


def latency_table(trace: Trace) -> Table:
    """The waterfall of a trace: one row a span, with its place on the time line."""
    total = max(trace.total_ms or 0.0, 0.001)
    table = Table(title=f"{total:.0f} ms in all", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading, right in (("stage", False), ("span", False), ("start ms", True), ("ms", True), ("", False)):
        table.add_column(heading, justify="right" if right else "left", style="dim" if not right else "")
    for span in trace.spans:
        duration = span.duration_ms or 0.0
        begin = round(BAR * span.start_ms / total)
        length = max(1, round(BAR * duration / total))
        bar = " " * min(begin, BAR - 1) + "▇" * min(length, BAR - min(begin, BAR - 1))
        table.add_row(span.stage or "-", span.name, f"{span.start_ms:.1f}", f"{duration:.1f}", bar)
    return table


def as_record(event: Finished, decision: Decision | None, notices: Sequence[Notice]) -> dict[str, Any]:
    """What `--json` prints. Times in milliseconds; `tokens` sums the model calls; `cost` is null if unknown; `notices`
    say what was not as asked, each with its code and its sentence."""
    answer, trace = event.answer, event.trace
    usages = [stage.usage for stage in trace.stages if stage.usage is not None]
    return {
        "answer": answer.text,
        "model": answer.model,
        "escalated": answer.escalated,
        "refused": answer.refused,
        "reasons": [reason.text for reason in decision.reasons] if decision else [],
        "notices": [{"code": notice.code, "text": worded(notice, notice.language)} for notice in notices],
        "sentences": [
            {
                "text": sentence.text,
                "passages": list(sentence.passages),
                "supported": sentence.support is Support.SUPPORTED,
                "support": sentence.support.value,
            }
            for sentence in answer.checked.sentences
        ],
        "passages": [passages.as_record(passage) for passage in answer.passages],
        "spans": [
            {"name": s.name, "stage": s.stage, "start_ms": _rounded(s.start_ms), "duration_ms": _rounded(s.duration_ms)}
            for s in trace.spans
        ],
        "tokens": {
            "prompt": sum(usage.prompt_tokens for usage in usages),
            "completion": sum(usage.completion_tokens for usage in usages),
            "reasoning": sum(usage.reasoning_tokens for usage in usages),
        },
        "cost": trace.cost,
    }


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 3)

"""Answers that are shared with everybody, and what each reader hears of what they may not read.

Knows how an answer is kept, copied, and shown on the page of a share. Does not know what is asked, nor what is secret.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hybrid.events import Answer
from tandem.context import AppContext
from tandem.markdown import cited
from tandem.sharing import opened, page, snapshot
from tandem.ui import panel


@dataclass(frozen=True, slots=True)
class Said:
    """A question and its answer, as the history keeps them: the answer's record, and what stands under it."""

    question: str
    step: dict[str, Any]
    element: dict[str, Any]


def said(number: int, question: str, answer: Answer) -> Said:
    """What the chat would keep."""
    content = cited(answer.checked, answer.passages, page="p.", unsupported="")
    about = {"question": question, "answer": answer.text}
    step = {"id": f"answer-{number}", "type": "assistant_message", "output": content, "metadata": about}
    sources = panel.sources(answer.passages, answer.checked)
    return Said(question, step, {"props": {"panel": {"sources": sources}}})


def shared(context: AppContext, owner: str, talk: Sequence[Said], *, alone: bool) -> snapshot.Snapshot | None:
    """A copy of somebody's conversation, or of its last answer, as it comes back from where it is kept."""
    steps = [
        record
        for one in talk
        for record in ({"type": "user_message", "output": one.question, "id": f"of-{one.step['id']}"}, one.step)
    ]
    elements = {one.step["id"]: one.element for one in talk}
    last = talk[-1].step["id"]
    made = snapshot.made(context, owner, ("prying", steps, elements), last if alone else "")
    return snapshot.read(json.loads(json.dumps(asdict(made)))) if made is not None else None


def shown(context: AppContext, kept: snapshot.Snapshot, reader: str) -> tuple[str, int]:
    """All that a reader is shown of it, and how many pieces they are not."""
    seen = opened.seen_by(context, kept, reader)
    hidden = sum(piece is None for one in seen for piece in one.pieces)
    return "\n".join((kept.title, *page.turns(seen, "en"))), hidden

"""A conversation as somebody reads it again: what was asked, what was answered, and on which sources.

Knows the records that the chat keeps (messages, and the elements under them). Does not know the formats it is exported
in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chainlit.types import ThreadDict

from rag.formats.extracted import one_line
from tandem.markdown import MARKER, without_definitions

_NAMED = 80


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that an answer cites as `[number]`; `quote` is what of it supports the answer, "" where that is not
    known."""

    number: int
    document: str
    page: int | None
    headings: tuple[str, ...]
    quote: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that was said: by the person, or in answer to them; `text` is Markdown whose markers name `sources`.
    `rating` is 1 or 0 where there is a thumb; `files` are the names of what was dropped into the conversation."""

    role: str
    at: str
    text: str
    model: str = ""
    sources: tuple[Source, ...] = ()
    rating: int | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole conversation."""

    id: str
    name: str
    tags: tuple[str, ...]
    turns: tuple[Turn, ...]

    @property
    def begun(self) -> str:
        """When the first thing was said, "" where nothing was."""
        return self.turns[0].at if self.turns else ""


def transcript(thread: ThreadDict) -> Transcript:
    """A kept conversation, read again; records that say nothing are left out."""
    elements: dict[str, list[Mapping[str, Any]]] = {}
    for element in thread["elements"] or ():
        elements.setdefault(str(element.get("forId")), []).append(element.get("props") or {})
    turns = []
    for step in thread["steps"]:
        kind = str(step.get("type"))
        if not kind.endswith("_message"):
            continue
        beside = elements.get(step["id"], [])
        files = tuple(_line(one.get("name")) for props in beside for one in _dicts(props.get("files")))
        # What stands over receipts only says that they are receipts.
        said = "" if files else str(step.get("output") or "")
        text = (said if kind == "user_message" else without_definitions(said)).strip()
        if not text and not files:
            continue
        feedback: Mapping[str, Any] = step.get("feedback") or {}
        turns.append(
            Turn(
                "person" if kind == "user_message" else "assistant",
                str(step.get("createdAt") or ""),
                text,
                next((_line(props["model"]) for props in beside if props.get("model")), ""),
                _sources(beside, {int(number) for number in MARKER.findall(text)}),
                feedback.get("value"),
                files,
            )
        )
    asked = next((turn.text for turn in turns if turn.role == "person"), "")
    name = _line(thread.get("name")) or _line(asked)[:_NAMED]
    return Transcript(thread["id"], name, tuple(_line(tag) for tag in thread.get("tags") or ()), tuple(turns))


def _sources(beside: Iterable[Mapping[str, Any]], cited: set[int]) -> tuple[Source, ...]:
    """Those that the text names."""
    found = []
    for props in beside:
        for one in _dicts((props.get("panel") or {}).get("sources")):
            if one.get("n") in cited:
                quote = " … ".join(str(part.get("text", "")) for part in _dicts(one.get("parts")) if part.get("mark"))
                headings = tuple(_line(heading) for heading in one.get("headings") or ())
                page = one["page"] if isinstance(one.get("page"), int) else None
                found.append(Source(one["n"], _line(one.get("document")), page, headings, _line(quote)))
    return tuple(found)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _line(value: object) -> str:
    return one_line(str(value or ""))

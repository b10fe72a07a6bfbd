"""What somebody may see of what is shared with them: decided anew at every look, and strictly.

An answer is shown whole to who may read every passage that it and the answers before it were written from; where it
tells of documents, or was written from no passage, only if they may read all that its owner could besides. To anybody
else it is shown in pieces: those alone that cite sources, all of which may be read, and in which no word stands that
neither those sources nor the questions hold. Knows copies and words. Does not know accounts or pages; what may be read
is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import regex

from rag.text import sentences
from rag.text.analyser import casefold, fold, stop_terms
from rag.text.language import detect
from tandem.markdown import MARKER
from tandem.sharing.snapshot import Snapshot, Source, Turn

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")


@dataclass(frozen=True, slots=True)
class Seen:
    """A turn as somebody may see it. `pieces` are Markdown, None in the place of some that they may not see; `sources`
    are the cited ones that they may read, `hidden` the numbers of the others."""

    question: str
    pieces: list[str | None]
    sources: list[Source]
    hidden: list[int]


def seen(shared: Snapshot, may_read: Callable[[Source], bool], *, everything: bool) -> list[Seen]:
    """The turns of a copy for somebody. `everything` says that they may read all that its owner could."""
    found: list[Seen] = []
    clean = True
    said: set[str] = set()
    for turn in shared.turns:
        readable = {source.number: source for source in turn.sources if may_read(source)}
        from_passages = bool(turn.sources) and not turn.catalogue
        clean = clean and len(readable) == len(turn.sources) and (from_passages or everything)
        if not turn.shown:
            continue
        said |= _words([turn.question])
        cited = [source for source in turn.sources if source.cited]
        found.append(
            Seen(
                question=turn.question,
                pieces=[turn.answer] if clean else _pieces(turn, readable, said),
                sources=[source for source in cited if source.number in readable],
                hidden=[source.number for source in cited if source.number not in readable],
            )
        )
    return found


def _pieces(turn: Turn, readable: dict[int, Source], said: set[str]) -> list[str | None]:
    found: list[str | None] = []
    common = stop_terms(detect(turn.answer))
    for start, end in sentences.split(turn.answer):
        piece = turn.answer[start:end]
        numbers = {int(number) for number in MARKER.findall(piece)}
        sources = [readable[number] for number in numbers if number in readable]
        open_to = bool(numbers) and len(sources) == len(numbers)
        if open_to and _words([MARKER.sub(" ", piece)]) <= said | common | _known(sources):
            found.append(piece)
        elif not found or found[-1] is not None:
            found.append(None)
    return found


def _known(sources: Iterable[Source]) -> set[str]:
    return _words(text for one in sources for text in (one.text, *one.headings))


def _words(texts: Iterable[str]) -> set[str]:
    return {fold(casefold(word)) for text in texts for word in _WORD.findall(text)}

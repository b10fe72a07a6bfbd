"""Quoted spans: where one may begin and end, and nothing said twice.

Knows units and where they stand. Does not know what answers (`rag.grounding.extractive` chooses), what stands beside
it (`rag.grounding.composing`) nor how a span is shown (`rag.grounding.quoting`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import regex

from rag.grounding.code_lines import only_imports
from rag.grounding.pointers import refers
from rag.grounding.repeating import says_again
from rag.grounding.stretches import TELLING, is_sentence, text_of
from rag.grounding.unit_features import Sentence, word_count
from rag.grounding.units import Kind, Unit
from rag.text import sentences
from rag.types import Passage

_OPEN = (":", "：", ";", ",", "،", "、", "—", "–", "...", "…")
"""What a sentence ends with that is none yet."""
_ANNOUNCES = regex.compile(
    r"(?:here(?:'s|’s| is| are)|below (?:is|are|you)|the following\b.*\b(?:is|are)\b|"
    r"the following (?:code|examples?|snippets?|commands?|figures?) (?:shows?|demonstrates?|illustrates?|uses?)\b)|"
    r".*\b(?:described|listed|shown|given|outlined|explained) below[.]?$|"
    r"(?:the|these) (?:steps|instructions|examples?|commands?|settings?|sections?|tables?|lists?) below\b[^.;:]*[.]$|"
    r"[^.;:]*\başağıda(?:ki)?\b[^.;:]*[.]$|"
    r"(?:[^.;:]{0,80}, )?(?:\w+ ){0,4}there are (?:basically |currently |actually )?"
    r"(?:two|three|four|five|six|several|many|multiple|various|different|some|a few|a couple of|"
    r"a number of|[2-9]) (?:\w+ )?(?:ways?|options|methods|possibilities|approaches|"
    r"things|steps|reasons|kinds|types|cases|rules|exceptions|places)\b[^,;]*[.]$|"
    r".*\b(?:here(?:'s|’s| is| are) (?:the|some|a few|what|how|our|two|three|four)\b|"
    r"(?:the following|as follows|like this|wie folgt|şöyle(?:dir)?|şunlardır)[.]?$)",
    regex.I | regex.S,
)
"""A sentence that shows what stands below it."""
CLOSED = regex.compile(r"[\p{P}\p{S}]$")
"""The end of what has one."""
CLAUSE = regex.compile(r"\(?\d{1,3}(?:\.\d{1,3})*[.)]?")
"""The number of a clause by itself."""
_LONG = 60
"""Characters from which on what stands in a longer sentence that was quoted is said again."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is quoted in one piece: units of one passage, in order. `score` is its best unit's."""

    passage: int
    units: tuple[Unit, ...]
    score: float


def to_the_point(passages: Sequence[Passage], found: Sequence[Sentence], grown: Sequence[int]) -> Sequence[int]:
    """A stretch without what only says where to read on before and after it."""
    first, last = 0, len(grown)
    while last - first > 1 and refers(passages, found[grown[last - 1]]):
        last -= 1
    while last - first > 1 and refers(passages, found[grown[first]]):
        first += 1
    return grown[first:last]


def ended(passages: Sequence[Passage], found: Sequence[Sentence], run: Sequence[int]) -> Sequence[int]:
    """A run without what leads into nothing at its end: what it announces stands in another passage, or nowhere; and
    without what the passage's end cuts off, a list of which it has but one item counted.
    """
    last = len(run)
    if last > 2 and lone(passages, found, run[last - 1]):
        last -= 1
    while last > 1 and (leads_on(passages, found[run[last - 1]]) or cut_off(passages, found, run[last - 1])):
        last -= 1
    return run[:last]


def lone(passages: Sequence[Passage], found: Sequence[Sentence], k: int) -> bool:
    """Whether a unit is the only item that its passage has of a list, at its end."""
    one, before = found[k], found[k - 1] if k else None
    led = before is not None and before.passage == one.passage and before.unit.leads
    return one.unit.kind is Kind.ITEM and led and not passages[one.passage].text[one.end :].strip()


def leads_on(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a unit announces what comes after it."""
    said = text_of(passages, one).rstrip()
    if one.unit.kind is Kind.ITEM:
        return said.endswith((":", "：", *sentences.QUESTION_MARKS))
    return is_sentence(one) and (said.endswith(_OPEN) or bool(CLAUSE.fullmatch(said) or _ANNOUNCES.match(said)))


def cut_off(passages: Sequence[Passage], found: Sequence[Sentence], k: int) -> bool:
    """Whether a unit goes on where its passage ends: it has no end, though a sentence in it or what is before it in its
    list or paragraph has one, or it is long and nothing is before it there.
    """
    one, before = found[k], found[k - 1] if k else None
    said = text_of(passages, one)
    if one.unit.kind is Kind.CODE:  # of which no more than what it needs is there
        return only_imports(said)
    if (
        one.unit.kind not in (Kind.SENTENCE, Kind.ITEM)
        or passages[one.passage].text[one.end :].strip()
        or CLOSED.search(said)
    ):
        return False
    if before and (before.passage, before.unit.group, before.unit.kind) == (one.passage, one.unit.group, one.unit.kind):
        return bool(CLOSED.search(text_of(passages, before)))
    return one.unit.kind is Kind.ITEM and (len(one.words) > TELLING + 1 or len(list(sentences.split(said))) > 1)


def size_of(passages: Sequence[Passage], span: Span) -> int:
    """How many words a span has."""
    return sum(word_count(said_by(passages, span.passage, unit)) for unit in span.units)


def said_by(passages: Sequence[Passage], passage: int, unit: Unit) -> str:
    """What a unit of a passage says."""
    return passages[passage].text[unit.start : unit.end]


def unrepeated(passages: Sequence[Passage], made: Sequence[Span]) -> list[Span]:
    """The spans without units that were said before: neighbouring passages share a sentence, copies share all; and
    without those of which another passage says all in nearly the same words.
    """
    seen: set[str] = set()
    kept: list[Span] = []
    for span in made:
        fresh: list[Unit] = []
        for unit in span.units:
            said = " ".join(said_by(passages, span.passage, unit).casefold().split())
            if said not in seen and not _within(said, seen):
                seen.add(said)
                fresh.append(unit)
        tells = any(unit.kind is not Kind.HEADING and not unit.leads for unit in fresh) or (fresh and not kept)
        if tells and not _again(passages, span.passage, fresh, kept):
            kept.append(replace(span, units=tuple(fresh)))
    return kept


def _again(passages: Sequence[Passage], passage: int, units: Sequence[Unit], kept: Sequence[Span]) -> bool:
    """Whether other passages say all of these units in nearly the same words."""
    before = [said_by(passages, span.passage, one) for span in kept if span.passage != passage for one in span.units]
    told = [unit for unit in units if unit.kind is not Kind.HEADING]
    prose = all(unit.kind in (Kind.SENTENCE, Kind.ITEM) for unit in told)
    return bool(before) and prose and all(says_again(said_by(passages, passage, unit), before) for unit in told)


def _within(said: str, seen: Collection[str]) -> bool:
    """Whether all but a mark before it of a long sentence was said, or it stands in another that was."""
    return len(said) >= _LONG and any(said in one or (len(one) >= _LONG and one in said) for one in seen)

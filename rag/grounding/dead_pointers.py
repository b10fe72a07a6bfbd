"""Sentences that point at what a quote does not show: steps below, a form detailed above, a link that was here.

Knows the wording of such pointers in English, German and Turkish, and what a quote shows of a passage. Does not know
questions but by how much of one each unit says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

import regex

from rag.grounding.leaning import is_pointing
from rag.grounding.plain_text import plain
from rag.grounding.pointers import is_lost_link
from rag.grounding.shown_lists import is_paragraph
from rag.grounding.spans import Span, said_by
from rag.grounding.units import Kind, Unit, units
from rag.text import sentences
from rag.types import Passage

_TOLD = (
    "described|listed|shown|given|outlined|explained|detailed|defined|mentioned|noted|discussed|specified|"
    "provided|set out"
)
_SHOWN = (
    "steps?|instructions?|forms?|tables?|lists?|links?|sections?|examples?|options?|methods?|caveats?|guidelines?|"
    "templates?|process|criteria|diagram|screenshot|picture|figure"
)
_BELOW = regex.compile(
    rf"\b(?:{_SHOWN}) (?:(?:{_TOLD}) )?below\b|\b(?:{_TOLD}|see|follow) (?:\w+ ){{0,3}}below\b|"
    r"\bfollow(?:ing)? (?:these|the following) (?:steps|instructions)\b|"
    r"\b(?:unten|nachfolgend|nachstehend|im folgenden) (?:\w+ )?(?:beschrieben|aufgeführt|genannt|dargestellt|"
    r"erläutert|gezeigt|stehend)\w*|\b(?:schritte\w*|tabelle|liste|formular|abschnitt\w*|beispiel\w*) unten\b|"
    r"\bsiehe unten\b|"
    r"\başağıda(?:ki)? (?:[\w'’]+ ){0,3}?(?:adım|komut|tablo|liste|çizelge|şekil|form|resim|ekran|örnek|gibi|göster|"
    r"açıklan|sırala|listele)\w*",
    regex.I,
)
"""What says that something stands below."""
_ABOVE = regex.compile(
    rf"\b(?:{_SHOWN}) (?:(?:{_TOLD}) )?above\b|\b(?:{_TOLD}|see) (?:\w+ ){{0,3}}above\b|\bsee above \w+|"
    r"\b(?:oben|vorstehend) (?:\w+ )?(?:beschrieben|aufgeführt|genannt|dargestellt|erläutert|gezeigt|stehend)\w*|"
    r"\bsiehe oben\b",
    regex.I,
)
"""What says that something stands above."""
_STANDS = (Kind.ITEM, Kind.ROW, Kind.CODE, Kind.HEADING)
"""What a sentence may point at."""
_FIGURE = regex.compile(r"(?<!\p{N})(?!(?:19|20)\d\d(?!\p{N}))\p{N}")
"""A number that is no year."""
_BRIEF = 12
"""Words of a sentence at most that says no more than where to look."""
_LITTLE = 30
"""Words of code or of a table at most that is shown because a sentence points at it."""


def with_what_is_below(passages: Sequence[Passage], spans: Sequence[Span]) -> list[Span]:
    """The spans with the little code or table that stands right below a sentence or an item that points at it."""
    shown = {(span.passage, unit.start) for span in spans for unit in span.units}
    whole: list[Span] = []
    for span in spans:
        own = [unit for unit in units(passages[span.passage].text) if unit.kind is not Kind.NOISE]
        made: list[Unit] = []
        for unit in span.units:
            made.append(unit)
            below = _below(passages[span.passage], unit, own)
            if below and not any((span.passage, one.start) in shown for one in below):
                made.extend(below)
        whole.append(replace(span, units=tuple(made)))
    return whole


def _below(passage: Passage, unit: Unit, own: Sequence[Unit]) -> list[Unit]:
    """The code or table right below a unit of the units `own` of a passage that points at it, where it is little."""
    if unit.kind not in (Kind.SENTENCE, Kind.ITEM) or not _BELOW.search(passage.text[unit.start : unit.end]):
        return []
    after = [one for one in own if one.start > unit.start]
    below = list(takewhile(lambda one: (one.kind, one.group) == (after[0].kind, after[0].group), after))
    pointed = bool(below) and below[0].kind in (Kind.CODE, Kind.ROW)
    size = sum(len(passage.text[one.start : one.end].split()) for one in below)
    return below if pointed and size <= _LITTLE else []


def points_away(passage: Passage, unit: Unit, shown: Sequence[Unit]) -> bool:
    """Whether a sentence or the end of an item points at what is not among the units `shown` of its passage, or at a
    link, which no quote has.
    """
    said = passage.text[unit.start : unit.end]
    if is_lost_link(said):
        return True
    if _BELOW.search(said):
        return not any(one.start > unit.start and one.kind in _STANDS for one in shown)
    return bool(_ABOVE.search(said)) and not any(one.start < unit.start for one in shown)


def without_dead_pointers(
    passages: Sequence[Passage], spans: Sequence[Span], says: Mapping[tuple[int, int], float]
) -> list[Span]:
    """The spans without sentences that point away, but for one that says more of the question than all others, names a
    number or carries what comes after it; of an item without the last sentence where that does.
    """
    shown: dict[int, list[Unit]] = {}
    for span in spans:
        shown.setdefault(span.passage, []).extend(span.units)
    every = [says.get((span.passage, one.start), 0.0) for span in spans for one in span.units]
    second = sorted(every)[-2:][0] if every else 0.0
    kept: list[Span] = []
    for span in spans:
        passage, made = passages[span.passage], list[Unit]()
        for at, unit in enumerate(span.units):
            if unit.kind is Kind.ITEM:
                spared = is_paragraph(unit) or says.get((span.passage, unit.start), 0.0) > second
                if spared or not _is_empty(passage, unit, shown[span.passage]):
                    made.append(_without_end(passage, unit, shown[span.passage]))
                continue
            said = said_by(passages, span.passage, unit)
            carries = any(
                after.kind is Kind.SENTENCE and is_pointing(said_by(passages, span.passage, after))
                for after in span.units[at + 1 : at + 2]
            )
            told = says.get((span.passage, unit.start), 0.0) > second or _FIGURE.search(said) is not None
            spared = unit.kind is not Kind.SENTENCE or unit.leads or unit.question or carries or told
            if spared or not points_away(passage, unit, shown[span.passage]):
                made.append(unit)
        if len(made) == len(span.units) or any(one.kind is not Kind.HEADING and not one.leads for one in made):
            kept.append(replace(span, units=tuple(made)))
    return kept or list(spans)


def _is_empty(passage: Passage, item: Unit, shown: Sequence[Unit]) -> bool:
    """Whether an item is one short sentence that points at what is not shown right below it."""
    said = plain(passage.text[item.start : item.end])
    if len(said.split()) > _BRIEF or not _BELOW.search(said) or _FIGURE.search(said):
        return False
    after = next((one for one in shown if one.start > item.start), None)
    return after is None or not (after.kind in (Kind.ROW, Kind.CODE) or after.depth > item.depth)


def _without_end(passage: Passage, item: Unit, shown: Sequence[Unit]) -> Unit:
    """An item without its last sentence where that points away and is not all of it."""
    *_, last = sentences.split(passage.text[item.start : item.end])
    end = replace(item, start=item.start + last[0])
    if not last[0] or _FIGURE.search(said := passage.text[end.start : end.end]) or len(said.split()) > _BRIEF:
        return item
    cut = len(passage.text[item.start : end.start].rstrip())
    return replace(item, end=item.start + cut) if points_away(passage, end, shown) else item

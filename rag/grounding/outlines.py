"""Answers about a whole document, or about the library: outlines made of the documents' own headings and sentences.

Knows how a document is told from what it is called, and what an outline quotes. Does not search and does not know who
asks: the documents it is given are those that may be seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import PurePosixPath
from typing import Protocol

import regex

from rag.grounding.quoting import Composer
from rag.grounding.unit_features import word_count
from rag.grounding.units import Kind, Unit, units
from rag.text import phrases, sentences
from rag.text.analyser import casefold, fold, stem, tokens
from rag.types import DocumentRecord, Passage

_READ = 150
_SECTIONS, _INTRODUCTION, _WORDS = 8, 45, 115
_TELLING = 2
"""Sections with a sentence of their own from which on the others are only named."""
_NAMED = 0.7
_KIND_NAMES = """
policy policies guide guideline guidelines handbook manual rules rule report plan program programme memo note notes
procedure process agreement contract form list overview summary tutorial reference faq politika politikası kılavuz
kılavuzu rehber rehberi yönetmelik yönetmeliği yönerge yönergesi rapor raporu plan planı
"""
_KINDS = frozenset(fold(casefold(word)) for word in _KIND_NAMES.split())
_GROUPS, _TITLES = 10, 4
_WELCOME = regex.compile(
    r"(?:^|/)(?:readme|index|overview|introduction|about|home|start|welcome|getting.?started)\b", regex.I
)


class Catalogue(Protocol):
    """What of a library an outline reads. `rag.seen.Seen` is one. Safe to call from any thread."""

    def passage_ids(self, document_id: str) -> list[str]: ...

    def passage(self, passage_id: str) -> Passage | None: ...


@dataclass(frozen=True, slots=True)
class _Section:
    label: str
    passage: int
    unit: Unit | None


def named(words: Sequence[str], records: Sequence[DocumentRecord]) -> DocumentRecord | None:
    """The document that these folded words call by its title, its name or its folder; None where none is meant.

    Rare words decide, those of a folder's name half as much; of several documents that hold them, the one that has
    them as they are written is meant, and of these the one with the least besides.
    """
    wanted = dict.fromkeys(words)
    if not wanted or not records:
        return None
    languages = tuple(dict.fromkeys(("en", *(record.language for record in records[:200]))))[:4]
    forms = {word: {word, *(stem(word, language) for language in languages)} for word in wanted}
    held = [_called(record, languages) for record in records]
    counts = {word: sum(bool(forms[word] & one.every) for one in held) for word in wanted}
    weights = {word: log(1 + len(records) / (0.5 + counts[word])) for word in wanted}
    for word in wanted:
        if word in _KINDS or not counts[word]:  # "policy" says what it is, not which; nor does a word of no title
            weights[word] /= 5 if word in _KINDS else 2
    total = sum(weights.values()) or 1.0
    best: tuple[float, int, float, int] | None = None
    for at, one in enumerate(held):
        met = [word for word in wanted if forms[word] & one.every]
        share = sum(weights[word] for word in met) / total
        if met and share >= _NAMED:
            inherited = sum(weights[word] for word in met if not forms[word] & one.own) / total
            written = sum(word in one.own for word in met)
            rank = (round(share - inherited / 2, 3), written, len(met) / max(1, one.size), -at)
            best = rank if best is None or rank > best else best
    return records[-best[-1]] if best is not None else None


@dataclass(frozen=True, slots=True)
class _Called:
    """What a document is called: the words and stems of its title and name (`own`), these with its folders' (`every`),
    and how many words title and name have at most.
    """

    own: frozenset[str]
    every: frozenset[str]
    size: int


def _called(record: DocumentRecord, languages: Sequence[str]) -> _Called:
    path = PurePosixPath(record.name)
    title = [token.folded for token in tokens(record.title, record.language)]
    name = [fold(casefold(word)) for word in regex.findall(r"[\p{L}\p{M}\p{N}]+", path.stem)]
    folders = [fold(casefold(word)) for word in regex.findall(r"[\p{L}\p{M}\p{N}]+", " ".join(path.parent.parts))]
    words = {*title, *name, fold(casefold(path.name)), path.suffix.lstrip(".").casefold()}
    own, above = ({*some, *(stem(word, one) for word in some for one in languages)} for some in (words, folders))
    return _Called(frozenset(own), frozenset(own | above), min(len(title), len(name)) or 1)


def passages_of(catalogue: Catalogue, record: DocumentRecord) -> list[Passage]:
    """The passages of a document in reading order, the first 150 of a very long one."""
    read = (catalogue.passage(identity) for identity in catalogue.passage_ids(record.id)[:_READ])
    return [passage for passage in read if passage is not None]


def outline(record: DocumentRecord, passages: Sequence[Passage], language: str) -> tuple[list[Passage], Composer]:
    """(the passages that the outline rests on, the outline): what the document says of itself, and its sections with a
    sentence each.
    """
    introduction, every = _read(passages)
    telling = [section for section in every if section.unit is not None]
    sections = telling if len(telling) >= _TELLING else every
    kept: list[int] = sorted({introduction[0], *(section.passage for section in sections[:_SECTIONS])})
    place = {at: number for number, at in enumerate(kept)}
    composer = Composer([passages[at] for at in kept])
    composer.say(f"**{record.title}** ({record.name})" if record.title else f"**{record.name}**")
    room = _WORDS
    for at, unit in enumerate(introduction[1]):
        composer.piece(unit, place[introduction[0]], follows=at > 0)
        room -= word_count(passages[introduction[0]].text[unit.start : unit.end])
    shown = 0
    for section in sections[:_SECTIONS]:
        size = word_count(section.label)
        if section.unit is not None:
            size += word_count(passages[section.passage].text[section.unit.start : section.unit.end])
        if room - size < 0 and shown >= 2:
            break
        composer.item(section.label, section.unit, place[section.passage], first=shown == 0)
        room -= size
        shown += 1
    listed = {section.label for section in sections[:shown]}
    rest = [section.label for section in every if section.label not in listed]
    if rest:
        composer.say(phrases.also(language, rest))
    return [passages[at] for at in kept], composer


def _read(passages: Sequence[Passage]) -> tuple[tuple[int, list[Unit]], list[_Section]]:
    """The introduction (its passage and sentences) and the sections of a document."""
    introduction: tuple[int, list[Unit]] | None = None
    sections: list[_Section] = []
    label = ""
    top = passages[0].headings[:1] if passages else ()
    for at, passage in enumerate(passages):
        own = passage.headings[-1] if passage.headings and passage.headings != top else ""
        if own and own != label:
            label = own
            sections.append(_Section(label, at, None))
        for unit in units(passage.text):
            said = passage.text[unit.start : unit.end]
            if unit.kind is Kind.HEADING and not passage.headings:
                label = said
                if introduction is not None or at > 0:
                    sections.append(_Section(" ".join(said.split()), at, None))
            elif _tells(unit, said):
                if introduction is None and not sections:
                    introduction = (at, [unit])
                elif introduction is not None and introduction[0] == at and not sections:
                    if (
                        sum(word_count(passage.text[u.start : u.end]) for u in (*introduction[1], unit))
                        <= _INTRODUCTION
                    ):
                        introduction[1].append(unit)
                elif sections and sections[-1].unit is None:
                    sections[-1] = _Section(sections[-1].label, at, unit)
    if introduction is None:
        first = next((s for s in sections if s.unit is not None), None)
        introduction = (first.passage, [first.unit]) if first is not None and first.unit is not None else (0, [])
    return introduction, list({section.label: section for section in reversed(sections)}.values())[::-1]


def _tells(unit: Unit, said: str) -> bool:
    """Whether a unit is a sentence that says something by itself."""
    return (
        unit.kind is Kind.SENTENCE
        and not unit.question
        and not unit.leads
        and 4 <= word_count(said) <= _INTRODUCTION
        and sentences.ENDING.search(said) is not None
    )


def overview(records: Sequence[DocumentRecord], catalogue: Catalogue, language: str) -> tuple[list[Passage], Composer]:
    """(passages, answer) to "what is in here?": what the library says of itself, and its documents by folder."""
    welcome = next((record for record in sorted(records, key=_depth) if _WELCOME.search(record.name)), None)
    passages = passages_of(catalogue, welcome)[:3] if welcome is not None else []
    composer = Composer(passages[:1])
    composer.say(phrases.library(language, len(records)))
    if passages:
        introduction, _ = _read(passages[:1])
        for at, unit in enumerate(introduction[1]):
            composer.piece(unit, introduction[0], follows=at > 0)
    lines = [f"- {line}" for line in _groups(records)]
    if lines:
        composer.say("\n".join(lines))
    return passages[:1], composer


def says(passage: Passage, words: Sequence[str]) -> bool:
    """Whether a passage, its headings or its document's name hold all of these folded words, whatever their endings."""
    text = " ".join((passage.text, *passage.headings, passage.document.replace("_", " ").replace("-", " ")))
    held = {one for token in tokens(text, passage.language) for one in (token.folded, token.term)}
    return all(word in held or stem(word, passage.language) in held for word in words)


def mentions(
    topic: str, passages: Sequence[Passage], records: Sequence[DocumentRecord], language: str, *, more: bool
) -> Composer:
    """The documents that these passages, one of each, are from: each with its title, its path and where it mentions the
    topic. `more` says that there are others.
    """
    titles = {record.name: _titled(record) for record in records}
    composer = Composer(passages)
    composer.say(phrases.mentions(language, f"“{topic}”", len(passages), more=more))
    for at, passage in enumerate(passages):
        title = titles.get(passage.document, passage.document)
        where = passage.headings[-1] if passage.headings and passage.headings[-1] != title else ""
        name = f"{title} ({passage.document})" if title != passage.document else title
        composer.point(f"{name}: {where}" if where else name, at, first=at == 0)
    return composer


def _depth(record: DocumentRecord) -> tuple[int, str]:
    return record.name.count("/"), record.name


def _groups(records: Sequence[DocumentRecord]) -> list[str]:
    """The library's folders with the titles of their first documents."""
    folders = Counter(PurePosixPath(record.name).parent.as_posix() for record in records)
    if len(folders) <= 1:
        titles = [_titled(record) for record in records]
        left = len(titles) - 2 * _GROUPS
        return [*titles[: 2 * _GROUPS], *([f"… (+{left})"] if left > 0 else [])]
    lines: list[str] = []
    for folder, count in folders.most_common(_GROUPS):
        titles = [_titled(r) for r in records if PurePosixPath(r.name).parent.as_posix() == folder]
        more = f" … (+{count - _TITLES})" if count > _TITLES else ""
        lines.append(f"**{'/' if folder == '.' else folder}**: {'; '.join(titles[:_TITLES])}{more}")
    if len(folders) > _GROUPS:
        lines.append(f"… (+{len(folders) - _GROUPS})")
    return lines


def _titled(record: DocumentRecord) -> str:
    return " ".join((record.title or record.name).split())

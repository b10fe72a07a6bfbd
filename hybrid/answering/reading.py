"""What a question is answered from: one search, or one for each of its parts, or what is known of a document or of the
library.

Knows intents (`hybrid.answering.intents`) and who looks up what for each. Does not write and does not know the stages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from hybrid.answering import intents
from hybrid.answering.intents import Intent, Kind
from hybrid.runtimes.base import Part
from rag.grounding import outlines
from rag.grounding.outlines import Catalogue
from rag.principal import ANYBODY, Principal
from rag.retrieval import versions
from rag.retrieval.retriever import Catalogued, Expecting, Rereading, Retriever
from rag.text import framing, phrases
from rag.text.analyser import stop_terms, tokens
from rag.text.language import detect
from rag.types import CheckedAnswer, CheckedSentence, DocumentRecord, Passage, SearchResult, Support

_MOST_PASSAGES = 8
_ALONE = 3
_ASKED, _MAJORITY = 5, 3
"""Of the first so many passages about a topic, so many of one document say that it is the document meant; one fewer
where the first is among them and the search is sure.
"""
_SURE = 0.3
_LOOKED_THROUGH, _LISTED = 60, 12
"""Passages that are looked through for a word, and documents that are listed, at most."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`parts` are what a compound question asks, each with the places of its passages in `found`. `reply` is the answer
    where nothing has to be quoted for it; `settled` says that no model need write another. `topic` is what a question
    without a question is about. `chosen` names the current document and the older one that it was put before.
    """

    found: SearchResult
    parts: tuple[Part, ...] = ()
    reply: CheckedAnswer | None = None
    settled: bool = False
    topic: str = ""
    chosen: tuple[str, str] | None = None


def prepare() -> None:
    """Read the patterns that the first question would otherwise wait for."""
    framing.unframed("word")
    intents.recognise("word")
    intents.of_the_file("word")
    phrases.phrase(Kind.GREETING.value, "")


def read(
    retriever: Retriever,
    text: str,
    *,
    principal: Principal = ANYBODY,
    conversation: str,
    collections: Collection[str] | None = None,
    history: Sequence[tuple[str, str]],
    limit: int | None,
    minimum: float,
) -> Reading:
    """Find what `text` is to be answered from, among what `principal` may read. Blocks as a search does; `minimum` is
    the least confidence to answer.
    """
    reader = _Reader(retriever, principal, conversation, collections, history, limit, minimum)
    asked = framing.unframed(text)
    pieces = intents.parts(asked)
    if not history and isinstance(retriever, Expecting):
        for one in _searched(pieces) if len(pieces) > 1 else (text,):
            retriever.expect(one)
    intent = intents.recognise(text)
    if intent.kind is Kind.ASK and asked != text:
        intent = intents.recognise(asked)
    match intent.kind:
        case Kind.GREETING | Kind.THANKS | Kind.ABILITIES:
            return _said(phrases.phrase(intent.kind.value, intent.language), intent.language)
        case Kind.MENTIONS:
            listed = reader.mentions(intent)
            if listed is not None:
                return listed
        case Kind.LIBRARY | Kind.DOCUMENT:
            known = reader.known(intent, text)
            if known is not None:
                return known
        case Kind.VAGUE if not history:
            reading = reader.plain(text)
            found = reading.found
            if not (intent.language or detect(text)) and found.passages:  # one word: it is of where it stands
                found = replace(found, language=found.passages[0].language)
            return replace(reading, found=found, topic=intent.topic)
    if (file := reader.of_the_newest(text)) is not None:
        return file
    return reader.compound(text, pieces) if len(pieces) > 1 else reader.plain(text)


def _said(text: str, language: str) -> Reading:
    """An answer in Tandem's own words."""
    checked = CheckedAnswer(text, (CheckedSentence(text, 0, len(text), Support.NEUTRAL, 0.0),))
    return Reading(SearchResult((), "", 1.0, language), reply=checked, settled=True)


@dataclass(frozen=True, slots=True)
class _Reader:
    retriever: Retriever
    principal: Principal
    conversation: str
    collections: Collection[str] | None
    history: Sequence[tuple[str, str]]
    limit: int | None
    minimum: float

    def search(self, text: str) -> SearchResult:
        return self._begun(text)()

    def _begun(self, text: str) -> Callable[[], SearchResult]:
        """What is found for `text`, waited for until it was read."""
        found = self._search(text, self.history, self.limit)
        return self.retriever.readings.reread_later(found) if isinstance(self.retriever, Rereading) else lambda: found

    def _search(self, text: str, history: Sequence[tuple[str, str]], limit: int | None) -> SearchResult:
        return self.retriever.search(
            text,
            principal=self.principal,
            conversation=self.conversation,
            collections=self.collections,
            history=history,
            limit=limit,
        )

    def plain(self, text: str) -> Reading:
        """One search, with the current one of several versions first."""
        found = self.search(text)
        passages, chosen = versions.current_first(text, found.passages)
        return Reading(replace(found, passages=passages), chosen=chosen)

    def of_the_newest(self, text: str) -> Reading | None:
        """What the newest file of the conversation has to a question about "this file"; None where it asks of none, or
        where nothing in it answers."""
        asked = intents.of_the_file(text)
        if asked is None or not self.conversation or not isinstance(self.retriever, Catalogued):
            return None
        attached = self.retriever.seen_by(self.principal, self.conversation, self.collections).attached()
        if not attached:
            return None
        newest = max(attached, key=lambda one: one.modified)
        found = self.retriever.search(
            asked,
            principal=self.principal,
            conversation=self.conversation,
            collections=self.collections,
            limit=self.limit,
            documents=(newest.name,),
        )
        return Reading(found) if found.passages and found.confidence >= self.minimum else None

    def mentions(self, intent: Intent) -> Reading | None:
        """The documents that mention a topic; None where none of what is found says all of its words."""
        if not isinstance(self.retriever, Catalogued) or not (wanted := _content(intent.topic)):
            return None
        catalogue = self.retriever.seen_by(self.principal, self.conversation, self.collections)
        found = self._search(intent.topic, (), _LOOKED_THROUGH)
        holding: dict[str, Passage] = {}
        for passage in found.passages:
            if outlines.says(passage, wanted):
                holding.setdefault(passage.document, passage)
        if not holding:
            return None
        full = len(found.passages) >= _LOOKED_THROUGH and outlines.says(found.passages[-1], wanted)
        kept = list(holding.values())[:_LISTED]
        composer = outlines.mentions(
            intent.topic, kept, catalogue.documents(), intent.language, more=full or len(holding) > len(kept)
        )
        return Reading(
            SearchResult(tuple(kept), intent.topic, 1.0, intent.language), reply=composer.checked(), settled=True
        )

    def known(self, intent: Intent, text: str) -> Reading | None:
        """What is known of the library or of the document that is meant; None where none is."""
        if not isinstance(self.retriever, Catalogued):
            return None
        catalogue = self.retriever.seen_by(self.principal, self.conversation, self.collections)
        records, attached = catalogue.documents(), catalogue.attached()
        language = intent.language or detect(text)
        if intent.kind is Kind.LIBRARY:
            if attached:
                return self._outlined(catalogue, max(attached, key=lambda one: one.modified), language)
            passages, composer = outlines.overview(records, catalogue, language)
            found = SearchResult(tuple(passages), text, 1.0, language)
            return Reading(found, reply=composer.checked(), settled=True)
        if not intent.topic:
            return self._at_hand(catalogue, attached, records, language)
        every = [*attached, *records]
        words = intents.topic_words(intent.topic)
        record = outlines.named(words, every) or self._about(" ".join(words), every)
        return self._outlined(catalogue, record, language) if record is not None else None

    def _about(self, topic: str, records: Sequence[DocumentRecord]) -> DocumentRecord | None:
        """The document that a topic is about, where none is called by its words; None where several or none are."""
        found = self._search(topic, self.history, self.limit)
        counts = Counter(passage.document for passage in found.passages[:_ASKED])
        name, count = next(iter(counts.most_common(1)), ("", 0))
        sure = found.confidence >= _SURE and count and found.passages[0].document == name
        if count < _MAJORITY - bool(sure):
            return None
        return next((one for one in records if one.name == name), None)

    def _at_hand(
        self, catalogue: Catalogue, attached: Sequence[DocumentRecord], records: Sequence[DocumentRecord], language: str
    ) -> Reading | None:
        """The document of "this file": the newest that was dropped into the conversation, else the one that the
        conversation was last answered from, else the only one there is.
        """
        if attached:
            return self._outlined(catalogue, max(attached, key=lambda one: one.modified), language)
        if len(records) == 1:
            return self._outlined(catalogue, records[0], language)
        if not self.history:
            return None
        last = self._search(self.history[-1][0], self.history[:-1], None)
        names = [passage.document for passage in last.passages[:1]]
        record = next((one for one in records if one.name in names), None)
        return self._outlined(catalogue, record, language) if record is not None else None

    def _outlined(self, catalogue: Catalogue, record: DocumentRecord, language: str) -> Reading | None:
        passages = outlines.passages_of(catalogue, record)
        if not passages:
            return None
        kept, composer = outlines.outline(record, passages, language)
        found = SearchResult(tuple(kept), record.title or record.name, 1.0, language or record.language)
        return Reading(found, reply=composer.checked())

    def compound(self, text: str, pieces: Sequence[str]) -> Reading:
        """Each part by itself: what was found for one is read while the next is searched."""
        passages: list[Passage] = []
        places: dict[str, int] = {}
        parts: list[Part] = []
        results: list[SearchResult] = []
        begun = [self._begun(asked) for asked in _searched(pieces)]
        for piece, read in zip(pieces, begun, strict=True):
            found = read()
            results.append(found)
            share = max(2, _MOST_PASSAGES // len(pieces))
            for passage in found.passages[:share]:
                if passage.id not in places:
                    places[passage.id] = len(passages)
                    passages.append(passage)
            own = tuple(places[passage.id] for passage in found.passages[:share])
            parts.append(Part(piece, found.query, own, bool(own) and found.confidence >= self.minimum))
        answerable = any(part.answerable for part in parts)
        whole = self._search(text, self.history, 0 if answerable else self.limit)
        if not answerable and whole.confidence >= self.minimum:
            return Reading(whole)
        found = replace(
            whole,
            passages=tuple(passages),
            confidence=max(result.confidence for result in results),
            likes={word: like for result in results for word, like in result.likes.items()},
            corrections=tuple(dict.fromkeys(pair for result in results for pair in result.corrections)),
        )
        return Reading(found, parts=tuple(parts))


def _searched(pieces: Sequence[str]) -> list[str]:
    """What is searched for each part of a question: one that says little by itself leans on the part before it."""
    alone = [at == 0 or len(_content(piece)) >= _ALONE for at, piece in enumerate(pieces)]
    return [piece if alone[at] else f"{piece} {pieces[at - 1]}" for at, piece in enumerate(pieces)]


def _content(text: str) -> list[str]:
    language = detect(text)
    stop = stop_terms(language or "en")
    return [token.folded for token in tokens(text, language) if token.folded not in stop]

"""The runtime that needs no model: it answers with the stretches of the passages that answer best, each cited.

Knows how quotes become an answer, and what is said beside them: that a part has no answer, that it is not sure, what
may help besides, that a document is in another language. Does not know any model, and writes no other sentence of its
own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence, Set
from dataclasses import replace
from itertools import chain

import regex

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState, Part, Phase, Usage
from rag.grounding import extractive
from rag.grounding.quoting import Composer, label
from rag.grounding.spans import Span, unrepeated
from rag.text import phrases
from rag.text.analyser import casefold, stop_terms, tokens
from rag.types import CheckedAnswer, Passage

NAME = "extractive"
MAX_WORDS, VAGUE_WORDS = 115, 45
_TOPICS = 5


class Extractive:
    """Quotes. Ready on any machine, within milliseconds; says that the documents hold no answer where that is so."""

    name = NAME

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """The answer block by block, the best first; the last chunk has it checked: it is quoted from its sources."""
        yield Chunk(phase=Phase.SEND)
        checked = request.reply if request.reply is not None else await asyncio.to_thread(compose, request)
        for block in regex.split(r"(?<=\n\n)", checked.text):
            yield Chunk(text=block)
        yield Chunk(finish_reason="stop", usage=Usage(0, 0), checked=checked)

    async def models(self) -> list[ModelInfo]:
        return [ModelInfo(NAME, NAME, NAME, ModelState.READY, note="Quotes the documents; needs no model.")]

    async def load(self, model: str) -> None:
        """Always loaded."""

    async def unload(self, model: str) -> None:
        raise ModelError("The extractive runtime has nothing to unload.", kind="unavailable")

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        raise ModelError("The extractive runtime needs no download.", kind="unavailable")

    async def close(self) -> None:
        """Nothing is held."""


def compose(request: ChatRequest) -> CheckedAnswer:
    """The quotes that answer, or the refusal where no passage says anything."""
    composer = Composer(request.passages, request.language)
    if request.answerable and request.parts:
        _parts(composer, request)
    elif request.answerable:
        words = VAGUE_WORDS if request.topic else MAX_WORDS
        found = extractive.quoted(
            request.question,
            request.passages,
            max_words=words,
            own=request.typed,
            likes=request.likes,
            sure=request.confidence >= request.sure,
            confidence=request.confidence,
            read=None if request.topic else request.read,
        )
        doubted = bool(found.spans) and _in_doubt(request, found)
        if doubted:
            composer.doubt(phrases.phrase("unsure", request.language))
        _quote(composer, found.spans, request)
        if found.spans and request.topic:
            _ask_back(composer, request)
        elif found.further:
            composer.say(phrases.phrase("further", request.language))
            for span in found.further:
                if not doubted or span.passage == found.further[0].passage:  # no more than one guess beside another
                    composer.quote(span)
    if not composer.blocks:
        composer.say(phrases.refusal(request.language, request.passages[:3]))
    return composer.checked()


def _in_doubt(request: ChatRequest, found: extractive.Quoted) -> bool:
    """Whether what is quoted may not answer the question: of a topic, where nothing is asked, the search says it."""
    return (request.confidence if request.topic else found.holds) < request.sure


def _quote(composer: Composer, spans: Sequence[Span], request: ChatRequest) -> None:
    """Quote, and name the language of the documents where it is another than the question's."""
    spoken = {request.passages[span.passage].language for span in spans}
    if len(spoken) == 1 and request.language and (other := spoken.pop()) and other != request.language:
        passages = [request.passages[span.passage] for span in spans]
        if not _shares_words(request, passages):
            composer.say(phrases.foreign(request.language, other))
    for span in spans:
        composer.quote(span)


def _shares_words(request: ChatRequest, passages: Sequence[Passage]) -> bool:
    """Whether the passages hold two fifths of the question's words: then they are in its language, whatever was told
    from so few of them.
    """
    stop = stop_terms(request.language)
    wanted = {token.folded for token in tokens(request.question, request.language)} - stop
    held = {token.folded for passage in passages for token in tokens(passage.text, request.language)}
    return len(wanted & held) * 5 >= len(wanted) * 2


def _parts(composer: Composer, request: ChatRequest) -> None:
    """Part by part: what is answered first, then what is not; with doubt where no part is surely answered. Of a part
    that the search is not sure of, what is quoted stands in the documents that answer another or were found for it too.
    """
    every = frozenset(passage.document for passage in request.passages)
    answered = [_of_part(part, request, every if part.answerable else frozenset()) for part in request.parts]
    near = {request.passages[span.passage].document for found in answered for span in found.spans}
    of = [{request.passages[at].document for at in part.places if at < len(request.passages)} for part in request.parts]
    near |= {document for document, count in Counter(chain(*of)).items() if count > 1}
    for at, part in enumerate(request.parts):
        if not part.answerable:
            answered[at] = _of_part(part, request, near)
    told = [(part, found) for part, found in zip(request.parts, answered, strict=True) if found.spans]
    if told and all(found.holds < request.sure for part, found in told if part.answerable):
        composer.doubt(phrases.phrase("unsure", request.language))
    spans = unrepeated(request.passages, [span for _, found in told for span in found.spans])
    first: dict[int, int] = {}
    for at, span in enumerate(spans):
        first.setdefault(span.passage, at)
    for span in sorted(spans, key=lambda one: (first[one.passage], one.units[0].start)):  # in the passage's order
        composer.quote(span)
    for part, found in zip(request.parts, answered, strict=True):
        if composer.blocks and not found.spans:
            composer.say(phrases.phrase("part", request.language, question=part.question))


def _of_part(part: Part, request: ChatRequest, documents: Set[str]) -> extractive.Quoted:
    """What is quoted for one part of a question, of what was found for it in these documents; the spans' passages are
    the request's.
    """
    places = [at for at in part.places if at < len(request.passages) and request.passages[at].document in documents]
    found = extractive.quoted(
        part.searched,
        [request.passages[place] for place in places],
        max_words=max(VAGUE_WORDS, MAX_WORDS // max(1, len(request.parts))),
        own=part.question,
        likes=request.likes,
        confidence=request.confidence,
    )
    return replace(found, spans=tuple(replace(span, passage=places[span.passage]) for span in found.spans))


def _ask_back(composer: Composer, request: ChatRequest) -> None:
    """What else there is on a topic, and the question which of it is meant: each by the title that people know it by,
    with its document's where that is another's too.
    """
    places: dict[str, tuple[str, int]] = {}
    documents: dict[str, str] = {}
    for at, passage in enumerate(request.passages):
        said = label(passage) or passage.document
        if documents.setdefault(casefold(said), passage.document) != passage.document:
            said = label(passage, whole=True) or passage.document
        places.setdefault(casefold(said), (said, at))
    composer.say(phrases.phrase("which", request.language, topic=request.topic))
    for number, (said, at) in enumerate(list(places.values())[:_TOPICS]):
        composer.point(said, at, first=number == 0)

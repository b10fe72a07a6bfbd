"""The routes of the viewer: a document at a passage or from its beginning, its pages as pictures, the file itself.

Knows addresses, and what is shown of which document. Does not know how a page is drawn, laid out or written. Nothing
in an address is a path: documents and passages go by their ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from rag import labels
from rag.errors import DocumentError, LibraryError
from rag.originals import finding
from rag.originals.finding import Original, State
from rag.originals.pictures import Picture, Quoted
from rag.types import Passage
from tandem.context import AppContext
from tandem.texts import Language, language_for, problem, say
from tandem.viewer import citations, layout, page, traces
from tandem.viewer.access import holder, may_see, person
from tandem.viewer.citations import Cited
from tandem.viewer.page import Shown, Step
from tandem.viewer.pictures import Pictures

STATIC = Path(__file__).with_name("static")
FILES = {"viewer.css": "text/css", "viewer.js": "text/javascript"}
_MOST_QUOTE = 2_000
_MOST_QUOTES = 60
_BEFORE = 200


class Refused(Exception):
    """A request that gets a page with this sentence instead of what it asks for."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Route(APIRoute):
    """A route that answers failures with a page, and whose every response has the viewer's headers."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            language = language_of(request)
            try:
                response = await handler(request)
            except Refused as refused:
                response = HTMLResponse(page.message(language, str(refused)), refused.status)
            except LibraryError as error:
                response = HTMLResponse(page.message(language, problem(error, language)), 503)
            for name, value in page.HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle


viewer = APIRouter(prefix="/source", route_class=_Route)


@dataclass(frozen=True, slots=True)
class Asked:
    """A document that `who` may see, and how it is asked for. `marks` are places in its text; `at` is the place among
    the answer's citations `of`, -1 where it is none of them."""

    context: AppContext
    who: str
    language: Language
    original: Original
    passage: Passage | None = None
    of: tuple[Cited, ...] = ()
    at: int = -1

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """What is marked, in the passage's text."""
        if self.passage is None:
            return ()
        size = len(self.passage.text)
        cited = self.of[self.at].spans if self.at >= 0 else ()
        return tuple((start, min(end, size)) for start, end in cited if start < size) or ((0, size),)

    @property
    def marks(self) -> list[tuple[int, int]]:
        """What is marked, in the document's text."""
        begin = self.passage.start if self.passage is not None else 0
        return [(begin + start, begin + end) for start, end in self.spans]

    def here(self, **more: object) -> str:
        """The address of this document, at another page or part."""
        if self.passage is not None:
            return _address(citations.link(self.passage.id, ""), self.of, self.language, **more)
        return _address(f"/source/document/{self.original.document.id}", (), self.language, **more)

    def file(self, name: str) -> str:
        """The address of something of this document."""
        return f"/source/document/{self.original.document.id}/{name}?lang={self.language}"


@viewer.get("/static/{name}")
async def static(name: str) -> Response:
    if name not in FILES:
        raise Refused(404, "There is no such file.")
    return FileResponse(STATIC / name, media_type=FILES[name], headers={"cache-control": "no-cache"})


@viewer.get("/passage/{identity}")
async def passage(request: Request, identity: str) -> Response:
    """The document of a passage, where the passage stands."""
    context, language = _context(request), language_of(request)
    who = await _somebody(request)
    found = await asyncio.to_thread(_passage, context, who, identity, language)
    of = citations.read(request.query_params.get("of", ""))
    if found is None:
        trace = request.query_params.get("as", "")
        renewed = await asyncio.to_thread(_renewed, context, who, Cited(identity, trace=trace), of, language)
        if renewed is None:
            raise Refused(404, say("viewer_no_passage", language))
        return RedirectResponse(renewed, 307)
    one, original = found
    at = next((number for number, cited in enumerate(of) if cited.passage == one.id), -1)
    return await _shown(request, Asked(context, who, language, original, one, of, at))


@viewer.get("/document/{identity}")
async def document(request: Request, identity: str) -> Response:
    """A document from its beginning."""
    context, language = _context(request), language_of(request)
    who = await _somebody(request)
    original = await asyncio.to_thread(_original, context, who, identity, language)
    return await _shown(request, Asked(context, who, language, original))


@viewer.get("/document/{identity}/page/{number}")
async def drawn(request: Request, identity: str, number: str) -> Response:
    """A page of a PDF, as a picture."""
    context, language = _context(request), language_of(request)
    original = await asyncio.to_thread(_original, context, await _somebody(request), identity, language)
    if not _is_drawn(original) or original.path is None or not _number(number):
        raise Refused(404, say("viewer_no_document", language))
    try:
        picture = await _pictures(request).page(original.path, _number(number))
    except DocumentError as error:
        raise Refused(404, problem(error, language)) from error
    return Response(picture.png, media_type="image/png")


@viewer.get("/document/{identity}/original")
async def download(request: Request, identity: str) -> Response:
    """The file itself, to be kept and not to be shown."""
    context, language = _context(request), language_of(request)
    original = await asyncio.to_thread(_original, context, await _somebody(request), identity, language)
    if original.path is None:
        raise Refused(404, say(f"viewer_{original.state}", language))
    headers = {"content-security-policy": "sandbox; default-src 'none'"}
    name = original.document.name.rsplit("/", 1)[-1]
    return FileResponse(original.path, media_type="application/octet-stream", filename=name, headers=headers)


@viewer.get("/{path:path}", include_in_schema=False)
async def nothing(request: Request, path: str) -> Response:
    raise Refused(404, say("viewer_no_document", language_of(request)))


def language_of(request: Request) -> Language:
    """The language of the address, else of the settings, else of the browser."""
    asked = request.query_params.get("lang", "")
    chosen = asked if asked in ("en", "tr") else ""
    spoken = request.headers.get("accept-language", "")
    return language_for(chosen, _context(request).settings.display.language, spoken)


def _context(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


def _pictures(request: Request) -> Pictures:
    """The pictures of this application."""
    state = request.app.state
    if not hasattr(state, "pictures"):
        state.pictures = Pictures()
    pictures: Pictures = state.pictures
    return pictures


async def _somebody(request: Request) -> str:
    context = _context(request)
    who = person(context, request) or await holder(context, request)
    if who is None:
        raise Refused(401, say("viewer_sign_in", language_of(request)))
    return who


def _passage(context: AppContext, who: str, identity: str, language: Language) -> tuple[Passage, Original] | None:
    """A passage and its document's original, None where it is gone or not to be seen. Raises Refused."""
    document = finding.document_of(context.library, identity) if citations.is_id(identity) else None
    if document is None:
        return None
    original = _found(context, who, document)
    if original is None:
        return None
    shelf = context.library.seen_by(context.rights.principal(who), labels.thread_of(original.document.labels))
    one = shelf.passage(identity)
    return (one, original) if one is not None else None


def _renewed(context: AppContext, who: str, gone: Cited, of: Sequence[Cited], language: Language) -> str | None:
    """Where a passage that is gone is found in the document as it was read again: the address of its new passage, or
    else of the document; None where nobody may see such a document."""
    trace = next((one.trace for one in of if one.passage == gone.passage and one.trace), gone.trace)
    if not traces.is_trace(trace):
        return None
    principal = context.rights.principal(who)
    for document in traces.documents(trace, context.library.store.documents()):
        if _found(context, who, document.id) is None:
            continue
        shelf = context.library.seen_by(principal, labels.thread_of(document.labels))
        place = traces.place(trace, shelf.text(document.id))
        if place is None:
            return _address(f"/source/document/{document.id}", (), language)
        for _, one in context.library.store.passages_of(int(document.id)):
            if one.start <= place[0] < one.end:
                span = (place[0] - one.start, min(place[1], one.end) - one.start)
                new = Cited(one.id, (span,), trace)
                kept = tuple(new if cited.passage == gone.passage else cited for cited in of)
                return _address(citations.link(one.id, ""), kept if new in kept else (new,), language)
    return None


def _original(context: AppContext, who: str, identity: str, language: Language) -> Original:
    """Raises Refused, with the same sentence for what is not there and for what is somebody else's."""
    found = _found(context, who, identity)
    if found is None:
        raise Refused(404, say("viewer_no_document", language))
    return found


def _found(context: AppContext, who: str, identity: str) -> Original | None:
    if not citations.is_id(identity):
        return None
    found = finding.find(context.library, identity, context.settings.documents)
    return found if found is not None and may_see(context, who, found.document) else None


def _is_drawn(original: Original) -> bool:
    return original.document.kind == "pdf" and original.state is State.SAME


def _number(value: str) -> int:
    """A number from 1, 0 for anything else."""
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= 6 else 0


def _address(path: str, of: Sequence[Cited], language: Language, **more: object) -> str:
    values = {"of": citations.written(of), "lang": language, **more}
    return f"{path}?{urlencode({name: value for name, value in values.items() if value}, safe=',~')}"


async def _shown(request: Request, asked: Asked) -> Response:
    as_text = request.query_params.get("view") == "text"
    notes: list[str] = []
    if asked.original.state in (State.CHANGED, State.GONE):
        notes.append(say(f"viewer_{asked.original.state}", asked.language))
    if _is_drawn(asked.original) and not as_text:
        try:
            return HTMLResponse(page.html(await _as_pages(request, asked)))
        except DocumentError as error:
            notes.append(problem(error, asked.language))
    number = _number(request.query_params.get("part", ""))
    return HTMLResponse(await asyncio.to_thread(_as_text, asked, number, notes))


async def _as_pages(request: Request, asked: Asked) -> Shown:
    """A PDF at one of its pages. Raises DocumentError where the page cannot be drawn."""
    original, language, one = asked.original, asked.language, asked.passage
    assert original.path is not None
    cited_on = (one.page or 1) if one is not None else 0
    count = max(1, original.document.pages)
    number = min(_number(request.query_params.get("page", "")) or cited_on or 1, count)
    quotes = _quotes(one, asked.spans) if one is not None and number == cited_on else ()
    picture = await _pictures(request).page(original.path, number, quotes)
    step = _numbered("page", number, count, lambda n: asked.here(page=n))
    return Shown(
        name=original.document.name,
        language=language,
        steps=(*_cited(asked), step),
        body=page.picture(picture, asked.file(f"page/{number}"), language, step),
        download=asked.file("original"),
        other=(say("viewer_as_text", language), asked.here(view="text") + "#sentence"),
        notes=_not_marked(quotes, picture, one, language),
        quotes=[quote.text for quote in quotes] if quotes and not picture.boxes else (),
    )


def _quotes(one: Passage, spans: Sequence[tuple[int, int]]) -> tuple[Quoted, ...]:
    """What is looked for on the page, line by line: a page may have other things between two lines of a text."""
    lines = (
        Quoted.of(one.text[begin : min(stop, begin + _MOST_QUOTE)], one.text[max(0, begin - _BEFORE) : begin])
        for start, end in spans
        for begin, stop in layout.lines(one.text, start, end)
    )
    return tuple(islice(lines, _MOST_QUOTES))


def _not_marked(quotes: Sequence[Quoted], picture: Picture, one: Passage | None, language: Language) -> list[str]:
    if not quotes or picture.boxes or one is None:
        return []
    return [say("viewer_picture" if one.picture is not None else "viewer_not_found", language)]


def _as_text(asked: Asked, number: int, notes: Sequence[str]) -> str:
    """A document's text, as it was read."""
    original, language, one = asked.original, asked.language, asked.passage
    shelf = asked.context.library.seen_by(
        asked.context.rights.principal(asked.who), labels.thread_of(original.document.labels)
    )
    text = shelf.text(original.document.id)
    places = finding.places(asked.context.library, original.document.id)
    parts = layout.parts(len(text), places)
    begin = one.start if one is not None else 0
    cited_in = next((n for n, (start, end) in enumerate(parts, 1) if start <= begin < end), 1)
    number = min(number or cited_in, len(parts))
    steps = list(_cited(asked))
    if len(parts) > 1:
        steps.append(_numbered("part", number, len(parts), lambda n: asked.here(view="text", part=n)))
    other = (say("viewer_as_pages", language), asked.here() + "#sentence") if _is_drawn(original) else ("", "")
    shown = Shown(
        name=original.document.name,
        language=language,
        steps=steps,
        body=layout.html(text, parts[number - 1], layout.headings(text, places), asked.marks),
        download=asked.file("original") if original.path is not None else "",
        other=other,
        notes=notes,
        spoken=original.document.language,
    )
    return page.html(shown)


def _numbered(kind: str, number: int, count: int, address: Callable[[int], str]) -> Step:
    before = address(number - 1) if number > 1 else ""
    return Step(kind, number, count, before, address(number + 1) if number < count else "")


def _cited(asked: Asked) -> Sequence[Step]:
    """The way from citation to citation, where there are several."""
    if asked.at < 0 or len(asked.of) < 2:
        return ()

    def address(number: int) -> str:
        path = citations.link(asked.of[number - 1].passage, "")
        return _address(path, asked.of, asked.language) + "#sentence"

    return (_numbered("citation", asked.at + 1, len(asked.of), address),)

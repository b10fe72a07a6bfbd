"""Briefings from this installation's documents, as Markdown, DOCX and PDF.

Knows what a source's name may mean (a document, a folder, a search) and the formats. Does not know how a section is
written.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hybrid.answering.briefs import Brief
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from rag.errors import UserFacingError
from rag.seen import Seen
from rag.text.analyser import casefold
from rag.types import Passage
from tandem.markdown import neutral_line
from tandem.pdf_file import PdfFile
from tandem.texts import Language, date, say, word
from tandem.word_file import WordFile

SEARCHED = 18
AUTHOR = "Tandem"
"""Who wrote it, where nobody signs in."""


class NothingFoundError(UserFacingError):
    """No document, no folder and no search result goes by that name."""


def passages_of(shelf: Seen, source: str) -> tuple[str, list[Passage]]:
    """(title, passages in reading order) of the document or the folder of that name or at the end of that path, else of
    a search for it; files dropped into the conversation count. Raises NothingFoundError.
    """
    documents = [*shelf.documents(), *shelf.attached()]
    wanted = casefold(source.strip().replace("\\", "/").removeprefix("./").strip("/"))
    named = [d for d in documents if wanted in (casefold(d.name), casefold(d.title))]
    named = named or [d for d in documents if wanted.endswith(f"/{casefold(d.name)}")]
    ends = [wanted.split("/", depth)[-1] for depth in range(wanted.count("/") + 1)] if wanted else []
    folders = ([d for d in documents if casefold(d.name).startswith(f"{end}/")] for end in ends)
    inside = named or next(filter(None, folders), [])
    if inside:
        ids = [passage_id for document in inside for passage_id in shelf.passage_ids(document.id)]
        found = [passage for one in ids if (passage := shelf.passage(one)) is not None]
        return (named[0].title or named[0].name if named else source), found
    result = shelf.search(source, limit=SEARCHED)
    if not result.passages:
        raise NothingFoundError(f"Nothing is called {source!r} and a search for it finds nothing; try other words.")
    ordered = sorted(result.passages, key=lambda p: (p.document, p.start))
    rank = {p.document: place for place, p in reversed(list(enumerate(result.passages)))}
    return source, sorted(ordered, key=lambda p: rank[p.document])


def markdown(brief: Brief, *, sources: str = "Sources", page: str = "page") -> str:
    """The briefing as Markdown: text from models and documents is data, so nothing in it is fetched or followed.
    `sources` and `page` are the words for them.
    """
    lines = [f"# {neutral_line(brief.title)}", ""]
    for section in brief.sections:
        lines += [f"## {neutral_line(section.heading)}", ""]
        for claim in section.claims:
            marks = "".join(f"[{number}]" for number in claim.sources)
            lines.append(f"- {neutral_line(claim.text)} {marks}")
        lines.append("")
    lines += [f"## {sources}", ""]
    lines += [f"{number}. {neutral_line(place(passage, page))}" for number, passage in enumerate(brief.sources, 1)]
    return "\n".join(lines) + "\n"


def docx(brief: Brief, *, author: str, moment: datetime, language: Language) -> bytes:
    """The briefing as a Word file whose sources are footnotes: `author` asked for it at that `moment`."""
    return _filled(WordFile, brief, author, moment, language)


def pdf(brief: Brief, *, author: str, moment: datetime, language: Language) -> bytes:
    """The same as a PDF."""
    return _filled(PdfFile, brief, author, moment, language)


FORMATS: dict[str, Callable[..., bytes]] = {"docx": docx, "pdf": pdf}
"""By the ending of the file's name: what writes it, footnotes included."""


def _filled(kind: type[WordFile | PdfFile], brief: Brief, author: str, moment: datetime, language: Language) -> bytes:
    page = say("page", language)
    models = ", ".join(dict.fromkeys(section.model for section in brief.sections if section.model != EXTRACTIVE))
    by = say("answered_by", language, model=models) if models else ""
    file = kind(
        brief.title,
        author=author,
        moment=moment,
        locale=word("locale", language, "about"),
        under=" · ".join(part for part in (author, date(moment, language), by) if part),
    )
    notes = {number: place(passage, page) for number, passage in enumerate(brief.sources, 1)}
    for section in brief.sections:
        file.heading(section.heading)
        for claim in section.claims:
            file.line(claim.text + "".join(f"[{number}]" for number in claim.sources), "List Bullet", notes)
    file.heading(say("sources", language))
    for document in dict.fromkeys(passage.document for passage in brief.sources):
        file.line(document, "List Bullet")
    return file.content()


def place(passage: Passage, page: str) -> str:
    """Where a source stands, in words."""
    where = f", {page} {passage.page}" if passage.page is not None else ""
    heading = f": {' > '.join(passage.headings)}" if passage.headings else ""
    return f"{passage.document}{where}{heading}"

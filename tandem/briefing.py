"""Briefings from this installation's documents, as Markdown and as DOCX.

Knows what a source's name may mean (a document, a folder, a search) and the two formats. Does not know how a section is
written.
"""

from __future__ import annotations

from io import BytesIO

from docx import Document

from hybrid.answering.briefs import Brief
from rag.errors import UserFacingError
from rag.seen import Seen
from rag.text.analyser import casefold
from rag.types import Passage
from tandem.markdown import neutral_line

SEARCHED = 18


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


def docx(brief: Brief, *, sources: str = "Sources", page: str = "page") -> bytes:
    """The briefing as a Word file; see `markdown`."""
    document = Document()
    document.core_properties.title = _printable(brief.title)
    document.add_heading(_printable(brief.title), 0)
    for section in brief.sections:
        document.add_heading(_printable(section.heading), 1)
        for claim in section.claims:
            paragraph = document.add_paragraph(_printable(claim.text) + " ", style="List Bullet")
            paragraph.add_run("".join(f"[{number}]" for number in claim.sources)).font.superscript = True
    document.add_heading(sources, 1)
    for number, passage in enumerate(brief.sources, 1):
        document.add_paragraph(_printable(f"[{number}] {place(passage, page)}"))
    held = BytesIO()
    document.save(held)
    return held.getvalue()


def place(passage: Passage, page: str) -> str:
    """Where a source stands, in words."""
    where = f", {page} {passage.page}" if passage.page is not None else ""
    heading = f": {' > '.join(passage.headings)}" if passage.headings else ""
    return f"{passage.document}{where}{heading}"


def _printable(text: str) -> str:
    """Without the control characters that XML does not allow."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())

"""A conversation as a file: Markdown, DOCX, PDF and JSON, each with its sources.

Knows the formats. Does not know how a conversation is kept.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from tandem.conversations.transcript import Source, Transcript, Turn
from tandem.markdown import neutral_line
from tandem.pdf_file import PdfFile
from tandem.texts import Language, date, say, word
from tandem.word_file import WordFile

FORMAT = 1
_NAME_CHARS = 60


def markdown(kept: Transcript, owner: str, language: Language) -> bytes:
    """Headings for what was asked, the answers as they were shown, and under each its sources. All of it is harmless:
    nothing in it is fetched or followed."""
    lines = [f"# {neutral_line(kept.name)}", "", _under(kept, owner, language), ""]
    for turn in kept.turns:
        said = turn.text or neutral_line(_files(turn, language))
        lines += [f"## {neutral_line(said)}" if turn.role == "person" else said, ""]
        if turn.sources:
            lines += [f"**{say('sources', language)}**", ""]
            for source in turn.sources:
                quote = f" — “{source.quote}”" if source.quote else ""
                lines.append(f"- [{source.number}] {neutral_line(place(source, language) + quote)}")
            lines.append("")
        if turn.model:
            lines += [f"*{neutral_line(say('answered_by', language, model=turn.model))}*", ""]
    return "\n".join(lines).encode()


def docx(kept: Transcript, owner: str, language: Language) -> bytes:
    """The same as a Word file, in which the sources are footnotes."""
    return _filled(WordFile, kept, owner, language)


def pdf(kept: Transcript, owner: str, language: Language) -> bytes:
    """The same as a PDF, in which the sources are footnotes."""
    return _filled(PdfFile, kept, owner, language)


def _filled(kind: type[WordFile | PdfFile], kept: Transcript, owner: str, language: Language) -> bytes:
    begun = _moment(kept.begun) or datetime.now(UTC)
    file = kind(
        kept.name, author=owner or "Tandem", moment=begun, locale=word("locale", language, "about"),
        under=_under(kept, owner, language),
    )  # fmt: skip
    for turn in kept.turns:
        if turn.files:
            file.line(_files(turn, language))
        elif turn.role == "person":
            file.heading(turn.text)
        else:
            notes = {source.number: _note(source, language) for source in turn.sources}
            file.markdown(turn.text, notes, below=1)
        if turn.model:
            file.line(say("answered_by", language, model=turn.model), "Caption")
    return file.content()


def as_json(kept: Transcript, owner: str, language: Language) -> bytes:
    """All that is known of it, for programs."""
    about = {"format": FORMAT, "program": "tandem", "owner": owner, **asdict(kept)}
    return json.dumps(about, ensure_ascii=False, indent=1).encode()


FORMATS: dict[str, tuple[str, Callable[[Transcript, str, Language], bytes]]] = {
    "md": ("text/markdown; charset=utf-8", markdown),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", docx),
    "pdf": ("application/pdf", pdf),
    "json": ("application/json", as_json),
}
"""By the ending of the file's name: its media type, and what writes it."""


def file_name(kept: Transcript, ending: str, language: Language) -> str:
    """What the file is called: never a path."""
    name = unicodedata.normalize("NFC", kept.name)
    # Marks are part of the letters before them: in Hindi or Thai a name without its vowels is another word.
    kinds = ((sign, unicodedata.category(sign)[0]) for sign in name)
    safe = "".join(sign if kind in "LNM" or sign in " -_" else " " for sign, kind in kinds)
    return f"{' '.join(safe.split())[:_NAME_CHARS].strip() or say('conversation', language)}.{ending}"


def place(source: Source, language: Language) -> str:
    """Where a source stands, in words."""
    where = f", {say('page', language)} {source.page}" if source.page is not None else ""
    return f"{source.document}{where}" + (f": {' > '.join(source.headings)}" if source.headings else "")


def _note(source: Source, language: Language) -> str:
    return f"{place(source, language)}. “{source.quote}”" if source.quote else place(source, language)


def _under(kept: Transcript, owner: str, language: Language) -> str:
    begun = _moment(kept.begun)
    whose = say("exported_from", language, name=owner) if owner else say("exported_alone", language)
    parts = [whose, date(begun, language) if begun else "", ", ".join(kept.tags)]
    return " · ".join(part for part in parts if part)


def _files(turn: Turn, language: Language) -> str:
    return f"{say('files', language)} {', '.join(turn.files)}"


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)

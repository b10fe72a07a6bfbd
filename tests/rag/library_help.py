"""Small libraries for tests, made of texts rather than files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rag.formats.extracted import Extracted
from rag.formats.markdown import read_markdown
from rag.ingest.chunking import cut
from rag.ingest.document_builder import analysed_document
from rag.library import Library
from rag.settings import RetrievalSettings
from rag.storage.records import NewDocument


def library_of(directory: Path, texts: Mapping[str, str], settings: RetrievalSettings | None = None) -> Library:
    """A library whose documents are these Markdown texts, by name."""
    settings = settings or RetrievalSettings()
    library = Library.open(directory, settings, write=True)
    library.add(documents_of(texts, settings))
    return library


def documents_of(texts: Mapping[str, str], settings: RetrievalSettings | None = None) -> list[NewDocument]:
    """These Markdown texts, by name, as documents about to be stored."""
    size = (settings or RetrievalSettings()).passage_chars
    extracted: dict[str, Extracted] = {name: read_markdown(text.encode("utf-8")) for name, text in texts.items()}
    return [
        analysed_document(one, cut(one, size), name=name, kind="md", modified=1_700_000_000.0)
        for name, one in extracted.items()
    ]

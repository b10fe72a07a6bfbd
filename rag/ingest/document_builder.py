"""Builds a document as the store takes it: cut into passages, each in its language and analysed.

Knows the way from extracted text to stored form. Does not know files, the store or the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from rag.formats.extracted import Extracted
from rag.ingest import chunking
from rag.storage.passage_terms import analyse
from rag.storage.records import NewDocument, NewPassage
from rag.text import language


def build(extracted: Extracted, *, name: str, kind: str, modified: float, passage_chars: int) -> NewDocument:
    """Cut and analyse a document. Its language is told from its text; a passage's own language may differ."""
    cuts = chunking.cut(extracted, passage_chars)
    return analysed_document(extracted, cuts, name=name, kind=kind, modified=modified)


def analysed_document(
    extracted: Extracted, cuts: Sequence[chunking.Cut], *, name: str, kind: str, modified: float
) -> NewDocument:
    """Analyse a document that is already cut into passages."""
    spoken = language.detect(extracted.text)
    title = extracted.title or PurePosixPath(name).stem
    passages: list[NewPassage] = []
    count = 0
    for piece in cuts:
        text = extracted.text[piece.start : piece.end]
        own = language.detect(text, default=spoken) or spoken
        analysed = analyse(text, piece.headings, title, own, name)
        count += analysed.count
        passages.append(
            NewPassage(
                piece.start, piece.end, piece.page, piece.headings, own, analysed.packed_tokens, analysed.packed_grams,
                analysed.terms, analysed.title, analysed.surfaces,
            )
        )  # fmt: skip
    return NewDocument(
        name, title, kind, spoken, modified, extracted.text, len(extracted.pages), count, tuple(passages),
        extracted.pictures,
    )  # fmt: skip

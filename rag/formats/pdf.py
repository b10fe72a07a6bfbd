"""PDF: the text of each page.

Knows pages, encryption and pages without text. Does not read pictures of text.
"""

from __future__ import annotations

import io
import logging

import regex
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, clean

_HYPHEN = regex.compile(r"(\p{L})[-\u00ad\u2010]\n(?=\p{Ll})")
_BROKEN = "The PDF is damaged and cannot be read; open it in a viewer and save it again."


def read_pdf(data: bytes) -> Extracted:
    """The text of a PDF with the offset of every page. Raises DocumentError when it is encrypted, broken or all
    pictures.
    """
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # its warnings about harmless damage are no use to anyone
    builder = Builder()
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentError("The PDF is protected by a password; save a copy without one.")
        if reader.metadata and reader.metadata.title:
            builder.title = str(reader.metadata.title)
        empty: list[int] = []
        for number, page in enumerate(reader.pages, 1):
            builder.page()
            text = unwrap(clean(page.extract_text() or ""))
            if not text.strip():
                empty.append(number)
            builder.add(text)
    except DocumentError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, OSError, RecursionError) as error:
        raise DocumentError(_BROKEN) from error
    if not builder.length:
        raise DocumentError("The PDF holds no text, only pictures; run text recognition on it first.")
    if empty:
        shown = ", ".join(map(str, empty[:10])) + (" and more" if len(empty) > 10 else "")
        builder.notes.append(f"No text on page {shown}: pictures are not read.")
    return builder.build()


def unwrap(text: str) -> str:
    """`text` with words joined that a line end had split, and with line ends inside paragraphs turned into spaces."""
    text = _HYPHEN.sub(r"\1", text)
    lines = text.split("\n")
    full = max((len(line.rstrip()) for line in lines), default=0) * 0.7
    joined: list[str] = []
    wrapped = False
    for line in lines:
        line = line.rstrip()
        if wrapped and line.strip() and not regex.match(r"\s*(?:[-*•–]|\d{1,3}[.)])\s", line):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
        # A line that reaches towards the margin goes on in the next one; a short line ends its paragraph.
        wrapped = len(line) >= full > 30
    return "\n".join(joined)

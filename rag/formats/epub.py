"""EPUB books: their chapters in reading order.

Knows the package file and its spine. Does not know markup: `rag.formats.html` reads the chapters.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from rag.errors import DocumentError
from rag.formats.encodings import decode
from rag.formats.extracted import Builder, Extracted
from rag.formats.html import add_html
from rag.formats.package import open_package

_BROKEN = "The EPUB file is damaged; open it in a reader and export it again."
_MARKUP = ("application/xhtml+xml", "text/html")


def read_epub(data: bytes) -> Extracted:
    """The book's title and the text of its chapters. Raises DocumentError when it is encrypted or broken."""
    open_package(data, "EPUB")
    builder = Builder()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            package = _package_path(book)
            root = _parse(book.read(package))
            builder.title = " ".join(root.xpath("string(//*[local-name()='title'])").split())
            names = set(book.namelist())
            if "META-INF/encryption.xml" in names and not _readable_text(book, root, package, names):
                raise DocumentError("The EPUB file is protected against copying; use a copy without protection.")
            for name in _chapters(root, package):
                if name in names:
                    add_html(builder, decode(book.read(name)))
    except DocumentError:
        raise
    except (zipfile.BadZipFile, etree.XMLSyntaxError, KeyError, ValueError, OSError, EOFError, RuntimeError) as error:
        raise DocumentError(_BROKEN) from error
    return builder.build()


def _parse(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _package_path(book: zipfile.ZipFile) -> str:
    found = _parse(book.read("META-INF/container.xml")).xpath("//*[local-name()='rootfile']/@full-path")
    if not found:
        raise DocumentError(_BROKEN)
    return str(found[0])


def _chapters(root: etree._Element, package: str) -> Iterator[str]:
    """The names of the chapters' files in the archive, in the order of the spine."""
    items = {item.get("id"): item for item in root.xpath("//*[local-name()='manifest']/*[local-name()='item']")}
    for reference in root.xpath("//*[local-name()='spine']/*[local-name()='itemref']"):
        item = items.get(reference.get("idref"))
        if item is not None and item.get("media-type") in _MARKUP and "nav" not in (item.get("properties") or ""):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(package), unquote(item.get("href") or "")))


def _readable_text(book: zipfile.ZipFile, root: etree._Element, package: str, names: set[str]) -> bool:
    """Whether the first chapter is markup: many books encrypt nothing but their fonts."""
    first = next((name for name in _chapters(root, package) if name in names), None)
    return first is not None and book.read(first).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")

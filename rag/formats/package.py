"""Zip packages of XML parts, as office programs write them: parts by name, the relations between them.

Knows sizes, passwords, relations and that strict documents use other namespaces. Does not know what a part says.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from urllib.parse import unquote

import regex
from lxml import etree

from rag.errors import DocumentError

_UNPACKED_LIMIT = 300_000_000
_LONGEST_ADDRESS = 200
_OLE = b"\xd0\xcf\x11\xe0"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
# Strict documents (ISO 29500) say the same in namespaces of their own.
_STRICT = (
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships", _RELATIONS.encode()),
    (b"http://purl.oclc.org/ooxml/officeDocument", b"http://schemas.openxmlformats.org/officeDocument/2006"),
    (
        b"http://purl.oclc.org/ooxml/wordprocessingml/main",
        b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    ),
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (b"http://purl.oclc.org/ooxml/presentationml/main", b"http://schemas.openxmlformats.org/presentationml/2006/main"),
)
_STRICT_DRAWING = regex.compile(rb"http://purl\.oclc\.org/ooxml/drawingml/(\w+)")
_READING = (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error)


@dataclass(frozen=True, slots=True)
class Relation:
    """A part that another refers to: the last word of its type, its name in the package (or an address outside)."""

    kind: str
    target: str
    outside: bool


def open_package(data: bytes, kind: str) -> None:
    """Raise DocumentError unless `data` is a zip package of a sane unpacked size."""
    Package(data, kind)


class Package:
    """The parts of a package. Raises DocumentError unless it is a zip of a sane unpacked size without a password."""

    def __init__(self, data: bytes, kind: str) -> None:
        if data.startswith(_OLE):
            raise DocumentError(
                f"The {kind} file is encrypted or of an old binary format; save it as {kind} without a password."
            )
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            entries = self._zip.infolist()
        except _READING as error:
            raise DocumentError(
                f"The file is not a readable {kind} document; open it in its program and save it again."
            ) from error
        if sum(entry.file_size for entry in entries) > _UNPACKED_LIMIT:
            raise DocumentError(f"The {kind} file unpacks to more than 300 MB; split it into smaller files.")
        if any(entry.flag_bits & 1 for entry in entries):
            raise DocumentError(f"The {kind} file is protected by a password; save a copy without one.")
        self._names = {entry.filename.replace("\\", "/").lstrip("/").lower(): entry.filename for entry in entries}
        self._relations: dict[str, dict[str, Relation]] = {}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def names(self) -> list[str]:
        return list(self._names)

    def read(self, name: str) -> bytes | None:
        """A part's bytes; None where there is none or it is broken."""
        try:
            return self._zip.read(self._names[name.lower()])
        except _READING:
            return None

    def open(self, name: str) -> IO[bytes] | None:
        """A part as a stream; None where there is none."""
        try:
            return self._zip.open(self._names[name.lower()])
        except _READING:
            return None

    def xml(self, name: str) -> etree._Element | None:
        """A part's root, in the namespaces that most documents use; None where there is none or nothing to be read."""
        data = self.read(name)
        return parse(data) if data else None

    def relations(self, name: str) -> dict[str, Relation]:
        """What the part (or, for "", the package) refers to, by id."""
        found = self._relations.get(name)
        if found is None:
            found = self._relations[name] = dict(self._related(name))
        return found

    def related(self, name: str, kind: str) -> list[str]:
        """The names of parts of one kind that the part refers to."""
        return [one.target for one in self.relations(name).values() if one.kind == kind and not one.outside]

    def _related(self, name: str) -> Iterator[tuple[str, Relation]]:
        folder, _, file = name.rpartition("/")
        root = self.xml(f"{folder}/_rels/{file}.rels".lstrip("/"))
        if root is None:
            return
        for one in root:
            target, kind = one.get("Target", ""), one.get("Type", "").rsplit("/", 1)[-1]
            outside = one.get("TargetMode") == "External"
            if not outside:
                target = unquote(target.replace("\\", "/"))
                joined = target if target.startswith("/") else posixpath.join(folder, target)
                target = posixpath.normpath(joined).lstrip("/")
            yield one.get("Id", ""), Relation(kind, target, outside)

    def main(self) -> str:
        """The name of the part that the document begins with; "" where none is said."""
        return next(iter(self.related("", "officeDocument")), "")

    def title(self) -> str:
        """The title among the document's properties."""
        for name in (*self.related("", "core-properties"), "docProps/core.xml"):
            root = self.xml(name)
            if root is not None:
                return str(root.xpath("string(*[local-name()='title'])")).strip()
        return ""


def address_of(target: str, text: str) -> str:
    """The address to which a link of this text leads, where it is one for people and the text does not say it."""
    address = target.removeprefix("mailto:").partition("?")[0] if target.startswith("mailto:") else target
    if not target.startswith(("http://", "https://", "mailto:")) or len(address) > _LONGEST_ADDRESS:
        return ""
    bare = address.split("://")[-1].removeprefix("www.").rstrip("/")
    return "" if not bare or bare.casefold() in text.casefold() else address


def parse(data: bytes) -> etree._Element | None:
    """The root of XML, mended where it is broken; None where there is nothing in it. Resolves no entities."""
    if b"purl.oclc.org" in data:
        for strict, usual in _STRICT:
            data = data.replace(strict, usual)
        data = _STRICT_DRAWING.sub(rb"http://schemas.openxmlformats.org/drawingml/2006/\1", data)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, recover=True, huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def local(element: etree._Element) -> str:
    """An element's name without its namespace; "" for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: etree._Element, name: str) -> str:
    """An attribute's value whatever its namespace; "" where there is none."""
    value: str | None = element.get(name)
    if value is not None:
        return value
    return next((v for key, v in element.attrib.items() if str(key).rpartition("}")[2] == name), "")

"""A Confluence space that was exported as XML: its pages as pages of their own, with what is attached to them.

Knows the export's entities: pages, their bodies, versions and parents, attachments. Does not know pages' markup, which
is read as HTML is.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import IO

from lxml import etree

from rag.connectors.base import LARGEST, Item, Source, SourceError

_ENTITIES = "entities.xml"
_UNPACKED = 4_000_000_000
_DEEPEST = 20
_BROKEN = (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error)


@dataclass(slots=True)
class _Space:
    """What an export says: pages by id as (title, parent, number of the version), bodies by page, attachments."""

    pages: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    attachments: dict[str, tuple[str, str, str]] = field(default_factory=dict)


class Confluence:
    """Address: the export (a zip file), or a folder of exports, of which the newest counts."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def items(self, known: Mapping[str, str]) -> Iterator[Item]:
        """The current pages, each in the folder of those above it, and the newest version of every attachment."""
        path = self._export()
        try:
            with zipfile.ZipFile(path) as archive:
                entries = {entry.filename: entry for entry in archive.infolist()}
                if sum(entry.file_size for entry in entries.values()) > _UNPACKED:
                    raise SourceError(f"The export {path.name} unpacks to more than 4 GB; export parts of the space.")
                if _ENTITIES not in entries:
                    raise SourceError(f"The export {path.name} holds no {_ENTITIES}; export the space as XML.")
                with archive.open(_ENTITIES) as stream:
                    space = _read(stream)
                yield from _pages(space)
                for identity, (page, title, version) in space.attachments.items():
                    entry = entries.get(f"attachments/{page}/{identity}/{version}")
                    if entry is not None and page in space.pages and entry.file_size <= LARGEST:
                        name = f"{_folder(space, page)}/{title}"
                        mark = f"{entry.CRC:08x}-{entry.file_size}"
                        yield Item(name, mark, lambda at=entry: archive.read(at))  # type: ignore[misc]
        except _BROKEN as error:
            raise SourceError(
                f"The export {path.name} is damaged ({type(error).__name__}); export the space again."
            ) from error

    def _export(self) -> Path:
        path = Path(self._source.address).expanduser()
        if path.is_dir():
            found = sorted(path.glob("*.zip"), key=lambda one: one.stat().st_mtime)
            if not found:
                raise SourceError(
                    f"There is no export (a zip file) in {path}; export the space as XML and put it there."
                )
            return found[-1]
        if not path.is_file():
            raise SourceError(f"There is no export at {path}; export the space as XML and put it there.")
        return path


def _pages(space: _Space) -> Iterator[Item]:
    for identity, (title, _, version) in space.pages.items():
        body = space.bodies.get(identity, "")
        page = f"<html><head><title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>{body}</body></html>"
        data = page.encode("utf-8", "replace")
        mark = f"{version}-{hashlib.sha256(data).hexdigest()[:16]}"
        yield Item(f"{_folder(space, identity)}.html", mark, lambda made=data: made)  # type: ignore[misc]


def _folder(space: _Space, identity: str) -> str:
    """A page's title below those of the pages above it."""
    titles: list[str] = []
    while identity in space.pages and len(titles) < _DEEPEST:
        title, identity, _ = space.pages[identity]
        titles.append(title.replace("/", "-") or "page")
    return "/".join(reversed(titles))


def _read(stream: IO[bytes]) -> _Space:
    space = _Space()
    for _, entity in etree.iterparse(
        stream, tag="object", recover=True, huge_tree=True, resolve_entities=False, no_network=True
    ):
        kind = entity.get("class", "")
        identity = (entity.findtext("id") or "").strip()
        said = {one.get("name", ""): one for one in entity.findall("property")}
        if kind in ("Page", "BlogPost") and _current(said):
            space.pages[identity] = (_text(said, "title"), _of(said, "parent"), _text(said, "version"))
        elif kind == "BodyContent" and (page := _of(said, "content")):
            space.bodies[page] = _text(said, "body")
        elif kind == "Attachment" and _current(said):
            page = _of(said, "containerContent") or _of(said, "content")
            title = _text(said, "title") or _text(said, "fileName")
            space.attachments[identity] = (
                page,
                title,
                _text(said, "version") or _text(said, "attachmentVersion") or "1",
            )
        entity.clear()
        while entity.getprevious() is not None:
            del entity.getparent()[0]
    return space


def _current(said: Mapping[str, etree._Element]) -> bool:
    """Whether a page is there now: not an earlier version, a draft, or in the bin."""
    return not _of(said, "originalVersion") and _text(said, "contentStatus") in ("", "current")


def _text(said: Mapping[str, etree._Element], name: str) -> str:
    found = said.get(name)
    return (found.text or "").strip() if found is not None else ""


def _of(said: Mapping[str, etree._Element], name: str) -> str:
    found = said.get(name)
    return (found.findtext("id") or "").strip() if found is not None else ""

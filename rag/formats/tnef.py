"""What Outlook packs a message into for other programs (TNEF, `winmail.dat`): its text and its attachments.

Knows the order of bytes and the few properties that hold text, names and files. Reads attachments as documents of their
own; messages within it too. Does not check sums: what can be read of a damaged one is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import regex

from rag.errors import DocumentError
from rag.formats.encodings import decode
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.html import add_html
from rag.formats.packed_text import unpacked
from rag.formats.parts import Parts, embed

SIGNATURE = b"\x78\x9f\x3e\x22"
_SUBJECT, _BODY, _PROPERTIES, _CODE_PAGE = 0x8004, 0x800C, 0x9003, 0x9007
_BEGINS, _FILE_NAME, _FILE, _FILE_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_OF_FILES = 2
_TEXT, _WIDE, _BYTES, _OBJECT, _ANY = 0x1E, 0x1F, 0x102, 0x0D, 0x00
_WIDTHS = {0x01: 0, 0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_SEVERAL = 0x1000
_NAMED = 0x8000
_MESSAGE = b"\x07\x03\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"
_MOST = 10_000
_MOST_FILES = 500
_WORD = regex.compile(r"[\p{L}\p{N}]+")


@dataclass(slots=True)
class _File:
    name: str = ""
    long_name: str = ""
    data: bytes = b""
    is_message: bool = False

    @property
    def title(self) -> str:
        name = one_line(self.long_name or self.name)
        return f"{name or 'message'}.tnef" if self.is_message else name or "attachment"


@dataclass(slots=True)
class Packed:
    """What was packed: the message's subject, sender and text in the ways it is there, and the files attached."""

    subject: str = ""
    sender: str = ""
    plain: str = ""
    page: str = ""
    rich: bytes = b""
    files: list[_File] = field(default_factory=list)

    def add_text(self, builder: Builder, said: str = "") -> None:
        """Append the text, unless most of its words are `said` already."""
        own = Builder()
        if self.plain.strip():
            own.add(self.plain)
        elif self.page.strip():
            add_html(own, self.page, fragment=True)
        elif self.rich:
            add_packed(own, self.rich)
        builder.notes += own.notes
        found = own.build()
        words = set(_WORD.findall(found.text.casefold()))
        if words and len(words & set(_WORD.findall(said.casefold()))) < len(words) * 0.8:
            builder.add(found.text)

    def add_files(self, parts: Parts, level: int) -> None:
        """Append the attachments, each a document under a heading of `level`."""
        for one in self.files[:_MOST_FILES]:
            parts.add(one.data, one.title, f"Attachment: {one.title.removesuffix('.tnef')}", level)


def add_packed(builder: Builder, data: bytes) -> None:
    """Append rich text as Outlook packs it; what cannot be read is noted."""
    from rag.formats.rich_text import read_rtf

    try:
        found = read_rtf(unpacked(data))
    except DocumentError as error:
        builder.notes.append(f"The text was not read: {error}")
        return
    embed(builder, found, "", 1)


def read_tnef(data: bytes) -> Extracted:
    """A packed message: its subject as title and heading, its text, what is attached. Raises DocumentError."""
    packed = unpack(data)
    builder = Builder(title=packed.subject)
    builder.heading(packed.subject, 1)
    if packed.sender:
        builder.add(f"From: {packed.sender}")
    packed.add_text(builder)
    packed.add_files(Parts(builder), 2)
    return builder.build()


def unpack(data: bytes) -> Packed:
    """What is packed in `data`. Raises DocumentError when it is something else."""
    if not data.startswith(SIGNATURE):
        raise DocumentError(
            "The file is no message that Outlook packed; ask its sender for the attachments themselves."
        )
    packed = Packed()
    page = ""
    at = 6
    for _ in range(_MOST):
        if at + 11 > len(data):
            break
        level, name = data[at], int.from_bytes(data[at + 1 : at + 3], "little")
        size = int.from_bytes(data[at + 5 : at + 9], "little")
        value = data[at + 9 : at + 9 + size]
        at += size + 11
        if name == _CODE_PAGE:
            page = f"cp{int.from_bytes(value[:4], 'little')}"
        elif level == _OF_FILES:
            if name == _BEGINS or not packed.files:
                packed.files.append(_File())
            _file(packed.files[-1], name, value, page)
        elif name == _SUBJECT:
            packed.subject = packed.subject or _string(value, page)
        elif name == _BODY:
            packed.plain = packed.plain or _string(value, page)
        elif name == _PROPERTIES:
            _message(packed, value, page)
    packed.files = [one for one in packed.files if one.data]
    return packed


def _message(packed: Packed, value: bytes, page: str) -> None:
    for name, found in _properties(value, page):
        match name, found:
            case 0x0037, str():
                packed.subject = found
            case 0x0C1A, str():
                packed.sender = one_line(found)
            case 0x1000, str():
                packed.plain = found
            case 0x1013, str():
                packed.page = found
            case 0x1013, bytes():
                with suppress(DocumentError):
                    packed.page = decode(found)
            case 0x1009, bytes():
                packed.rich = found


def _file(file: _File, name: int, value: bytes, page: str) -> None:
    if name == _FILE_NAME:
        file.name = _string(value, page)
    elif name == _FILE:
        file.data = value
    elif name == _FILE_PROPERTIES:
        for key, found in _properties(value, page):
            match key, found:
                case 0x3707, str():
                    file.long_name = found
                case ((0x3704 | 0x3001), str()):
                    file.name = file.name or found
                case 0x3701, bytes():
                    file.is_message = found.startswith(_MESSAGE)
                    file.data = found[len(_MESSAGE) :] if file.is_message else found


def _properties(data: bytes, page: str) -> Iterator[tuple[int, str | bytes]]:
    """The properties that hold texts or bytes, by number; it ends where the list no longer makes sense."""
    at = 4

    def number(size: int = 4) -> int:
        nonlocal at
        at += size
        return int.from_bytes(data[at - size : at], "little")

    for _ in range(min(int.from_bytes(data[:4], "little"), _MOST)):
        kind, name = number(2), number(2)
        if name >= _NAMED:
            at += 16
            if number():
                at += _whole(number())
            else:
                at += 4
        several, kind = kind & _SEVERAL, kind & ~_SEVERAL
        if kind in _WIDTHS:
            at += _WIDTHS[kind] * (number() if several else 1)
        elif kind in (_TEXT, _WIDE, _BYTES, _OBJECT, _ANY):
            for count in range(min(number(), _MOST)):
                size = number()
                value = data[at : at + size]
                at += _whole(size)
                if not count and not several:
                    yield name, _text(value, kind, page)
                if at >= len(data):
                    break
        else:
            return
        if at >= len(data):
            return


def _whole(size: int) -> int:
    return (size + 3) // 4 * 4


def _text(value: bytes, kind: int, page: str) -> str | bytes:
    reads: dict[int, Callable[[], str]] = {
        _TEXT: lambda: _string(value, page),
        _WIDE: lambda: value.decode("utf-16-le", "replace").rstrip("\0"),
    }
    return reads[kind]() if kind in reads else value


def _string(value: bytes, page: str) -> str:
    value = value.rstrip(b"\0")
    try:
        return decode(value, page) if value else ""
    except DocumentError:
        return value.decode("cp1252", "replace")

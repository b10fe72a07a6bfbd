"""Messages as Outlook saves them (MSG).

Knows which stream of the compound file holds what. Reads attachments as documents of their own.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import olefile

from rag.errors import DocumentError
from rag.formats.encodings import decode
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.html import add_html
from rag.formats.parts import Parts
from rag.formats.tnef import add_packed

_BROKEN = "The MSG file is damaged; save the message again, or as EML."
_SUBJECT, _BODY, _HTML, _SENDER, _ADDRESS = "0037", "1000", "1013", "0C1A", "0C1F"
_TO, _CC, _FILE, _LONG_FILE, _DATA = "0E04", "0E03", "3704", "3707", "3701"
_SMTP = "5D01"
_RICH = "10090102"
_DATES = (0x0039, 0x0E06, 0x3007)
_DEEPEST = 5
_MOST_ATTACHMENTS = 200


def read_msg(data: bytes) -> Extracted:
    """A message: its subject as title and heading, its correspondents, its text, what is attached."""
    builder = Builder()
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as file:
            if not file.exists("__properties_version1.0"):
                raise DocumentError("The file is not an Outlook message; save it again as MSG or EML.")
            _Message(file, (), builder).add(1)
    except DocumentError:
        raise
    except Exception as error:  # the library raises whatever a damaged part makes it stumble over
        raise DocumentError(_BROKEN) from error
    return builder.build()


class _Message:
    """One message in the file, at a path: the outermost, or one that is attached to it."""

    def __init__(self, file: olefile.OleFileIO, path: tuple[str, ...], builder: Builder) -> None:
        self._file = file
        self._path = path
        self._builder = builder
        self._parts = Parts(builder)

    def add(self, level: int) -> None:
        """Append the message with its subject as a heading of `level`."""
        subject = one_line(self._text(_SUBJECT))
        self._builder.title = self._builder.title or subject
        self._builder.heading(subject, level)
        address = self._text(_SMTP) or self._text(_ADDRESS)
        sender = self._text(_SENDER)
        if "@" in address and address not in sender:
            sender = f"{sender} <{address}>".strip()
        lines = (("From", sender), ("To", self._text(_TO)), ("Cc", self._text(_CC)), ("Date", self._date()))
        self._builder.add("\n".join(f"{name}: {one_line(value)}" for name, value in lines if value.strip()))
        body = self._text(_BODY)
        if body.strip():
            self._builder.add(body)
        elif html := self._html():
            add_html(self._builder, html, fragment=True)
        elif rich := self._stream(_RICH):
            add_packed(self._builder, rich)
        self._attachments(level)

    def _attachments(self, level: int) -> None:
        depth = len(self._path)
        folders = sorted(
            {
                entry[depth]
                for entry in self._file.listdir(streams=True, storages=False)
                if tuple(entry[:depth]) == self._path and len(entry) > depth and entry[depth].startswith("__attach")
            }
        )
        for folder in folders[:_MOST_ATTACHMENTS]:
            at = (*self._path, folder)
            one = _Message(self._file, at, self._builder)
            embedded = (*at, f"__substg1.0_{_DATA}000D")
            if self._file.exists([*embedded, "__properties_version1.0"]):
                if level < _DEEPEST:
                    _Message(self._file, embedded, self._builder).add(level + 1)
                continue
            name = one_line(one._text(_LONG_FILE) or one._text(_FILE) or one._text("3001") or "attachment")
            data = one._stream(f"{_DATA}0102")
            hidden = one._text("3712")  # a picture that the text shows
            if data and not (hidden and name.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".bmp"))):
                self._parts.add(data, name, f"Attachment: {name}", level + 1)

    def _stream(self, name: str) -> bytes:
        path = [*self._path, f"__substg1.0_{name}"]
        if not self._file.exists(path):
            return b""
        with self._file.openstream(path) as stream:
            return bytes(stream.read())

    def _text(self, name: str) -> str:
        wide = self._stream(f"{name}001F")
        if wide:
            return wide.decode("utf-16-le", errors="replace").rstrip("\0")
        narrow = self._stream(f"{name}001E").rstrip(b"\0")
        try:
            return decode(narrow) if narrow else ""
        except DocumentError:
            return narrow.decode("cp1252", errors="replace")

    def _html(self) -> str:
        data = self._stream(f"{_HTML}0102") or self._stream(f"{_HTML}001E")
        try:
            return decode(data) if data else self._text(_HTML)
        except DocumentError:
            return ""

    def _date(self) -> str:
        """When it was sent, from the fixed-size properties."""
        path = [*self._path, "__properties_version1.0"]
        if not self._file.exists(path):
            return ""
        with self._file.openstream(path) as stream:
            data = bytes(stream.read())
        found: dict[int, int] = {}
        for at in range(32 if not self._path else 24, len(data) - 15, 16):
            kind = int.from_bytes(data[at : at + 2], "little")
            if kind == 0x40:
                found[int.from_bytes(data[at + 2 : at + 4], "little")] = int.from_bytes(
                    data[at + 8 : at + 16], "little"
                )
        ticks = next((found[name] for name in _DATES if name in found), 0)
        if not 0 < ticks < 3 * 10**18:
            return ""
        when = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
        return f"{when:%Y-%m-%d %H:%M} UTC"

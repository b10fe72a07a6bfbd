"""Mail messages (EML, MBOX) and saved pages (MHTML): who wrote to whom and when, and what, with what is attached.

Knows MIME. Reads attachments as documents of their own, through the table of readers. Fetches nothing.
"""

from __future__ import annotations

import base64
import email
from collections.abc import Iterator
from contextlib import suppress
from email import policy
from email.header import Header, decode_header
from email.message import Message
from typing import cast

import regex

from rag.errors import DocumentError
from rag.formats.calendar import add_calendar, add_contacts
from rag.formats.encodings import decode
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.html import add_html
from rag.formats.parts import Parts
from rag.formats.tnef import SIGNATURE, unpack

_HEADERS = ("Subject", "From", "To", "Cc", "Bcc", "Reply-To", "Date")
_KNOWN = ("From", "Subject", "Date", "To", "Message-ID", "Received", "Return-Path", "MIME-Version", "Content-Type")
_SAME = ("text/plain", "text/html", "text/enriched", "text/rtf", "text/watch-html", "text/x-amp-html")
_STUB = 0.5
_LONG_STUB = 40
_APOLOGY = regex.compile(r"html|program|client|browser|viewer|(?:can ?not|unable to) (?:show|display|view)", regex.I)
_DEEPEST = 8
_MOST_MESSAGES = 5_000
_MBOX = regex.compile(rb"(?m)^From [^\r\n]*\r?\n(?=[!-9;-~]+:)")
_SPACED_NAME = regex.compile(rb"(?m)^([A-Za-z][A-Za-z-]+)[ \t]+:")  # as old programs wrote headers
_FLOWED = regex.compile(r"(?m)(?<=\S) \n(?![>\s])")
_TYPES = {
    "application/pdf": ".pdf", "text/html": ".html", "text/csv": ".csv", "text/plain": ".txt",
    "application/rtf": ".rtf", "text/markdown": ".md", "application/zip": ".zip", "application/msword": ".doc",
    "text/rtf": ".rtf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt", "application/vnd.ms-excel": ".xls",
}  # fmt: skip


def read_eml(data: bytes) -> Extracted:
    """A message: its subject as title and heading, its correspondents, its text, what it forwards and has attached."""
    builder = Builder()
    message = _parsed(data)
    if not any(message.get(name) for name in _KNOWN):
        raise DocumentError("The file is not a mail message; export it again as EML.")
    _Reader(builder).message(message, 1)
    return builder.build()


def read_mbox(data: bytes) -> Extracted:
    """A mailbox: its messages one after the other."""
    builder = Builder()
    starts = list(_MBOX.finditer(data))
    if not starts:
        raise DocumentError("The file is not a mailbox; export it again as MBOX, or its messages as EML.")
    ends = [*(one.start() for one in starts[1:]), len(data)]
    reader = _Reader(builder)
    for start, end in list(zip(starts, ends, strict=True))[:_MOST_MESSAGES]:
        reader.message(_parsed(data[start.end() : end]), 1)
    if len(starts) > _MOST_MESSAGES:
        builder.notes.append(f"Only the first {_MOST_MESSAGES:,} messages were read.")
    builder.title = builder.title if len(starts) == 1 else ""
    return builder.build()


def read_mhtml(data: bytes) -> Extracted:
    """A web page saved with its pictures: the page."""
    builder = Builder()
    message = _parsed(data)
    pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
    for page in pages[:1] if message.get_content_type() == "multipart/related" else pages:
        add_html(builder, _text(page))
    if not pages:
        for part in message.walk():
            if part.get_content_type() == "text/plain":
                builder.add(_text(part))
    if not builder.title:
        builder.title = _header(message, "Subject")
    return builder.build()


def _parsed(data: bytes) -> Message:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:64]:
        data = decode(data).encode()  # saved as text by a program that writes UTF-16
    data = data.lstrip(b"\r\n\xef\xbb\xbf")
    if _SPACED_NAME.match(data):
        head, gap, body = data.partition(b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n")
        data = _SPACED_NAME.sub(rb"\1:", head) + gap + body
    # The older policy never raises over a header: what is odd about one costs that one.
    return email.message_from_bytes(data, policy=policy.compat32)


class _Reader:
    """Puts messages, and what lies in them, into one builder."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._parts = Parts(builder)

    def message(self, message: Message, level: int) -> None:
        """Append a message with its subject as a heading of `level`."""
        builder = self._builder
        subject = _header(message, "Subject")
        builder.title = builder.title or subject
        sender = _header(message, "From")
        builder.heading(subject or (f"Message from {sender}" if sender else ""), level)
        lines = [f"{name}: {value}" for name in _HEADERS if (value := _header(message, name))]
        builder.add("\n".join(lines))
        self._attached: list[str] = []
        self._part(message, level, outermost=True)
        if self._attached:
            builder.add("Attachments: " + ", ".join(self._attached[:50]) + ".")
        self._attached = []

    def _part(self, part: Message, level: int, *, outermost: bool = False) -> None:
        kind = part.get_content_type()
        if level > _DEEPEST:
            self._builder.notes.append("Messages within messages were read to a depth of eight.")
        elif kind == "multipart/alternative":
            self._alternatives(_inner(part), level)
        elif kind == "message/rfc822" or (kind == "message/global" and part.is_multipart()):
            attached = self._attached
            for inner in _forwarded(part):
                self.message(inner, level + 1)
            self._attached = attached
        elif kind == "message/delivery-status":
            for inner in _inner(part):
                self._builder.add("\n".join(f"{name}: {one_line(str(value))}" for name, value in inner.items()))
        elif part.is_multipart():
            for inner in _inner(part):
                self._part(inner, level)
        elif (name := _name(part)) and not outermost and part.get_content_disposition() != "inline":
            self._attachment(part, name, level)
        elif (not self._body(part, kind, level) and not outermost) or (
            outermost and kind.startswith(("application/", "image/"))
        ):
            self._attachment(part, name or f"part{_TYPES.get(kind, '')}", level)

    def _body(self, part: Message, kind: str, level: int) -> bool:
        """Append a part that is text to be read where it stands; False for a part of another kind."""
        match kind:
            case "text/html" | "application/xhtml+xml":
                add_html(self._builder, _text(part), fragment=True)
            case "text/calendar" | "application/ics":
                add_calendar(self._builder, _text(part))
            case "text/vcard" | "text/x-vcard" | "text/directory":
                add_contacts(self._builder, _text(part))
            case "text/plain" | "text/enriched" | "text/markdown" | "text/rfc822-headers" | "text":
                self._builder.add(_unfolded(part))
            case (
                "application/pkcs7-mime"
                | "application/x-pkcs7-mime"
                | "multipart/encrypted"
                | "application/pgp-encrypted"
            ):
                self._builder.notes.append("An encrypted part was not read; save the message decrypted.")
            case "application/pkcs7-signature" | "application/x-pkcs7-signature" | "application/pgp-signature":
                pass
            case _ if kind.startswith("text/"):
                return False
            case _ if kind.startswith("image/") and part.get("Content-ID"):
                pass  # a picture that the page shows
            case _:
                return False
        return True

    def _alternatives(self, parts: list[Message], level: int) -> None:
        """Of ways to say the same, the plain one, unless it is a stub beside a page; and what only one of them has."""
        plain = next((one for one in parts if one.get_content_type() == "text/plain" and not _name(one)), None)
        page = next((one for one in parts if _leads_to_page(one)), None)
        others = [one for one in parts if one is not plain and one is not page]
        if plain is not None and page is not None and not self._stub(plain, page):
            self._part(plain, level)
            if page.is_multipart():
                others += [one for one in _inner(page) if one.get_content_type() != "text/html"]
        elif page is not None:
            self._part(page, level)
            if plain is not None and self._says_else(plain, page):
                self._part(plain, level)
        elif plain is not None:
            self._part(plain, level)
        for one in others:
            if one.get_content_type() not in _SAME:
                self._part(one, level)

    def _stub(self, plain: Message, page: Message) -> bool:
        """Whether the plain text says much less than the page, or something else: "your program cannot show this"."""
        told, shown = _text(plain), _shown(page)
        said = len(told.split())
        words = len(shown.split())
        if said < _LONG_STUB and words >= 4 and len(_words(told) & _words(shown)) < len(_words(shown)) * 0.3:
            return True
        return said < words * _STUB and words - said > 5

    def _says_else(self, plain: Message, page: Message) -> bool:
        """Whether most words of the plain text are not on the page."""
        told = _words(_text(plain))
        if len(told) < _LONG_STUB and _APOLOGY.search(_text(plain)):
            return False
        return len(told & _words(_shown(page))) * 2 < len(told)

    def _attachment(self, part: Message, name: str, level: int) -> None:
        if part.get_content_type().startswith("image/") and part.get("Content-ID"):
            return
        self._attached.append(one_line(name))
        data = _bytes(part)
        kind = part.get_content_type()
        if kind in ("text/calendar", "application/ics", "text/vcard", "text/x-vcard"):
            self._body(part, kind, level)
            return
        if data.startswith(SIGNATURE):
            packed = unpack(data)
            self._attached += [one.title for one in packed.files]
            packed.add_text(self._builder, self._builder.build().text)
            packed.add_files(self._parts, level + 1)
            return
        if "." not in name and kind in _TYPES:
            name += _TYPES[kind]
        self._parts.add(data, name, f"Attachment: {one_line(name)}", level + 1)


def _leads_to_page(part: Message) -> bool:
    if part.get_content_type() in ("multipart/related", "multipart/mixed"):
        return any(one.get_content_type() == "text/html" for one in part.walk())
    return part.get_content_type() == "text/html"


def _inner(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _shown(page: Message) -> str:
    """The visible text of the pages in a part."""
    seen = Builder()
    for one in page.walk():
        if one.get_content_type() == "text/html":
            add_html(seen, _text(one), fragment=True)
    return seen.build().text


def _words(text: str) -> set[str]:
    return set(regex.findall(r"[\p{L}\p{N}]+", text.casefold()))


def _forwarded(part: Message) -> list[Message]:
    """The messages in a part; one that was wrapped in base64, which the standard forbids and programs do, unwrapped."""
    inner = _inner(part)
    if len(inner) == 1 and not inner[0].keys() and part.get("Content-Transfer-Encoding", "").lower() == "base64":
        with suppress(ValueError):
            return [_parsed(base64.b64decode(str(inner[0].get_payload()), validate=False))]
    return inner


def _bytes(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, TypeError, LookupError, AttributeError):
        payload = None
    if isinstance(payload, bytes):
        return payload
    raw = part.get_payload()
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


def _text(part: Message) -> str:
    """A part's text in the character set it names, unless that is wrong or missing."""
    data = _bytes(part)
    try:
        return decode(data, part.get_content_charset() or "").replace("\r\n", "\n")
    except DocumentError:
        return data.decode("utf-8", errors="replace")


def _unfolded(part: Message) -> str:
    """Plain text; lines that a program broke to send them are joined where the message says so."""
    text = _text(part)
    try:
        flowed = str(part.get_param("format", "")).lower() == "flowed"
    except (ValueError, TypeError):
        flowed = False
    return _FLOWED.sub(" ", text) if flowed else text


def _name(part: Message) -> str:
    try:
        return _decoded(part.get_filename() or "")
    except (ValueError, TypeError, LookupError):
        return "attachment"


def _header(message: Message, name: str) -> str:
    """A header's words: encoded ones decoded, raw bytes read as what they are."""
    values = message.get_all(name) or []
    return one_line(", ".join(_decoded(value) for value in values))


def _decoded(value: str | Header) -> str:
    if isinstance(value, Header):  # bytes that are no ASCII came raw
        value = str(value) if not any(name == "unknown-8bit" for _, name in decode_header(value)) else _bytes_of(value)
    value = value.replace("\n", " ").replace("\r", " ")
    pieces: list[str] = []
    try:
        for piece, charset in cast(Iterator[tuple[str | bytes, str | None]], decode_header(value)):
            if isinstance(piece, str):
                pieces.append(_from_bytes(piece))
            else:
                pieces.append(_from_bytes(piece.decode("ascii", "surrogateescape")) if charset is None else
                              _in(piece, charset))  # fmt: skip
    except (ValueError, LookupError, TypeError):
        return _from_bytes(value)
    return "".join(pieces)


def _bytes_of(header: Header) -> str:
    return "".join(
        piece.decode("ascii", "surrogateescape") if isinstance(piece, bytes) else piece
        for piece, _ in decode_header(header)
    )


def _in(piece: bytes, charset: str) -> str:
    if charset == "unknown-8bit":
        charset = ""
    try:
        return decode(piece, charset) if charset.lower() not in ("utf-8", "utf8") else piece.decode("utf-8", "replace")
    except DocumentError:
        return piece.decode("utf-8", "replace")


def _from_bytes(text: str) -> str:
    """Text in which raw bytes were kept aside: they are decoded."""
    try:
        data = text.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return text
    try:
        return text if data.isascii() else decode(data)
    except DocumentError:
        return data.decode("utf-8", "replace")

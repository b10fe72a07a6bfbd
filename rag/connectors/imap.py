"""A mailbox: its messages, each as a file of its own, in the mailbox's folders.

Knows IMAP. Reads only: nothing is marked as seen, moved or deleted. Does not know what a message says.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import regex

from rag.connectors.base import LARGEST, Item, Source, SourceError

_SECONDS = 60.0
_FOLDER = regex.compile(rb'\((?P<flags>[^)]*)\) (?:"[^"]*"|NIL) (?P<name>.+)')
_UID = regex.compile(rb"UID (\d+).*?RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+).*?UID (\d+)")
_BATCH = 500


class Imap:
    """Address: imaps://host[:port] or, within a trusted network, imap://. Options: `folders`, with commas between
    (all but the bins by default); `most`, messages a folder.
    """

    def __init__(self, source: Source) -> None:
        parts = urlsplit(source.address)
        if parts.scheme not in ("imap", "imaps") or not parts.hostname:
            raise SourceError(
                f"The source {source.name!r} has no address of a mailbox; write it like imaps://mail.example.org."
            )
        if not source.user:
            raise SourceError(f"The source {source.name!r} names no user; a mailbox belongs to somebody.")
        self._source = source
        self._secure = parts.scheme == "imaps"
        self._host, self._port = parts.hostname, parts.port or (993 if self._secure else 143)
        self._wanted = [one.strip() for one in source.options.get("folders", "").split(",") if one.strip()]
        most = source.options.get("most", "20000")
        self._most = int(most) if most.isdecimal() else 20_000

    def items(self, known: Mapping[str, str]) -> Iterator[Item]:
        """The messages; a message never changes, so its version is the number that its folder gave it."""
        try:
            yield from self._items()
        except (imaplib.IMAP4.error, OSError, ValueError) as error:
            said = regex.sub(r"^b?['\"]|['\"]$", "", str(error))[:150]
            if "AUTH" in said.upper() or "LOGIN" in said.upper():
                raise SourceError(
                    f"The mailbox {self._source.name} does not let Tandem in; check user and password_env."
                ) from error
            raise SourceError(f"The mailbox {self._source.name} cannot be read ({said}).") from error

    def _items(self) -> Iterator[Item]:
        with self._connected() as mailbox:
            mailbox.login(self._source.user, self._source.secret)
            for folder in self._folders(mailbox):
                quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
                if mailbox.select(quoted, readonly=True)[0] != "OK":
                    if self._wanted:
                        raise SourceError(f"The mailbox {self._source.name} has no folder {folder}.")
                    continue
                era = (mailbox.response("UIDVALIDITY")[1] or [b"0"])[0] or b"0"
                found = mailbox.uid("SEARCH", "UNDELETED")[1]
                numbers = (found[0] or b"").split()[-self._most :]
                for at in range(0, len(numbers), _BATCH):
                    yield from self._messages(mailbox, folder, era.decode(), numbers[at : at + _BATCH])

    def _connected(self) -> imaplib.IMAP4:
        if self._secure:
            return imaplib.IMAP4_SSL(self._host, self._port, ssl_context=ssl.create_default_context(), timeout=_SECONDS)
        return imaplib.IMAP4(self._host, self._port, timeout=_SECONDS)

    def _folders(self, mailbox: imaplib.IMAP4) -> list[str]:
        if self._wanted:
            return self._wanted
        names: list[str] = []
        for line in mailbox.list()[1]:
            match = _FOLDER.match(line) if isinstance(line, bytes) else None
            flags = match["flags"].lower() if match else b"\\noselect"
            if match and not any(
                flag in flags for flag in (b"\\noselect", b"\\trash", b"\\junk", b"\\drafts", b"\\all")
            ):
                names.append(match["name"].strip().strip(b'"').decode("ascii", "replace"))
        return names

    def _messages(self, mailbox: imaplib.IMAP4, folder: str, era: str, numbers: list[bytes]) -> Iterator[Item]:
        if not numbers:
            return
        answer = mailbox.uid("FETCH", b",".join(numbers).decode(), "(UID RFC822.SIZE)")[1]
        sizes: dict[int, int] = {}
        for line in answer:
            text = line if isinstance(line, bytes) else line[0] if isinstance(line, tuple) else b""
            if match := _UID.search(text):
                sizes[int(match[1] or match[4])] = int(match[2] or match[3])
        for number in sorted(sizes):
            if sizes[number] <= LARGEST:
                path = f"{_spoken(folder)}/{era}-{number}.eml"
                yield Item(path, f"{era}.{number}", lambda uid=number: self._message(mailbox, uid))  # type: ignore[misc]

    def _message(self, mailbox: imaplib.IMAP4, number: int) -> bytes:
        for part in mailbox.uid("FETCH", str(number), "(BODY.PEEK[])")[1]:
            if isinstance(part, tuple):
                return bytes(part[1])
        raise SourceError(f"A message of {self._source.name} is gone while it was fetched; the next visit looks again.")


def _spoken(folder: str) -> str:
    """A folder's name as people see it: letters beyond ASCII are written in a form of base64 of their own."""

    def letters(found: regex.Match[str]) -> str:
        if not found[1]:
            return "&"
        try:
            return ("+" + found[1].replace(",", "/") + "-").encode("ascii").decode("utf-7")
        except UnicodeError:
            return found[0]

    return regex.sub(r"&([A-Za-z0-9+,]*)-", letters, folder)

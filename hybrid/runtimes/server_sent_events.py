"""Server-sent events out of bytes, wherever the network cut them.

Knows the format (https://html.spec.whatwg.org/multipage/server-sent-events.html): lines that end in LF, CR or CRLF,
comments, fields, an empty line after each event. Bytes are cut between lines only, so that no character is ever cut.
Does not know what the events hold.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 4_000_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its data, and its name where it has one ("error", for what a server sends in a field of that name)."""

    data: bytes
    name: str = ""


class EventParser:
    """Feed it the bytes of one stream; it gives back the events that they complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._after_cr = False
        self._begun = False

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that end within `data`. Raises ValueError where one is longer than any event should be."""
        if self._after_cr or b"\r" in data:
            data = self._unix(data)
        blocks = (self._rest + data).split(b"\n\n")
        self._rest = blocks.pop()
        if len(self._rest) > LONGEST:
            raise ValueError("an event without an end")
        if blocks and not self._begun:
            self._begun = True
            blocks[0] = blocks[0].removeprefix(_BOM)
        events = []
        for block in blocks:
            if block[:6] == b"data: " and b"\n" not in block:
                events.append(ServerEvent(block[6:]))
            elif (event := _parsed(block)) is not None:
                events.append(event)
        return events

    def finish(self) -> ServerEvent | None:
        """The last event, where the stream ended without the empty line after it."""
        rest, self._rest = self._rest, b""
        return _parsed(rest if self._begun else rest.removeprefix(_BOM))

    def _unix(self, data: bytes) -> bytes:
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _parsed(block: bytes) -> ServerEvent | None:
    data: list[bytes] = []
    name = ""
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
        elif field == b"error":  # llama.cpp before 2025 sends its errors so
            data.append(value)
            name = "error"
    return ServerEvent(b"\n".join(data), name) if data else None

"""Rich text as Outlook packs it (LZFu, in MSG and TNEF), unpacked.

Knows the packing and the text with which every dictionary begins. Does not know rich text.
"""

from __future__ import annotations

from collections.abc import Iterable

from rag.errors import DocumentError

_FIRST = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_WINDOW = 4096
_HEAD = 16
_PACKED, _PLAIN = b"LZFu", b"MELA"
_LONGEST = 50_000_000


def unpacked(data: bytes) -> bytes:
    """The rich text in `data`. What is cut off ends early. Raises DocumentError when it is not packed so."""
    kind = data[8:12]
    size = min(int.from_bytes(data[4:8], "little"), _LONGEST)
    if kind == _PLAIN:
        return data[_HEAD : _HEAD + size]
    if kind != _PACKED:
        raise DocumentError("The text is packed in a way that is not known; save the message as EML.")
    window = bytearray(_WINDOW)
    window[: len(_FIRST)] = _FIRST
    place = len(_FIRST)
    made = bytearray()
    at = _HEAD
    while at < len(data) and len(made) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                pair = int.from_bytes(data[at : at + 2], "big")
                start, length = pair >> 4, (pair & 15) + 2
                if at + 2 > len(data) or start == place:
                    return bytes(made[:size])
                at += 2
                run: Iterable[int] = (window[(start + step) % _WINDOW] for step in range(length))
            elif at < len(data):
                run = data[at : at + 1]
                at += 1
            else:
                return bytes(made[:size])
            for byte in run:  # one by one: a run may read what it has just written
                made.append(byte)
                window[place] = byte
                place = (place + 1) % _WINDOW
    return bytes(made[:size])

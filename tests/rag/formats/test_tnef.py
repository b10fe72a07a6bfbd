"""Messages as Outlook packs them for other programs: winmail.dat, alone and within a message."""

import base64
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import DocumentError
from rag.formats import registry
from rag.formats.packed_text import unpacked

# The example of Microsoft's own description of the packing.
HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)
CSV = b"Door,Key\nBoiler room,K-88\nAttic,K-12\n"


def attribute(level: int, name: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<BHHI", level, name, kind, len(value)) + value + struct.pack("<H", sum(value) % 65536)


def bytes_of(value: bytes) -> bytes:
    return struct.pack("<II", 1, len(value)) + value + bytes(-len(value) % 4)


def properties(*found: tuple[int, int, bytes]) -> bytes:
    return struct.pack("<I", len(found)) + b"".join(struct.pack("<HH", kind, name) + data for kind, name, data in found)


def packed(*body: bytes, files: tuple[tuple[str, bytes], ...] = ()) -> bytes:
    made = b"\x78\x9f\x3e\x22\x01\x00" + attribute(1, 0x9007, 6, struct.pack("<II", 1252, 0)) + b"".join(body)
    for name, data in files:
        made += (
            attribute(2, 0x9002, 6, bytes(14))
            + attribute(2, 0x8010, 1, b"KEYS~1.CSV\0")
            + attribute(2, 0x800F, 6, data)
        )
        long = properties((3, 0x0E20, bytes(4)), (0x1F, 0x3707, bytes_of(f"{name}\0".encode("utf-16-le"))))
        made += attribute(2, 0x9005, 6, long)
    return made


SUBJECT = attribute(1, 0x8004, 1, "Schlüssel\0".encode("cp1252"))
RICH = attribute(1, 0x9003, 6, properties((0x0B, 0x0E1B, bytes(4)), (0x102, 0x1009, bytes_of(HELLO))))


def test_packed_text_is_unpacked() -> None:
    assert unpacked(HELLO) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@pytest.mark.parametrize("name", ["winmail.dat", "WINMAIL.DAT", "a.tnef"])
def test_text_and_attachments_are_read(name: str) -> None:
    found = registry.read(packed(SUBJECT, RICH, files=(("keys and doors.csv", CSV),)), name)
    assert found.title == "Schlüssel"
    assert "hello world" in found.text
    assert "Door: Boiler room; Key: K-88." in found.text
    assert [one.text for one in found.headings] == ["Schlüssel", "Attachment: keys and doors.csv"]


def test_a_message_in_a_packed_message() -> None:
    sign = b"\x07\x03\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"
    inner = packed(SUBJECT, RICH)
    held = properties((0x0D, 0x3701, bytes_of(sign + inner)))
    outer = packed(attribute(2, 0x9002, 6, bytes(14)), attribute(2, 0x9005, 6, held))
    assert "hello world" in registry.read(outer, "winmail.dat").text


def test_a_message_says_its_packed_text_once() -> None:
    data = base64.encodebytes(packed(SUBJECT, RICH, files=(("keys.csv", CSV),))).decode()
    message = (
        "From: Ada <ada@example.org>\nSubject: Keys\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=B\n\n--B\n"
        "Content-Type: text/plain\n\nHello world.\n--B\nContent-Type: application/ms-tnef; name=winmail.dat\n"
        f"Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=winmail.dat\n\n{data}\n--B--\n"
    )
    text = registry.read(message.encode(), "a.eml").text
    assert text.casefold().count("hello world") == 1
    assert "Attachments: winmail.dat, keys.csv." in text
    assert "Door: Attic; Key: K-12." in text


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_damage_raises_nothing_but_a_document_error(noise: bytes, at: int) -> None:
    whole = packed(SUBJECT, RICH, files=(("keys.csv", CSV),))
    for data in (whole[:at] + noise, whole[:at] + noise + whole[at + len(noise) :]):
        try:
            registry.read(data, "winmail.dat")
        except DocumentError:
            pass

"""What every reader keeps, Tandem's own and those that other packages bring."""

from importlib.metadata import EntryPoint

import pytest

from rag.errors import DocumentError
from rag.formats import registry
from rag.formats.extracted import Builder, Extracted

NAMES = sorted({reader: f"file{extension}" for extension, reader in registry.readers().items()}.values())
ODD = {
    "nothing": b"",
    "blank": b" \n\t\n",
    "noise": bytes(range(256)) * 40,
    "zeros": bytes(4096),
    "half a zip": b"PK\x03\x04" + bytes(60),
    "half an OLE file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(700),
    "brackets": b"[" * 60_000,
    "tags": b"<a>" * 20_000,
    "braces": b"{\\rtf1 " + b"{" * 20_000,
    "text": "Der Schlüssel hängt in Raum 7.\nFragen Sie die Wache.\n".encode(),
    "old text": "Anahtar yedi numaralı odada; bekçiye sorun, şifre gerekmez.".encode("cp1254"),
}


def check(found: Extracted) -> None:
    """What every text that a reader gives is like."""
    assert "\r" not in found.text and "\x00" not in found.text
    for heading in found.headings:
        assert found.text[heading.start : heading.end] == heading.text
        assert heading.level >= 1
    starts = [heading.start for heading in found.headings]
    assert starts == sorted(starts)
    assert list(found.pages) == sorted(found.pages)
    assert all(0 <= page <= len(found.text) for page in found.pages)
    assert all(note.endswith(".") and "\n" not in note for note in found.notes)


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_gives_text_or_one_sentence(name: str) -> None:
    for what, data in ODD.items():
        try:
            check(registry.read(data, name))
        except DocumentError as error:
            said = str(error)
            assert said.endswith(".") and "\n" not in said and "Traceback" not in said, what


def test_another_package_brings_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = EntryPoint("dwg", f"{__name__}:read_drawing", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [mine])
    registry.readers.cache_clear()
    try:
        assert registry.readable("plan.DWG")
        assert registry.read(b"Hall 3", "plan.dwg").text == "Drawing: Hall 3"
    finally:
        registry.readers.cache_clear()


def read_drawing(data: bytes) -> Extracted:
    builder = Builder()
    builder.add(f"Drawing: {data.decode()}")
    return builder.build()


def test_what_no_reader_takes_says_what_to_do() -> None:
    with pytest.raises(DocumentError, match=r"Files of type \.pages are not read; save it as DOCX\."):
        registry.read(b"x", "letter.pages")
    with pytest.raises(DocumentError, match="without extension"):
        registry.read(b"x", "letter")

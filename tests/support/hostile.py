"""A folder of files as nobody wishes them: broken, encrypted, endless, disguised, unreadable."""

from __future__ import annotations

import io
import os
import random
import sys
import zipfile
from pathlib import Path

from tests.support import documents

XML = '<?xml version="1.0"?>'
# A page tree that contains itself.
CIRCLE = b"""%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [2 0 R 2 0 R] /Count 900000000>> endobj
trailer <</Root 1 0 R>>
%%EOF"""


def make(folder: Path) -> dict[str, str]:
    """Fill `folder`; returns the name of every bad file with a word of the reason to be given for it."""
    bad: dict[str, str] = {}

    def add(name: str, data: bytes, reason: str) -> None:
        (folder / name).write_bytes(data)
        bad[name] = reason

    whole = documents.pdf("A pelican carries three litres of water in its beak.")
    noise = random.Random(7).randbytes(20_000)
    add("encrypted.pdf", documents.pdf("Secret.", password="tide"), "password")
    add("broken.pdf", b"%PDF-1.7\n" + noise, "damaged")
    add("truncated.pdf", whole[:300], "damaged")
    add("pictures.pdf", documents.pdf("", ""), "only pictures")
    add("page-in-disguise.pdf", b"<html><body>Not a PDF.</body></html>", "damaged")
    add("circle.pdf", CIRCLE, "pictures|damaged")
    add("encrypted.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise, "encrypted")
    add("password.docx", _with_password(documents.word("Secret.")), "password")
    add("bomb.docx", _bomb("word/document.xml", 310), "300 MB")
    add("bomb.xlsx", _boasting("xl/worksheets/sheet1.xml"), "300 MB")
    add("bomb.pptx", _boasting("ppt/presentation.xml"), "300 MB")
    add("bomb.epub", _boasting("book/c0.xhtml"), "300 MB")
    add("deep.docx", replaced(documents.word("x"), "word/document.xml", _deep(100_000)), "damaged|not a readable DOCX")
    add("laughs.docx", replaced(documents.word("x"), "word/document.xml", _laughs()), "damaged|no text")
    add("archive.docx", documents.archive({"readme.txt": "only a zip"}), "damaged|not a readable DOCX")
    add("noise.docx", noise, "not a readable DOCX")
    add("half.pptx", documents.slides(("Title", "Text"))[:9_000], "not a readable PPTX")
    add("empty.xlsx", b"", "empty")
    add("empty.md", b"", "empty")
    add("blank.txt", b" \n\t\n" * 100, "empty")
    add("noise.txt", noise, "binary|not a text file")
    add("picture.md", b"\x89PNG\r\n\x1a\n" + noise, "binary|not a text file")
    add("noise.csv", b"a,b\n" + noise, "binary|not a text file")
    add("cell.csv", b"a,b\n1," + b'"' + b"x" * 2_000_000 + b'"\n', "table cannot be read")
    add("endless.csv", b"a,b\n" + (b"x" * 150 + b"," + b"y" * 150 + b"\n") * 70_000, "20 million")
    add("no-container.epub", documents.archive({"x.html": "<p>x</p>"}), "damaged")
    add("encrypted.epub", documents.book("Locked", "<p>x</p>", encrypted=True), "protected")
    add("no-mail.eml", b"just a note, no headers at all\n\nhello", "not a mail message")
    add("scripts.html", b"<html><body><script>alert(1)</script><nav>Menu</nav></body></html>", "no text")
    add("nested.md", b">" * 50_000 + b" Plovers run along the beach.", "no text")
    add("old.doc", b"\xd0\xcf\x11\xe0" + noise, "save it as DOCX")
    add("old.xls", b"\xd0\xcf\x11\xe0" + noise, "save it as XLSX")
    huge = folder / "huge.txt"
    with huge.open("wb") as stream:
        stream.truncate(1_000_000_000)  # no disk is taken: the file is a hole
    bad["huge.txt"] = "more than 100 MB"
    if sys.platform != "win32":
        os.mkfifo(folder / "pipe.md")
        (folder / "loop.md").symlink_to("loop.md")
        (folder / "dangling.md").symlink_to("nowhere.md")
        outside = folder.parent / "outside.md"
        outside.write_text("The outside is not to be read.", encoding="utf-8")
        (folder / "outside.md").symlink_to(outside)
        (folder / "tree").symlink_to(folder, target_is_directory=True)
        bad |= {"pipe.md": "pipe", "loop.md": "circle", "dangling.md": "nowhere", "outside.md": "out of the folder"}
    if sys.platform == "linux":
        (folder / os.fsdecode(b"caf\xe9.md")).write_bytes(b"A name in an old encoding.")
        bad["caf\ufffd.md"] = "not valid Unicode"
        if os.geteuid() != 0:
            (folder / "closed.md").write_text("Closed.", encoding="utf-8")
            (folder / "closed.md").chmod(0)
            bad["closed.md"] = "permissions"
    return bad


def add_good(folder: Path) -> dict[str, str]:
    """Add readable files that look difficult; returns a phrase that each holds."""
    (folder / "latin.txt").write_bytes("Das Büro schließt früher: Gänse fliegen über die Straße.".encode("latin-1"))
    (folder / "wide.txt").write_bytes("Storks arrive in spring on the roof.".encode("utf-16"))
    (folder / "mixed.pdf").write_bytes(documents.pdf("", "Herons stand in shallow water at dawn."))
    (folder / "nested.html").write_text("<div>" * 10_000 + "Swifts sleep in the air.", encoding="utf-8")
    (folder / "brackets.md").write_text("[" * 10_000 + " Dippers walk under water.", encoding="utf-8")
    (folder / "UPPER.MD").write_text("# Owls\n\nOwls turn their heads by 270 degrees.", encoding="utf-8")
    if sys.platform != "win32":
        (folder / "two\nlines.md").write_text("Wrens sing loudly for their size.", encoding="utf-8")
    (folder / "folder.pdf").mkdir()
    (folder / "folder.pdf" / "inside.txt").write_text("Cranes dance on the meadow.", encoding="utf-8")
    return ({} if sys.platform == "win32" else {"two\nlines.md": "Wrens sing"}) | {
        "latin.txt": "Gänse fliegen",
        "wide.txt": "Storks arrive",
        "mixed.pdf": "Herons stand",
        "nested.html": "Swifts sleep",
        "brackets.md": "Dippers walk",
        "UPPER.MD": "270 degrees",
        "folder.pdf/inside.txt": "Cranes dance",
    }


def _bomb(name: str, megabytes: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package, package.open(name, "w") as stream:
        for _ in range(megabytes):
            stream.write(b" " * 1_000_000)
    return out.getvalue()


def _boasting(name: str) -> bytes:
    """An archive whose directory says that it unpacks to 4 GB."""
    data = bytearray(documents.archive({name: "x"}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (0xF0000000).to_bytes(4, "little")
    return bytes(data)


def replaced(package: bytes, name: str, content: str) -> bytes:
    """The archive with other content in one of its files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
    return out.getvalue()


def _with_password(package: bytes) -> bytes:
    """The archive with the mark on every entry that says that it is encrypted."""
    data = bytearray(package)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 1)
    return bytes(data)


def _deep(levels: int) -> str:
    return XML + "<a>" * levels + "</a>" * levels


def _laughs() -> str:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    return (
        f'{XML}<!DOCTYPE w [<!ENTITY l0 "ha">{entities}]><w:document {word}><w:body><w:p><w:r><w:t>&l11;</w:t></w:r>'
        "</w:p></w:body></w:document>"
    )

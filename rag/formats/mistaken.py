"""What a file is whose name says something else: programs export web pages as XLS, rich text as DOC, mail as MSG, and
people write markup into files that are called texts.

Knows how files of each kind begin. Does not know readers; judges only names of office documents, mail and texts, never
guesses where a file begins as its name says.
"""

from __future__ import annotations

import io
import zipfile

import olefile
import regex

from rag.formats.marked_up import markup

_ARCHIVED = frozenset({".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".odt", ".ods", ".odp"})
_COMPOUND = frozenset({".doc", ".dot", ".xls", ".xlt", ".ppt", ".pps", ".msg"})
_OFFICE = _ARCHIVED | _COMPOUND | {".rtf", ".mht"}
_SHEETS = frozenset({".xls", ".xlt", ".xlsx", ".xlsm", ".ods"})
_PAGES = frozenset({".html", ".htm", ".txt"})
_ZIP, _OLE, _PDF, _RTF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF-", b"{\\rtf"
_MARKUP = regex.compile(
    rb"(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|style)\b", regex.I | regex.S
)
_WORKBOOK_2003 = b"urn:schemas-microsoft-com:office:spreadsheet"
_HEADERS = regex.compile(rb"(?:[A-Za-z][\w-]{1,60}:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){2,}")
_OF_MAIL = regex.compile(rb"^(?:mime-version|received|return-path|message-id|from|delivered-to):", regex.I | regex.M)
_OF_SAVED_PAGE = regex.compile(rb"^content-type:\s*multipart/related", regex.I | regex.M)
_HEAD = 4_096


def real_suffix(data: bytes, suffix: str) -> str:
    """The extension that fits what `data` is, where its beginning says so; else `suffix`, which its name has."""
    if suffix not in _OFFICE and suffix not in _PAGES:
        return suffix
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(_PDF):
        return ".pdf"
    if head.startswith(_RTF):
        return suffix if suffix in (".rtf", ".doc") else ".rtf"
    if suffix != ".mht" and (found := _HEADERS.match(head)) and _OF_MAIL.search(found[0]):
        if suffix == ".txt":
            return suffix
        return ".mht" if _OF_SAVED_PAGE.search(found[0]) else ".eml"
    if suffix in _PAGES:
        return markup(data) if suffix == ".txt" else suffix
    if head.startswith(_ZIP):
        return suffix if suffix in _ARCHIVED else _archived(data) or suffix
    if head.startswith(_OLE):
        return suffix if suffix in _COMPOUND else _compound(data) or suffix
    if suffix != ".mht" and _MARKUP.match(head):
        return ".html"
    if suffix in _SHEETS and head.startswith(b"<") and _WORKBOOK_2003 in head:
        return ".xml"
    return ".csv" if suffix in _SHEETS and _lines_of_cells(data[:_HEAD]) else suffix


def _archived(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except Exception:  # whatever a damaged archive makes the library stumble over: its reader says it
        return ""
    for folder, suffix in (("word/", ".docx"), ("xl/", ".xlsx"), ("ppt/", ".pptx")):
        if any(name.startswith(folder) for name in names):
            return suffix
    for word, suffix in ((b"opendocument.text", ".odt"), (b"spreadsheet", ".ods"), (b"presentation", ".odp")):
        if word in kind:
            return suffix
    return ""


def _compound(data: bytes) -> str:
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as file:
            names = {entry[-1] for entry in file.listdir()}
    except Exception:  # as above
        return ""
    for stream, suffix in (
        ("WordDocument", ".doc"), ("Workbook", ".xls"), ("Book", ".xls"), ("PowerPoint Document", ".ppt"),
        ("__properties_version1.0", ".msg"),
    ):  # fmt: skip
        if stream in names:
            return suffix
    return ""


def _lines_of_cells(head: bytes) -> bool:
    """Whether a file is text whose first lines have the same number of cells, more than one."""
    if any(byte < 9 for byte in head):
        return False
    lines = [line for line in head.split(b"\n")[:-1] if line.strip()][:5] or [head]
    return any(len({line.count(sign) for line in lines}) == 1 and sign in lines[0] for sign in (b"\t", b";", b","))

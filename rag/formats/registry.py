"""The one table of readers: which reader a file's extension calls for.

Knows extensions, the readers that other packages bring (entry points of the group `tandem.readers`, each named by an
extension and leading to a reader), and what people could save a file as that no reader takes. Imports a reader when the
first file needs it. Does not know files, sizes or what becomes of the text.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import PurePath
from typing import Protocol, cast

from rag.errors import DocumentError
from rag.formats.articles import with_headings
from rag.formats.extracted import Extracted
from rag.formats.mistaken import real_suffix
from rag.formats.recognised import Recogniser

GROUP = "tandem.readers"


class Reader(Protocol):
    """Reads one kind of file. Every reader passes tests/contracts/test_readers.py."""

    def __call__(self, data: bytes) -> Extracted:
        """The text in `data`, with its headings and notes on what was left out.

        An odd part costs itself: it is noted. Raises DocumentError, one sentence, when nothing can be read; nothing
        else. Opens no file, fetches nothing, runs nothing that `data` brings.
        """
        ...


class PictureReader(Reader, Protocol):
    """A reader that can also read pictures of text."""

    def __call__(self, data: bytes, recogniser: Recogniser | None = None) -> Extracted:
        """As `Reader`; the pages that are pictures are read by the `recogniser`, and else named in `unread`."""
        ...


_CODE = "py js ts tsx jsx java c h cc cpp hpp cs go rs rb php swift kt scala sh bash ps1 sql r lua pl css"
_SETTINGS = "toml ini cfg conf properties"
_FAMILIES = {
    "markdown:read_markdown": "md markdown mdown mkd",
    "markdown:read_mdx": "mdx",
    "text:read_text": "txt text log",
    "text:read_subtitles": "vtt srt",
    "text:read_csv": "csv tsv",
    "text:read_code": f"{_CODE} {_SETTINGS}",
    "markup:read_asciidoc": "adoc asciidoc asc",
    "markup:read_org": "org",
    "markup:read_wiki": "wiki mediawiki",
    "latex:read_latex": "tex latex",
    "restructured:read_rst": "rst rest",
    "structured:read_notebook": "ipynb",
    "structured:read_json": "json jsonl ndjson geojson",
    "structured:read_yaml": "yaml yml",
    "elements:read_xml": "xml dita ditamap docbook dbk rss atom",
    "html:read_html": "html htm xhtml",
    "pdf:read_pdf": "pdf",
    "wordprocessing:read_docx": "docx docm dotx dotm",
    "presentation:read_pptx": "pptx pptm ppsx ppsm potx potm",
    "spreadsheet:read_xlsx": "xlsx xlsm xltx xltm",
    "image:read_image": "png jpg jpeg tif tiff webp",
    "opendocument:read_opendocument": "odt ods odp ott ots otp fodt fods fodp odg",
    "rich_text:read_rtf": "rtf",
    "legacy:read_doc": "doc dot wps",
    "legacy:read_xls": "xls xlt xlsb",
    "legacy:read_ppt": "ppt pps pot",
    "archives:read_zip": "zip",
    "archives:read_tar": "tar tgz tbz2 txz",
    "archives:read_packed": "gz bz2 xz",
    "epub:read_epub": "epub",
    "mail:read_eml": "eml",
    "mail:read_mbox": "mbox",
    "mail:read_mhtml": "mhtml mht",
    "outlook:read_msg": "msg oft",
    "tnef:read_tnef": "tnef",
    "calendar:read_calendar": "ics ifb",
    "calendar:read_contacts": "vcf",
}
_WITH_PICTURES = frozenset({"rag.formats.pdf:read_pdf", "rag.formats.image:read_image"})
_IN_ARTICLES = frozenset(
    f"rag.formats.{reader}"
    for reader in (
        "text:read_text", "pdf:read_pdf", "image:read_image", "wordprocessing:read_docx", "rich_text:read_rtf",
        "opendocument:read_opendocument", "legacy:read_doc", "html:read_html",
    )
)  # fmt: skip
"""Readers of prose, whose articles may be marked by nothing but their words."""
OWN_FILES = frozenset({"questions.yaml"})
"""Files that lie beside documents but are Tandem's own: questions with their answers would answer themselves."""
_NAMES = "readme license licence notice copying changelog changes authors contributors install news todo"
NAMED = frozenset(_NAMES.split())
"""Files without an extension that are texts, by their names."""
_BY_NAME = {**dict.fromkeys(NAMED, ".txt"), "winmail.dat": ".tnef"}
# Documents that people expect to be read, and what to do about them.
CONVERTIBLE = {".pages": "DOCX", ".key": "PPTX", ".numbers": "XLSX", ".mobi": "EPUB", ".one": "PDF", ".vsd": "PDF"}


@cache
def readers() -> dict[str, str]:
    """Where the reader of each extension (with its dot) lies, as "module:function"; another package's comes first."""
    own = {
        f".{extension}": f"rag.formats.{reader}"
        for reader, extensions in _FAMILIES.items()
        for extension in extensions.split()
    }
    return own | {f".{point.name.lower().lstrip('.')}": point.value for point in entry_points(group=GROUP)}


def readable(name: str) -> bool:
    """Whether the library takes notice of files with this name: it reads them, or says how they could be read."""
    kind = suffix(name)
    return (kind in readers() or kind in CONVERTIBLE) and PurePath(name).name not in OWN_FILES


def suffix(name: str) -> str:
    """The extension that says how a file is read, lower case with its dot, also where only its name says that it is a
    text; "" where nothing says it.
    """
    path = PurePath(name)
    return _BY_NAME.get(path.name.lower(), path.suffix.lower())


def reader_for(name: str) -> Reader:
    """The reader for files of this name. Raises DocumentError where there is none."""
    kind = suffix(name)
    found = readers().get(kind)
    if found is None:
        advice = f"save it as {CONVERTIBLE[kind]}" if kind in CONVERTIBLE else "save it in another format"
        raise DocumentError(f"Files of type {kind or 'without extension'} are not read; {advice}.")
    module, _, function = found.partition(":")
    try:
        return cast(Reader, getattr(import_module(module), function))
    except (ImportError, AttributeError) as error:
        raise DocumentError(
            f"The reader of {kind} files is not installed rightly ({error}); install it anew."
        ) from error


def read(data: bytes, name: str, recogniser: Recogniser | None = None) -> Extracted:
    """The text in `data`, read as the extension of `name` says, or as what it plainly is where that is another kind;
    the `recogniser` reads pictures of text, where the reader hands them to it. Raises DocumentError.
    """
    reader = reader_for(name)
    kind = real_suffix(data, suffix(name))
    if kind != suffix(name):
        reader = reader_for(f"document{kind}")
    try:
        if recogniser is not None and readers()[kind] in _WITH_PICTURES:
            found = cast(PictureReader, reader)(data, recogniser)
        else:
            found = reader(data)
        return with_headings(found) if readers()[kind] in _IN_ARTICLES else found
    except (RecursionError, UnicodeError) as error:
        raise DocumentError("The file is too deeply nested or damaged to be read; save it again.") from error

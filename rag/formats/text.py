"""Plain text, Markdown, comma-separated values and source code.

Knows encodings and Markdown's structure. Does not know files: it is handed bytes.
"""

from __future__ import annotations

import csv
import io

import regex
import yaml
from bs4 import BeautifulSoup
from charset_normalizer import from_bytes
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted
from rag.formats.tables import add_table

_CONTROL = regex.compile(r"[\p{Cc}--[\t\n\r\f\v\x1b\x85]]", regex.V1)
_FRONT_MATTER = regex.compile(r"\A---[^\S\n]*\n(.*?)\n---[^\S\n]*(?:\n|\Z)", regex.S)


def decode(data: bytes) -> str:
    """The text in `data`: UTF-8 or what its byte order mark says, else the likeliest encoding.

    Raises DocumentError for bytes that are no text.
    """
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        guess = from_bytes(data[:200_000]).best()
        if guess is None:
            raise DocumentError("It is not a text file; save it as UTF-8 text or remove it.") from None
        text = data.decode(guess.encoding, errors="replace")
    if len(_CONTROL.findall(text[:100_000])) * 50 > min(len(text), 100_000):
        raise DocumentError("It holds binary data although its name says text; check the file's extension.")
    return text


def read_text(data: bytes) -> Extracted:
    """Plain text; its first line is its title when it is short and stands alone."""
    builder = Builder()
    text = decode(data)
    first, _, rest = text.strip().partition("\n")
    if len(first) <= 100 and rest.startswith(("\n", "=", "-")) and first.strip():
        builder.title = first
    builder.add(text.strip("\n"))
    return builder.build()


def read_code(data: bytes) -> Extracted:
    """Source code: text whose title is the file's name."""
    builder = Builder()
    builder.add(decode(data))
    return builder.build()


def read_csv(data: bytes) -> Extracted:
    """A table: every row becomes one line "column: value; column: value" so that a row can be found by its header."""
    text = decode(data)
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:20_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    builder = Builder()
    csv.field_size_limit(1_000_000)
    try:
        add_table(builder, csv.reader(io.StringIO(text), dialect))
    except csv.Error as error:
        raise DocumentError(
            f"The table cannot be read ({error}); export it again as comma-separated values."
        ) from error
    return builder.build()


def read_markdown(data: bytes) -> Extracted:
    """Markdown (CommonMark with tables) as plain text: no marks, link targets, images' addresses, comments or raw
    HTML.
    """
    text = decode(data)
    builder = Builder()
    front = _FRONT_MATTER.match(text.replace("\r\n", "\n"))
    if front:
        text = text.replace("\r\n", "\n")[front.end() :]
        builder.title = _title_of(front[1])
    _walk(MarkdownIt("commonmark").enable("table").parse(text), builder)
    return builder.build()


def _title_of(front_matter: str) -> str:
    try:
        values = yaml.safe_load(front_matter)
    except yaml.YAMLError:
        return ""
    title = values.get("title") if isinstance(values, dict) else None
    return title if isinstance(title, str) else ""


def _walk(stream: list[Token], builder: Builder) -> None:
    row: list[str] | None = None
    grid: list[list[str]] = []
    bullets: list[int | None] = []
    prefix = ""
    at = 0
    while at < len(stream):
        token = stream[at]
        match token.type:
            case "heading_open":
                builder.heading(_inline(stream[at + 1]), int(token.tag[1]))
                at += 2
            case "bullet_list_open":
                bullets.append(None)
            case "ordered_list_open":
                bullets.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                bullets.pop()
            case "list_item_open":
                number = bullets[-1]
                prefix = "  " * (len(bullets) - 1) + ("- " if number is None else f"{number}. ")
                if number is not None:
                    bullets[-1] = number + 1
            case "tr_open":
                row = []
            case "tr_close":
                grid.append(row or [])
                row = None
            case "table_close":
                add_table(builder, grid)
                grid = []
            case "inline":
                if row is not None:
                    row.append(_inline(token))
                else:
                    builder.add(prefix + _inline(token), separator="\n" if bullets and prefix else "\n\n")
                    prefix = ""
            case "fence" | "code_block":
                builder.add(token.content)
            case "html_block":
                builder.add(_text_of_html(token.content))
        at += 1


def _inline(token: Token) -> str:
    parts: list[str] = []
    for child in token.children or []:
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak" | "hardbreak":
                parts.append(" ")
            case "image":
                parts.append(child.content)
            case "html_inline" if child.content.lower().startswith("<br"):
                parts.append(" ")
    return "".join(parts)


def _text_of_html(fragment: str) -> str:
    return BeautifulSoup(fragment, "lxml").get_text(" ", strip=True)

"""Markdown and MDX as plain text.

Knows CommonMark, its usual extensions and what stands before it as front matter. Does not know files.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import regex
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.formats.extracted import Builder, Extracted
from rag.formats.html import add_html
from rag.formats.items import joined
from rag.formats.tables import add_table
from rag.formats.text import begin

_FRONT = regex.compile(r"\A\s*(---|\+\+\+)[^\S\n]*\n(.*?)\n(?:\1|\.\.\.)[^\S\n]*(?:\n|\Z)", regex.S)
_HTML_TABLE = regex.compile(r"<table\b.*?</table\s*>", regex.S | regex.I)
_BLANK = regex.compile(r"\n[^\S\n]*(?=\n)")
_FENCED = regex.compile(r"(?ms)^([^\S\n]*)(```+|~~~+).*?(?:^\1\2`*[^\S\n]*$|\Z)")
_WIKI_LINK = regex.compile(r"!?\[\[([^\[\]|\n]{1,300})(?:\|([^\[\]\n]{1,300}))?\]\]")
_ALERT = regex.compile(r"^\[!(\w+)\][+-]?\s*")
_MARK = regex.compile(r"(?m)^[^\S\n]*(?::{3,}.*|!!![^\S\n]+\S+.*|\{%.*%\}|\{#.*#\})$")
_MARKS = (":::", "!!!", "{%", "{#")
_CONTENTS = regex.compile(r"(?mi)^[^\S\n]*(?:\[TOC\]|\[\[_?TOC_?\]\])[^\S\n]*$")
"""Where other renderers put a table of contents."""
_GLUED = regex.compile(r"(?m)^(#{1,6})([^#\s!][^\n]*)\n(?:-{3,}|={3,})[^\S\n]*$")
"""A heading marked twice, without the space that CommonMark wants: it would take in the lines before it."""
_ATTRIBUTES = regex.compile(r"\s*\{[#.][^{}\n]*\}\s*$")
_STRUCK = regex.compile(r"~~(?=\S)(.+?)(?<=\S)~~")
_FOOTNOTE = regex.compile(r"\[\^([^\[\]\s]+)\](:?)")
_JSX_LINE = regex.compile(r"(?ms)^(?:import\s[^\n]*?from\s[^\n]*|import\s+['\"][^\n]*|export\s.*?(?:;|\})[^\S\n]*)$\n?")
_JSX_TAG = regex.compile(
    r"</?[A-Z][\w.]*(?:\s+[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|\{(?:[^{}]|\{[^{}]*\})*\}))?)*\s*/?>|</?>"
)
_JSX_WORDS = regex.compile(r"\b(?:title|label|caption|summary|alt|heading)=(?:\"([^\"]+)\"|'([^']+)')")
_JSX_COMMENT = regex.compile(r"\{/\*.*?\*/\}", regex.S)
_BARE_TAGS = regex.compile(r"(?:\s*+(?:</?(?:div|span|section|center|p|br)\b[^<>]*+>|<!--[^<>]*-->))*+\s*", regex.I)
"""HTML that shows nothing: borders of blocks, and comments."""
_PLAIN_ADDRESS = re.compile(r"[\w./#?=&:%+~,@-]*", re.ASCII)
_DEEPEST = 4
_MOST_HTML_TABLES = 1_000


class _Markdown(MarkdownIt):
    def normalizeLink(self, url: str) -> str:
        """Where a link leads is not shown: only what may be no link at all needs its normal form."""
        return url if _PLAIN_ADDRESS.fullmatch(url) else super().normalizeLink(url)


_parser = _Markdown("commonmark").enable("table")


def read_markdown(data: bytes) -> Extracted:
    """Markdown (CommonMark with tables) as plain text: no marks, link targets, images' addresses or comments; front
    matter as "name: value" lines, HTML as in a page.
    """
    builder, text = begin(data)
    add_markdown(builder, text)
    return builder.build()


def read_mdx(data: bytes) -> Extracted:
    """Markdown with components: their text and their titles, without imports, exports and tags."""
    builder, text = begin(data)
    add_markdown(builder, _outside_code(text, _without_components))
    return builder.build()


def add_markdown(builder: Builder, text: str) -> None:
    """Append Markdown; a title the builder lacks is taken from its front matter."""
    if front := _FRONT.match(text):
        values = _values(front[1], front[2])
        if values:
            text = text[front.end() :]
            if not builder.title and isinstance(values.get("title"), str):
                builder.title = values["title"]
            builder.add("\n".join(f"{name}: {value}" for name, value in _lines(values) if value))
    # A blank line would end the HTML, and the rows below it would be text.
    if text.count("<table") < _MOST_HTML_TABLES:
        text = _HTML_TABLE.sub(lambda table: _BLANK.sub("", table[0]), text)
    _walk(_parser.parse(_outside_code(text, _plainer)), builder)


def _values(mark: str, front: str) -> dict[str, Any]:
    try:
        values = yaml.safe_load(front) if mark == "---" else tomllib.loads(front)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _lines(values: dict[Any, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Settings as ("a b", "value") pairs; names with their underscores as spaces too."""
    for name, value in values.items():
        words = f"{prefix} {str(name).replace('_', ' ')}".strip()
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _lines(value, words, depth + 1)
        elif isinstance(value, list):
            yield words, ", ".join(str(one) for one in value if one is not None)
        elif value is not None and not isinstance(value, bool):
            yield words, " ".join(str(value).split())
        elif isinstance(value, bool):
            yield words, "yes" if value else "no"


def _outside_code(text: str, change: Any) -> str:
    """`text` with `change` made to everything but fenced code."""
    if "```" not in text and "~~~" not in text:
        return str(change(text))
    parts: list[str] = []
    at = 0
    for fence in _FENCED.finditer(text):
        parts += [change(text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, change(text[at:])])


def _plainer(text: str) -> str:
    if any(sign in text for sign in _MARKS):
        text = _MARK.sub(_named, text)
    if "#" in text:
        text = _GLUED.sub(r"\1 \2\n", text)
    if "[" in text:
        text = _CONTENTS.sub("", text)
    return _WIKI_LINK.sub(lambda link: link[2] or link[1], text) if "[[" in text else text


def _named(mark: regex.Match[str]) -> str:
    """What a container's opening line says besides its kind."""
    line = mark[0].strip()
    if line.startswith("!!!"):
        title = regex.search(r'"([^"]+)"', line)
        return title[1] if title else ""
    if line.startswith(":::"):
        words = line.lstrip(":").strip().split(maxsplit=1)
        return words[1].strip("[]{}") if len(words) > 1 and not words[0].startswith("{") else ""
    return ""


def _without_components(text: str) -> str:
    text = _JSX_COMMENT.sub("", _JSX_LINE.sub("", text))

    def words(tag: regex.Match[str]) -> str:
        said = [one or other for one, other in _JSX_WORDS.findall(tag[0])]
        return f"\n\n{'. '.join(said)}\n\n" if said else ""

    return regex.sub(r"(?m)^[^\S\n]{1,}(?=\S)(?![-*+]|\d+[.)])", "", _JSX_TAG.sub(words, text))


def _walk(stream: list[Token], builder: Builder) -> None:
    row: list[str] | None = None
    grid: list[list[str]] = []
    bullets: list[int | None] = []
    prefix, item = "", ""
    at = 0
    while at < len(stream):
        token = stream[at]
        match token.type:
            case "heading_open":
                builder.heading(_ATTRIBUTES.sub("", _inline(stream[at + 1])), int(token.tag[1]))
                at += 2
            case "bullet_list_open":
                bullets.append(None)
            case "ordered_list_open":
                start = token.attrGet("start")
                bullets.append(int(start) if start is not None else 1)
            case "bullet_list_close" | "ordered_list_close":
                bullets.pop()
            case "list_item_close":
                prefix, item = "", ""
            case "list_item_open":
                number = bullets[-1]
                prefix, item = "  " * (len(bullets) - 1) + ("- " if number is None else f"{number}. "), ""
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
                    words = _inline(token)
                    between, item = ("\n", words) if prefix else joined(item, words)
                    builder.add(prefix + words, separator=between)
                    prefix = ""
            case "fence" | "code_block":
                builder.code(token.content)
                item = ""
            case "html_block":
                html = token.content
                while at + 1 < len(stream) and _in_table(html) and stream[at + 1].type in ("html_block", "code_block"):
                    at += 1
                    html += stream[at].content
                if not _BARE_TAGS.fullmatch(html):
                    add_html(builder, html, fragment=True)
        at += 1


def _in_table(html: str) -> bool:
    """Whether a table is still open: a blank line in it ends the block of HTML, and what is indented below is code by
    the letter of CommonMark only.
    """
    plain = html.lower()
    return plain.count("<table") > plain.count("</table")


def _is_file_name(image: Token) -> bool:
    """Whether the words for a picture are no more than what its file is called."""
    stem = PurePosixPath(str(image.attrs.get("src", ""))).stem
    return " " not in image.content and image.content.casefold() == stem.casefold()


def _inline(token: Token) -> str:
    parts: list[str] = []
    for child in token.children or []:
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "image" if not _is_file_name(child):
                parts.append(child.content)
            case "softbreak" | "hardbreak":
                parts.append(" ")
            case "html_inline" if child.content.lower().startswith("<br"):
                parts.append(" ")
    text = "".join(parts)
    if "[" in text:
        text = _FOOTNOTE.sub(lambda note: f"({note[1]}) " if note[2] else f" ({note[1]})", text)
        text = _ALERT.sub(lambda alert: f"{alert[1].capitalize()}: ", text)
    return _STRUCK.sub(r"\1", text) if "~~" in text else text

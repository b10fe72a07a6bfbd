"""Which markup a text is written in whose name only says that it is a text.

Knows the marks that no other writing has: a directive, a role, a fenced block. Does not read any of them; a text with
nothing but underlined titles or lines behind a # is plain.
"""

from __future__ import annotations

import regex

_HEAD = 200_000
_UNDERLINED = regex.compile(
    rb"^(?P<title>[ ]{0,3}\S[^\n]{0,120})\n(?P<sign>[=\-~^\"'#*+.`])(?P=sign){2,}[ \t]*$", regex.M
)
_RESTRUCTURED = regex.compile(
    rb"^[ ]{0,3}\.\.[ ](?:[a-z][\w+:.-]*::|_[^:\n]{1,80}:)|(?<![\w`]):[a-z][\w:+.-]{1,30}:`[^`\n]+`", regex.M
)
_HASHED = regex.compile(rb"^(?P<level>#{1,6})[ ]\S", regex.M)
_MARKDOWN = regex.compile(
    rb"^(?:```|~~~)|\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)|\*\*[^*\s][^*\n]*\*\*|^(?:[-*+]|\d+\.)[ ]\S", regex.M
)
_ASCIIDOC = regex.compile(rb"\A(?:\s*//[^\n]*\n)*=[ ]\S[^\n]*\n(?s:.*?)^==+[ ]\S", regex.M)
_ORG = regex.compile(rb"\A\s*#\+[A-Za-z_]+:[^\n]*\n(?s:.*?)^\*+[ ]\S", regex.M)


def markup(data: bytes) -> str:
    """The extension of the markup of `data`; ".txt" where it is plain text."""
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if _RESTRUCTURED.search(head) and _UNDERLINED.search(head):
        return ".rst"
    levels = {len(found["level"]) for found in _HASHED.finditer(head)}
    if len(levels) > 1 and _MARKDOWN.search(head):
        return ".md"
    if _ASCIIDOC.search(head):
        return ".adoc"
    return ".org" if _ORG.search(head) else ".txt"

"""reStructuredText as plain text.

Knows how a document tree reads as text; `docutils` knows the markup. Directives and roles that only a site knows count
with what they hold. Includes no files, runs no code.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Directive, directives, roles

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.spans import Cell, named_once, placed
from rag.formats.tables import add_table
from rag.formats.text import begin

_SETTINGS = {
    "report_level": 5, "halt_level": 5, "file_insertion_enabled": False, "raw_enabled": False, "warning_stream": False,
    "_disable_config": True, "doctitle_xform": False, "sectsubtitle_xform": False, "docinfo_xform": False,
    "smart_quotes": False, "syntax_highlight": "none", "line_length_limit": 20_000, "embed_stylesheet": False,
}  # fmt: skip
_LONGEST_LINE = 5_000
_CODE_WORDS = """
code-block sourcecode highlight literalinclude doctest testcode testoutput prompt parsed-literal console shell
command-output program-output ipython jinja
"""
_CODE = frozenset(_CODE_WORDS.split())
_SILENT = ("toctree", "index", "only", "currentmodule", "module", "autoclass", "automodule", "autofunction", "contents")
_ADMONITIONS = (
    nodes.attention, nodes.caution, nodes.danger, nodes.error, nodes.hint, nodes.important, nodes.note, nodes.tip,
    nodes.warning,
)  # fmt: skip
_SKIPPED = (
    nodes.comment, nodes.system_message, nodes.substitution_definition, nodes.target, nodes.raw, nodes.pending,
    nodes.problematic, nodes.image,
)  # fmt: skip
_one_at_a_time = threading.Lock()  # the registers of directives and roles are the library's, not a document's


class _Unknown(Directive):  # type: ignore[misc]
    """A directive that the library does not know: its argument and its content count."""

    optional_arguments = 100
    final_argument_whitespace = True
    has_content = True
    option_spec = None

    def run(self) -> list[nodes.Node]:
        content = "\n".join(self.content)
        if self.name in _CODE:
            return [nodes.literal_block(content, content)] if content else []
        found: list[nodes.Node] = []
        if self.arguments and self.name not in _SILENT:
            words = " ".join(self.arguments)
            found.append(nodes.paragraph(words, words))
        if content and self.name not in ("toctree", "index"):
            inner = nodes.container()
            self.state.nested_parse(self.content, self.content_offset, inner)
            found += inner.children
        return found


def _any_role(name: str, rawtext: str, text: str, *_: Any, **__: Any) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """A role that the library does not know: its words, without the target."""
    words = text.rpartition("<")[0].strip() if text.endswith(">") and "<" in text else text
    words = words.lstrip("~!").rpartition(".")[2] if text.startswith("~") else words.lstrip("!")
    return [nodes.inline(rawtext, words or text)], []


def read_rst(data: bytes) -> Extracted:
    """reStructuredText: headings, paragraphs, lists, tables, code."""
    builder, text = begin(data)
    if max(map(len, text.split("\n"))) > _LONGEST_LINE:
        builder.add(text)
        return builder.build()
    with _one_at_a_time, _lenient():
        try:
            tree = publish_doctree(text, settings_overrides=_SETTINGS)
        except Exception as error:  # the library raises whatever odd markup makes it stumble over
            if isinstance(error, RecursionError):
                raise
            builder.add(text)
            builder.notes.append(f"Its markup was not understood ({type(error).__name__}): it was read as plain text.")
            return builder.build()
    try:
        for child in tree.children:
            _block(child, builder, 1)
    except RecursionError as error:
        raise DocumentError("The file is too deeply nested or damaged to be read; save it again.") from error
    return builder.build()


@contextmanager
def _lenient() -> Iterator[None]:
    """Let unknown directives and roles count with what they hold, while a document is read."""
    known_directive, known_role = directives.directive, roles.role

    def directive(name: str, language: Any, document: Any) -> tuple[Any, list[Any]]:
        if name in _CODE:
            return _Unknown, []
        found, messages = known_directive(name, language, document)
        return (found, messages) if found is not None else (_Unknown, [])

    def role(name: str, language: Any, line: int, reporter: Any) -> tuple[Any, list[Any]]:
        found, messages = known_role(name, language, line, reporter)
        return (found, messages) if found is not None else (_any_role, [])

    directives.directive, roles.role = directive, role
    try:
        yield
    finally:
        directives.directive, roles.role = known_directive, known_role


def _block(node: nodes.Node, builder: Builder, level: int, prefix: str = "") -> None:
    if isinstance(node, _SKIPPED):
        if isinstance(node, nodes.image) and node.get("alt"):
            builder.add(f"Picture: {node['alt']}")
        return
    if isinstance(node, nodes.section):
        title = next((one for one in node.children if isinstance(one, nodes.title)), None)
        if title is not None:
            builder.heading(title.astext(), level)
        for child in node.children:
            if child is not title:
                _block(child, builder, level + 1)
    elif isinstance(node, nodes.bullet_list | nodes.enumerated_list):
        _list(node, builder, level, prefix)
    elif isinstance(node, nodes.definition_list_item | nodes.field | nodes.option_list_item):
        words = " ".join(one_line(one.astext()) for one in node.children[:-1])
        _labelled(words, node.children[-1], builder, level)
    elif isinstance(node, nodes.table):
        _table(node, builder)
    elif isinstance(node, _ADMONITIONS):
        _labelled(type(node).__name__.capitalize(), node, builder, level)
    elif isinstance(node, nodes.literal_block | nodes.doctest_block | nodes.line_block):
        builder.add(node.astext())
    elif isinstance(node, nodes.footnote | nodes.citation):
        label = next((one.astext() for one in node.children if isinstance(one, nodes.label)), "")
        words = " ".join(one.astext() for one in node.children if not isinstance(one, nodes.label))
        builder.add(f"Note {label}: {one_line(words)}")
    elif isinstance(node, nodes.TextElement):
        builder.add(prefix + one_line(node.astext()), separator="\n" if prefix else "\n\n")
    else:
        for child in node.children:
            _block(child, builder, level, prefix)


def _labelled(label: str, body: nodes.Node, builder: Builder, level: int) -> None:
    """A label with what belongs to it: on one line with its first paragraph."""
    first, *rest = body.children or [nodes.paragraph()]
    if isinstance(first, nodes.paragraph):
        builder.add(f"{label}: {one_line(first.astext())}".rstrip(": "), separator="\n")
    else:
        builder.add(label)
        rest = [first, *rest]
    for child in rest:
        _block(child, builder, level)


def _list(node: nodes.Element, builder: Builder, level: int, prefix: str) -> None:
    indent = "  " * (len(prefix) - len(prefix.lstrip()) + bool(prefix.strip()))
    number = int(node.get("start", 1))
    for item in node.children:
        mark = f"{number}. " if isinstance(node, nodes.enumerated_list) else "- "
        number += 1
        for at, child in enumerate(item.children):
            if isinstance(child, nodes.bullet_list | nodes.enumerated_list):
                _list(child, builder, level, f"{indent}{mark}")
            else:
                _block(child, builder, level, f"{indent}{mark}" if at == 0 else "")


def _table(table: nodes.Element, builder: Builder) -> None:
    for title in table.children:
        if isinstance(title, nodes.title):
            builder.add(title.astext())
    cells = [
        [
            Cell(one_line(entry.astext()), int(entry.get("morecols", 0)) + 1, int(entry.get("morerows", 0)) + 1)
            for entry in row.children
        ]
        for row in table.findall(nodes.row)
    ]
    head = next(iter(table.findall(nodes.thead)), None)
    rows, joined = named_once(placed(cells), len(head.children) if head is not None else 0)
    add_table(builder, rows, header=True if joined or head is not None else None)

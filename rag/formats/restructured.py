"""reStructuredText as plain text.

Knows how a document tree reads as text; `docutils` knows the markup, `rag.formats.restructured_marks` what only a site
knows. Includes no files, runs no code.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from docutils import nodes
from docutils.core import publish_doctree

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.items import joined
from rag.formats.restructured_marks import MARK, field_name, lenient, tidy
from rag.formats.spans import Cell, named_once, placed
from rag.formats.tables import add_table
from rag.formats.text import begin

_SETTINGS = {
    "report_level": 5, "halt_level": 5, "file_insertion_enabled": False, "raw_enabled": False, "warning_stream": False,
    "_disable_config": True, "doctitle_xform": False, "sectsubtitle_xform": False, "docinfo_xform": False,
    "smart_quotes": False, "syntax_highlight": "none", "line_length_limit": 20_000, "embed_stylesheet": False,
}  # fmt: skip
_LONGEST_LINE = 5_000
_ADMONITIONS = (
    nodes.attention, nodes.caution, nodes.danger, nodes.error, nodes.hint, nodes.important, nodes.note, nodes.tip,
    nodes.warning,
)  # fmt: skip
_SKIPPED = (
    nodes.comment, nodes.system_message, nodes.substitution_definition, nodes.target, nodes.raw, nodes.pending,
    nodes.problematic, nodes.image,
)  # fmt: skip
_one_at_a_time = threading.Lock()  # the registers of directives and roles are the library's, not a document's


def read_rst(data: bytes) -> Extracted:
    """reStructuredText: headings, paragraphs, lists, tables, code."""
    builder, text = begin(data)
    if max(map(len, text.split("\n"))) > _LONGEST_LINE:
        builder.add(text)
        return builder.build()
    with _one_at_a_time, lenient():
        try:
            tree = publish_doctree(text, settings_overrides=_SETTINGS)
        except Exception as error:  # the library raises whatever odd markup makes it stumble over
            if isinstance(error, RecursionError):
                raise
            builder.add(text)
            builder.notes.append(f"Its markup was not understood ({type(error).__name__}): it was read as plain text.")
            return builder.build()
    try:
        tidy(tree)
        for child in tree.children:
            _block(child, builder, 1)
    except RecursionError as error:
        raise DocumentError("The file is too deeply nested or damaged to be read; save it again.") from error
    return builder.build()


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
    elif isinstance(node, nodes.definition_list_item | nodes.option_list_item):
        words = " ".join(one_line(one.astext()) for one in node.children[:-1])
        entry = isinstance(node, nodes.definition_list_item) and MARK in node["classes"]
        _labelled(words if entry else f"- {words}", node.children[-1], builder, level, "\n\n" if entry else "\n")
    elif isinstance(node, nodes.field):
        _labelled(field_name(one_line(node.children[0].astext())), node.children[-1], builder, level, "\n")
    elif isinstance(node, nodes.table):
        _table(node, builder)
    elif isinstance(node, _ADMONITIONS):
        _labelled(type(node).__name__.capitalize(), node, builder, level)
    elif isinstance(node, nodes.literal_block | nodes.doctest_block):
        builder.code(node.astext())
    elif isinstance(node, nodes.line_block):
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


def _labelled(label: str, body: nodes.Node, builder: Builder, level: int, separator: str = "\n\n") -> None:
    """A label with what belongs to it: on one line with its first paragraph."""
    first, *rest = _opened(body) or [nodes.paragraph()]
    if isinstance(first, nodes.paragraph):
        words = one_line(first.astext())
        said = f"{label}: {words}" if words else label
        builder.add(said, separator=separator)
        _go_on(said, rest, builder, level)
    else:
        builder.add(label, separator=separator)
        for child in (first, *rest):
            _block(child, builder, level)


def _go_on(said: str, rest: Sequence[nodes.Node], builder: Builder, level: int, mark: str = "") -> None:
    """What an item or entry holds besides its first paragraph, which is `said`: short paragraphs go on in its line."""
    for child in rest:
        if isinstance(child, nodes.paragraph):
            words = one_line(child.astext())
            between, said = joined(said, words)
            builder.add(words, separator=between)
        elif not isinstance(child, _SKIPPED):
            _block(child, builder, level, mark if isinstance(child, nodes.bullet_list | nodes.enumerated_list) else "")
            said = ""


def _opened(node: nodes.Node) -> list[nodes.Node]:
    """The blocks of an item, those that are only set in among them."""
    found: list[nodes.Node] = []
    for child in node.children:
        found.extend(_opened(child) if isinstance(child, nodes.block_quote) else [child])
    return found


def _list(node: nodes.Element, builder: Builder, level: int, prefix: str) -> None:
    indent = "  " * (len(prefix) - len(prefix.lstrip()) + bool(prefix.strip()))
    number = int(node.get("start", 1))
    for item in node.children:
        mark = f"{indent}{number}. " if isinstance(node, nodes.enumerated_list) else f"{indent}- "
        number += 1
        first, *rest = _opened(item) or [nodes.paragraph()]
        if isinstance(first, nodes.bullet_list | nodes.enumerated_list):
            _list(first, builder, level, mark)
        else:
            _block(first, builder, level, mark)
        _go_on(one_line(first.astext()) if isinstance(first, nodes.paragraph) else "", rest, builder, level, mark)


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

"""Directives and roles of reStructuredText that only a site knows, as the nodes of what they hold.

Knows how documentation names what it describes (a function, a setting, an option), says since when something is so, and
points elsewhere. Does not know documents, nor how a tree of nodes reads (`rag.formats.restructured` does).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

import regex
from docutils import nodes
from docutils.parsers.rst import Directive, directives, roles

_CODE_WORDS = """
code-block sourcecode highlight literalinclude doctest testcode testoutput prompt parsed-literal console shell
command-output program-output ipython jinja
"""
_CODE = frozenset(_CODE_WORDS.split())
_SILENT_WORDS = """
toctree index only ifconfig currentmodule module autoclass automodule autofunction automethod contents rst-class
cssclass program default-domain tabularcolumns sectionauthor moduleauthor codeauthor hlist
"""
_SILENT = frozenset(_SILENT_WORDS.split())
_SINCE = {
    "versionadded": "Added in version", "versionchanged": "Changed in version", "versionremoved": "Removed in version",
    "deprecated": "Deprecated since version", "deprecated-removed": "Deprecated since version",
}  # fmt: skip
_OPTION = regex.compile(r":[\w-]+:")
_OWN_NAME = regex.compile(r"\p{Lu}|[.(]")
_PLACE = regex.compile(r"/?(?:[\w.-]+/)*[\w-]+")
_VERSION = regex.compile(r"[\w.-]*\d[\w.-]*\+?")
_POINTS_AT_CODE = frozenset({"meth", "func", "class", "attr", "exc", "data", "mod", "obj", "const"})
_PARAMETERS = frozenset({"param", "parameter", "arg", "argument", "key", "keyword", "kwarg", "var", "ivar", "cvar"})
MARK = "mark"
"""The class of a paragraph that is the argument of a directive without content."""


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
        if content and self.name not in ("toctree", "index"):
            inner = nodes.container()
            self.state.nested_parse(self.content, self.content_offset, inner)
            found += inner.children
        arguments = list(takewhile(lambda word: not _OPTION.fullmatch(word), self.arguments))
        if self.name in _SINCE:
            return self._since(arguments, found)
        words = " ".join(arguments)
        style = self.name == "class" and not _OWN_NAME.search(words)  # one of a style sheet
        if style or self.name in _SILENT or not regex.search(r"\p{L}", words):
            return found
        if self.name == "seealso":
            return [nodes.paragraph("", "See also: ", *self._inline(words)), *found]
        if not found:
            return [nodes.paragraph(words, words, classes=[MARK])]
        return [described(words, found)]

    def _since(self, arguments: list[str], found: list[nodes.Node]) -> list[nodes.Node]:
        """What was changed, with the version in which it was."""
        version = list(takewhile(_VERSION.fullmatch, arguments))
        said = " ".join([_SINCE[self.name], *version[:1]])
        rest = " ".join(arguments[len(version) :])
        if not rest and found and isinstance(found[0], nodes.paragraph):
            return [nodes.paragraph("", f"{said}: ", *found[0].children), *found[1:]]
        inline = [nodes.Text(": "), *self._inline(rest)] if rest else [nodes.Text(".")]
        return [nodes.paragraph("", said, *inline), *found]

    def _inline(self, words: str) -> list[nodes.Node]:
        return list(self.state.inline_text(words, self.lineno)[0])


def described(name: str, found: list[nodes.Node]) -> nodes.Node:
    """What a name is, as an entry of a list of such."""
    body = nodes.definition("", *found)
    return nodes.definition_list_item("", nodes.term(name, name), body, classes=[MARK])


def _any_role(name: str, rawtext: str, text: str, *_: Any, **__: Any) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """A role that the library does not know: its words, without the target."""
    words = without_target(text)
    kind = name.rpartition(":")[2]
    if kind in _POINTS_AT_CODE:
        words = words.lstrip(".")
    if kind == "doc" and _PLACE.fullmatch(words):  # of another page, whose title is not known here
        own = words.rpartition("/")[2]
        words = own if _OWN_NAME.search(own) else own.replace("-", " ").replace("_", " ")
    if words.isdecimal():  # of a ticket, an issue
        words = f"{kind} {words}"
    words = words.lstrip("~!").rpartition(".")[2] if text.startswith("~") else words.lstrip("!")
    return [nodes.inline(rawtext, words or text)], []


def without_target(text: str) -> str:
    """The words of a reference, without the place in angle brackets that it leads to."""
    return text.rpartition("<")[0].strip() if text.endswith(">") and "<" in text else text


@contextmanager
def lenient() -> Iterator[None]:
    """Let unknown directives and roles count with what they hold, while a document is read. The registers are the
    library's, not a document's: one document at a time.
    """
    known_directive, known_role = directives.directive, roles.role

    def directive(name: str, language: Any, document: Any) -> tuple[Any, list[Any]]:
        if name in _CODE or name == "class":
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


def tidy(tree: nodes.document) -> None:
    """Take out what only a site shows otherwise: the targets of references, tables of contents, which say no more than
    the headings do, and arguments of directives that a heading right below says again (".. setting:: DEBUG").
    """
    for contents in [one for one in tree.findall(nodes.topic) if "contents" in one["classes"]]:
        contents.parent.remove(contents)
    for reference in tree.findall(nodes.title_reference):
        if (words := without_target(reference.astext())) != reference.astext():
            reference.children = [nodes.Text(words)]
    for mark in [one for one in tree.findall(nodes.paragraph) if MARK in one["classes"]]:
        below = mark.next_node(ascend=True, descend=False)
        while isinstance(below, nodes.target | nodes.comment) or (
            isinstance(below, nodes.paragraph) and MARK in below["classes"]
        ):
            below = below.next_node(ascend=True, descend=False)
        title = below.next_node(nodes.title) if isinstance(below, nodes.section) else None
        if title is not None and mark.astext().casefold() in title.astext().casefold():
            mark.parent.remove(mark)


def field_name(words: str) -> str:
    """The name of a field as people read it.

    >>> field_name("param name"), field_name("returns"), field_name("raises ValueError"), field_name("Author")
    ('- name', 'Returns', 'Raises ValueError', 'Author')
    """
    kind, _, name = words.partition(" ")
    if kind in _PARAMETERS and name:
        return f"- {name.split()[-1]}"
    if kind in ("return", "returns"):
        return "Returns"
    return f"Raises {name}" if kind in ("raise", "raises", "except", "exception") and name else words

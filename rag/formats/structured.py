"""Data that people read too: notebooks, JSON, YAML.

Knows that names lead to values, and that a list of alike records is a table. Builds no objects.
"""

from __future__ import annotations

import json
from typing import Any

import regex
import yaml

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.html import add_html
from rag.formats.markdown import add_markdown
from rag.formats.tables import add_table
from rag.formats.text import begin

_DEEPEST = 60
_MOST_VALUES = 200_000
_SMALL = 4
_LONGEST_OUTPUT = 4_000
_LARGEST_PAGE = 200_000
_COMMENT = regex.compile(r"(?m)(?:^|\s)#+[^\S\n]+(\S.*)$")
_PROSE = regex.compile(r"(?:\p{L}{2,}\W+){3}")
_MARKUP = regex.compile(r"</?(?:p|div|br|span|b|i|a|ul|li|h\d|table|strong|em)\b[^<>]*>", regex.I)
_ANSI = regex.compile(r"\x1b\[[0-9;]*m")
_YAML_TAG = regex.compile(r"(?<=[\s\[,:-])!(?:<[^>\s]*>|[\w!:/.-]*)(?=\s|$)")


def read_notebook(data: bytes) -> Extracted:
    """A Jupyter notebook: its texts, its code, and what was printed."""
    builder, text = begin(data)
    try:
        book = json.loads(text)
        cells = book.get("cells") or [cell for sheet in book.get("worksheets", []) for cell in sheet.get("cells", [])]
    except (json.JSONDecodeError, AttributeError, TypeError) as error:
        raise DocumentError("The notebook is damaged; open it in Jupyter and save it again.") from error
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = _joined(cell.get("source", cell.get("input", "")))
        if cell.get("cell_type") in ("markdown", "heading"):
            if cell["cell_type"] == "heading":
                source = f"{'#' * int(cell.get('level', 1))} {source}"
            add_markdown(builder, source)
        else:
            builder.code(source)
            for output in cell.get("outputs") or ():
                if table := _page(output):
                    add_html(builder, table, fragment=True)
                else:
                    builder.code(_output(output))
    return builder.build()


def _page(output: Any) -> str:
    """What a cell shows as a table on a page; "" where it shows none."""
    data = output.get("data") if isinstance(output, dict) else None
    page = _joined(data.get("text/html") or "") if isinstance(data, dict) else ""
    return page if "<table" in page and len(page) < _LARGEST_PAGE else ""


def _output(output: Any) -> str:
    if not isinstance(output, dict):
        return ""
    inner = output.get("data")
    data = inner if isinstance(inner, dict) else output
    text = _joined(output.get("text") or data.get("text/plain") or data.get("text") or "")
    return _ANSI.sub("", text)[:_LONGEST_OUTPUT]


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def read_json(data: bytes) -> Extracted:
    """JSON, or one JSON value a line: "name: value" lines, lists of records as tables."""
    builder, text = begin(data)
    try:
        values = [json.loads(text)]
    except json.JSONDecodeError:
        values = [_line(line) for line in text.split("\n") if line.strip()]
        if not values or sum(value is None for value in values) * 2 >= len(values):
            builder.add(text)  # settings with comments, or something like JSON: its words are there all the same
            return builder.build()
        values = [[value for value in values if value is not None]]
    for value in values:
        _Tree(builder).add(value)
    return builder.build()


def _line(line: str) -> Any:
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return None


class _PlainLoader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """Takes a value of a type that a program defines for what is written there."""


def _written(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_PlainLoader.add_multi_constructor("", _written)


def read_yaml(data: bytes) -> Extracted:
    """YAML: "name: value" lines, lists of records as tables. What is not valid is read as text."""
    builder, text = begin(data)
    try:
        documents = [] if _endless(text) else list(yaml.load_all(text, Loader=_PlainLoader))
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError):
        documents = []
    for document in documents:
        _Tree(builder).add(document)
    if not builder.length:
        builder.add(text)
    elif remarks := [line for line in (one[1].strip() for one in _COMMENT.finditer(text)) if _PROSE.match(line)]:
        builder.add("\n".join(remarks))
    return builder.build()


def _endless(text: str) -> bool:
    """Whether names that stand for other parts could unfold without end, or parts lie too deep for the library."""
    depth = deepest = 0
    for bracket in regex.findall(r"[\[\]{}]|^ {200}|- - - - - - - - ", text, flags=regex.M):
        depth += 1 if bracket in "[{" else -1 if bracket in "]}" else 0
        deepest = max(deepest, depth, 1_000 if len(bracket) > 1 else 0)
    return deepest > 200 or (text.count("*") > 200 and "&" in text)


class _Tree:
    """Writes nested values into a builder."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._count = 0

    def add(self, value: Any, path: tuple[str, ...] = ()) -> None:
        """Append a value that stands at `path`."""
        self._count += 1
        if len(path) > _DEEPEST or self._count > _MOST_VALUES:
            note = "Of very large data, the beginning was read."
            if note not in self._builder.notes:
                self._builder.notes.append(note)
            return
        if isinstance(value, dict):
            self._mapping(value, path)
        elif isinstance(value, list):
            self._list(value, path)
        else:
            self._builder.add(f"{words_of(path[-1])}: {shown_value(value)}" if path else shown_value(value))

    def _mapping(self, mapping: dict[Any, Any], path: tuple[str, ...]) -> None:
        own, others = _record(mapping)
        lines = [f"{words_of(name)}: {text}" for name, text in own.items()]
        where = " ".join(map(words_of, path))
        self._builder.add("\n".join([f"{where}:", *lines] if where and lines else lines))
        for name, one in others.items():
            self.add(one, (*path, name))

    def _list(self, values: list[Any], path: tuple[str, ...]) -> None:
        records = [_record(one) for one in values if isinstance(one, dict)]
        if len(records) > 1 and len(records) == len(values) and not any(others for _, others in records):
            names = list(dict.fromkeys(name for own, _ in records for name in own))
            if path:
                self._builder.add(" ".join(map(words_of, path)))
            rows = [[own.get(name, "") for name in names] for own, _ in records]
            add_table(self._builder, [[words_of(name) for name in names], *rows])
            return
        for one in values:
            self.add(one, path)


def _record(mapping: dict[Any, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The values that fit on a line, by name, and the others. A few values under a name are the record's own: an
    owner's name, the street of a place.
    """
    own: dict[str, str] = {}
    others: dict[str, Any] = {}
    for name, one in ((str(name), one) for name, one in mapping.items()):
        if one in ({}, [], None, ""):
            continue
        if text := _simple(one):
            own[name] = text
        elif isinstance(one, dict) and len(one) <= _SMALL and not any(isinstance(v, dict | list) for v in one.values()):
            own |= {f"{name} {key}": text for key, value in one.items() if (text := _simple(value))}
        else:
            others[name] = one
    return own, others


def _simple(value: Any) -> str:
    """A value that fits on a line, as text; "" for one that does not."""
    if (
        isinstance(value, list)
        and value
        and all(not isinstance(one, dict | list) for one in value)
        and len(value) <= 50
    ):
        return ", ".join(map(shown_value, value))
    return "" if isinstance(value, dict | list) else shown_value(value)


def shown_value(value: Any) -> str:
    """A single value as a person writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if _MARKUP.search(text):
        inner = Builder()
        add_html(inner, text, fragment=True)
        text = inner.build().text
    return one_line(text)


def words_of(name: str) -> str:
    """A name as words too: due_date, dueDate -> due date."""
    return one_line(regex.sub(r"(?<=\p{Ll})(?=\p{Lu}\p{Ll})|_", " ", name))

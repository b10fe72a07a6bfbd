"""The settings file and the environment as written: values, the lines they stand on, and what is wrong with them.

Knows YAML, variables, and sentences that name the file and line, or the variable. Does not know which settings there
are.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from hybrid.settings import EndpointSettings
from rag.errors import UserFacingError

PREFIX = "TANDEM_"
LARGEST_FILE = 1_000_000
TYPE_IN_WORDS = {
    "tuple_type": "it should be a list, like [first, second]",
    "dict_type": "it should be a section with settings of its own",
    "model_type": "it should be a section with settings of its own",
}


class SettingsError(UserFacingError):
    """A setting is wrong; the sentence names the file and line, or the variable, and what to write instead."""


Key = tuple[str | int, ...]


def read(file: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """The file's mapping, and the line (from 1) on which each key stands. Raises SettingsError."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror}); check its name and permissions.") from None
    if len(data) > LARGEST_FILE:
        raise SettingsError(f"{file.name} has {len(data):,} bytes, which is no settings file; restore the one shipped.")
    lines: dict[Key, int] = {}
    try:
        root = yaml.compose(data.decode("utf-8-sig"), Loader=yaml.SafeLoader)
        if root is None:
            return {}, lines
        _note_lines(root, (), lines, file.name, set())
        value = yaml.safe_load(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SettingsError(f"{file.name} is not written in UTF-8; save it as UTF-8.") from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        reason = problem.problem or problem.context or "it is not valid YAML"
        raise SettingsError(f"{file.name}{line}: {reason}; correct the line, mind its indentation.") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, TypeError) as problem:
        reason = str(problem).splitlines()[0] if str(problem) else "it is not valid YAML"
        raise SettingsError(f"{file.name} cannot be read as YAML: {reason}.") from None
    if not isinstance(value, dict):
        raise SettingsError(f"{file.name}, line 1: expected 'section:' lines like 'models:', found a bare value.")
    return value, lines


def _note_lines(node: yaml.Node, path: Key, lines: dict[Key, int], name: str, seen: set[int]) -> None:
    """Fill `lines` from the tree; a key written twice would silently lose its first value, so it is an error.

    Each node is visited once (`seen` holds their ids): a few nested aliases can stand for billions of nodes.
    """
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                raise SettingsError(
                    f"{name}, line {line}: {_dotted(here)} is also set on line {lines[here]}; keep one."
                )
            lines[here] = line
            _note_lines(value, here, lines, name, seen)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            lines[(*path, number)] = value.start_mark.line + 1
            _note_lines(value, (*path, number), lines, name, seen)


def overrides(env: Mapping[str, str]) -> tuple[dict[str, Any], dict[Key, str]]:
    """The environment's settings as the file would hold them, and which variable set each."""
    values: dict[str, Any] = {}
    variables: dict[Key, str] = {}
    for variable in sorted(env):
        text = env[variable].strip()
        if not variable.upper().startswith(PREFIX) or not text:
            continue
        *sections, name = variable[len(PREFIX) :].lower().split("__")
        variables[(*sections, name)] = variable
        inner = values
        for section in sections:
            inner = inner.setdefault(section, {})
            if not isinstance(inner, dict):
                raise SettingsError(f"{variable} and {PREFIX}{section.upper()} both set {section}; keep one.")
        inner[name] = _parsed(variable, text)
    return values, variables


def _parsed(variable: str, text: str) -> Any:
    if text[0] not in "[{" and text != "null":
        return text
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SettingsError(f"{variable} is not a valid list; write it like [first, second].") from None


def merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def sentence(
    errors: list[ErrorDetails],
    model: type[BaseModel],
    file: Path,
    lines: Mapping[Key, int],
    variables: Mapping[Key, str],
) -> str:
    """What is wrong with the settings of `model`, first of several: place it stands and what to write instead."""
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    path: Key = first["loc"]
    place = where(path, file, lines, variables)
    if first["type"] == "extra_forbidden":
        nearest = _nearest(path, model)
        if place.startswith(PREFIX):
            nearest = PREFIX + nearest.upper().replace(".", "__")
            said = f"{place} is no setting; did you mean {nearest}?"
        else:
            said = f"{place}: there is no setting {_dotted(path)}; did you mean {nearest}?"
    elif first["type"] == "missing":
        said = f"{place}: {_dotted(path)} is missing; add it."
    else:
        reason = TYPE_IN_WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
        reason = reason.replace("Input should be", "it should be")
        said = f"{place}: {_dotted(path)} is not right: {reason}."
    return said if len(errors) == 1 else f"{said} ({len(errors) - 1} more after this one.)"


def where(path: Key, file: Path, lines: Mapping[Key, int], variables: Mapping[Key, str]) -> str:
    """Where a value came from: the variable, or the file and the nearest line known above it."""
    for key, variable in variables.items():
        if key[: len(path)] == path:
            return variable
    for depth in range(len(path), 0, -1):
        if path[:depth] in variables:
            return variables[path[:depth]]
        if path[:depth] in lines:
            return f"{file.name}, line {lines[path[:depth]]}"
    return file.name


def _dotted(path: Key) -> str:
    return ".".join(str(part) for part in path)


def _names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield prefix + name
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _names(info.annotation, f"{prefix}{name}.")


def _nearest(path: Key, model: type[BaseModel]) -> str:
    """The valid key most like an unknown one: by its whole path, or by its last part where the section is wrong."""
    if "endpoints" in path[:-1]:
        names = [_dotted((*path[:-1], name)) for name in EndpointSettings.model_fields]
    else:
        names = list(_names(model))
    wanted = _dotted(path)

    def likeness(name: str) -> float:
        whole = difflib.SequenceMatcher(None, wanted, name).ratio()
        last = difflib.SequenceMatcher(None, str(path[-1]), name.rpartition(".")[2]).ratio()
        return max(whole, 0.95 * last)

    return max(names, key=likeness)

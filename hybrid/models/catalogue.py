"""The model list: what models.yaml (or models.json) says, merged with what the runtimes report. The file wins.

Knows the file's schema and how to say what is wrong with it, with line and nearest key. Does not know runtimes.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid.runtimes.base import ModelInfo, ModelState
from hybrid.settings import Price
from rag.errors import UserFacingError

FILES = ("models.yaml", "models.json")

Key = tuple[int | str, ...]


class CatalogError(UserFacingError):
    """models.yaml or models.json cannot be used; the message names file, line and remedy."""


class Capability(StrEnum):
    """What a model is good for."""

    GENERAL = "general"
    SUMMARIZE = "summarize"
    CODE = "code"
    CLASSIFICATION = "classification"
    REASONING = "reasoning"
    LANGUAGES = "languages"


class Card(BaseModel):
    """What the file says about one model. What it leaves out is taken from the runtime's report."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alias: str = Field(min_length=1, max_length=120, description="The name that settings and questions use.")
    id: str = Field("", description="Exact id at its runtime, where the alias alone would not find it.")
    runtime: str = Field("", description="foundry, or the name of an endpoint; empty: wherever it is found.")
    role: Literal["", "draft", "refine"] = Field("", description="What it is recommended for.")
    capabilities: tuple[Capability, ...] = Field((Capability.GENERAL,), description="What it is good for.")
    languages: tuple[str, ...] = Field((), description="Codes of the languages it writes well.")
    size_mb: int | None = Field(None, ge=0, description="On disk, in megabytes.")
    context_length: int | None = Field(None, ge=1, description="In tokens.")
    licence: str = Field("", max_length=200)
    price: Price | None = Field(None, description="What its work costs.")
    note: str = Field("", max_length=500, description="A sentence for people.")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    models: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of the merged list: as the runtime reports it, where the file does not speak; `card` is the file's."""

    info: ModelInfo
    card: Card | None = None


class Catalog:
    """The cards of one file, in its order."""

    def __init__(self, cards: Sequence[Card] = ()) -> None:
        self.cards = tuple(cards)

    @classmethod
    def load(cls, path: Path) -> Catalog:
        """Read one file. Raises CatalogError for what cannot be read, unknown keys, wrong types and doubled aliases."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CatalogError(f"{path} cannot be read ({error}); it must be a UTF-8 text file.") from error
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise CatalogError(
                f"{path}{_mark(error)}: this is no valid YAML or JSON; check the indentation."
            ) from error
        except (ValueError, RecursionError) as error:
            raise CatalogError(f"{path}: {error}.") from error
        if content is None:
            return cls()
        if not isinstance(content, dict):
            raise CatalogError(f"{path}: the file must begin with 'models:' and a list of models.")
        lines: dict[Key, int] = {}
        _note_lines(node, (), lines, set())
        try:
            cards = _File.model_validate(content).models
        except ValidationError as error:
            raise CatalogError(_sentence(path, error, lines)) from error
        seen: dict[str, int] = {}
        for number, card in enumerate(cards):
            if card.alias.casefold() in seen:
                line = lines.get(("models", number), 1)
                raise CatalogError(f"{path}, line {line}: {card.alias} is listed twice; remove one of the two.")
            seen[card.alias.casefold()] = number
        return cls(cards)

    @classmethod
    def find(cls, *directories: Path) -> Catalog:
        """models.yaml, else models.json, of the first directory that has one, else an empty list.

        Raises CatalogError.
        """
        for directory, name in product(directories, FILES):
            if (directory / name).is_file():
                return cls.load(directory / name)
        return cls()

    def card(self, model: str) -> Card | None:
        """The card of an alias or id: exact, else the longest alias that the name begins with."""
        wanted = model.casefold()
        for card in self.cards:
            if wanted in (card.alias.casefold(), card.id.casefold() or None):
                return card
        prefixes = [card for card in self.cards if wanted.startswith(card.alias.casefold())]
        return max(prefixes, key=lambda card: len(card.alias), default=None)

    def merge(self, reported: Iterable[ModelInfo]) -> list[Listed]:
        """The file's models first, in its order, then whatever else the runtimes have. A model that only the file knows
        is listed as unavailable.
        """
        left = list(reported)
        merged: list[Listed] = []
        for card in self.cards:
            own = [info for info in left if self._speaks_of(card, info)]
            left = [info for info in left if info not in own]
            merged += [Listed(_filled(info, card), card) for info in own]
            if not own:
                merged.append(Listed(_absent(card), card))
        return merged + [Listed(info) for info in left]

    def prices(self) -> dict[str, Price]:
        """What the file says about prices, by alias."""
        return {card.alias: card.price for card in self.cards if card.price is not None}

    def able(self, capability: Capability) -> list[str]:
        """The aliases whose card names a capability, in the file's order."""
        return [card.alias for card in self.cards if capability in card.capabilities]

    def _speaks_of(self, card: Card, info: ModelInfo) -> bool:
        if card.runtime and card.runtime != info.runtime:
            return False
        if card.id:
            return card.id.casefold() == info.id.casefold()
        return self.card(info.alias) is card or self.card(info.id) is card


def _filled(info: ModelInfo, card: Card) -> ModelInfo:
    return replace(
        info,
        alias=card.alias,
        size_mb=card.size_mb if card.size_mb is not None else info.size_mb,
        context_length=card.context_length if card.context_length is not None else info.context_length,
        licence=card.licence or info.licence,
        note=info.note or card.note,
    )


def _absent(card: Card) -> ModelInfo:
    where = f"on {card.runtime}" if card.runtime else "in the Foundry catalog and on the endpoints"
    note = f"It was not found {where}; start the server or check the network, then list the models again."
    return ModelInfo(
        card.id or card.alias,
        card.alias,
        card.runtime,
        ModelState.UNAVAILABLE,
        size_mb=card.size_mb,
        context_length=card.context_length,
        licence=card.licence,
        note=note,
    )


def _note_lines(node: yaml.Node | None, path: Key, lines: dict[Key, int], seen: set[int]) -> None:
    """Fill `lines` from the tree, each node once: a few nested aliases can stand for billions of nodes."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _note_lines(value, (*path, str(key.value)), lines, seen)
            lines[(*path, str(key.value))] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _note_lines(value, (*path, number), lines, seen)


def _sentence(path: Path, error: ValidationError, lines: Mapping[Key, int]) -> str:
    """The first complaint, as one sentence with its line."""
    first = error.errors()[0]
    place: Key = tuple(first["loc"])
    line = next((lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines), 1)
    named = ".".join(str(part + 1 if isinstance(part, int) else part) for part in place)
    start = f"{path}, line {line}: "
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), _keys(place), n=1, cutoff=0.4)
        advice = f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(_keys(place))}."
        return f"{start}there is no key '{place[-1]}'{advice}"
    if first["type"] == "missing":
        return f"{start}'{place[-1]}' is missing; every model needs one."
    return f"{start}{named} is {_shown(first.get('input'))}: {first['msg'][:1].lower()}{first['msg'][1:]}."


def _keys(place: Key) -> list[str]:
    if len(place) <= 1:
        return list(_File.model_fields)
    return list((Price if "price" in place[:-1] else Card).model_fields)


def _shown(value: Any) -> str:
    text = reprlib.repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _mark(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark is not None else ""

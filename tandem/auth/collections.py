"""Collections as rights know them: those of the settings, and those that administrators make in the chat.

Knows how a folder is told from others when folders move, and which files it holds. Does not know who is in which group,
nor where those of the chat are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from rag import labels
from tandem.settings import CollectionSettings, Settings

SOURCE = "source:"
Depths = tuple[tuple[Path, str], ...]
"""Folders, each with the key of the collection that it is of."""


@dataclass(frozen=True, slots=True, order=True)
class Folder:
    """A folder of the documents: the path of the one that the settings name, or "source:NAME" of another place, and the
    way down from there, "" for all of it."""

    root: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A collection that was made in the chat. `key` names it in labels and stays when it is renamed; `readers` are
    groups, None: everybody; `curators` are groups too, people being granted that each; `version` goes up with every
    change."""

    key: str
    name: str
    readers: tuple[str, ...] | None
    curators: tuple[str, ...]
    folders: tuple[Folder, ...]
    version: int = 0


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as it is now. `curators` are people that the settings name, `curating` groups; `made` says what
    stands behind one of the chat, and is None for one of the settings."""

    key: str
    name: str
    readers: tuple[str, ...] | None
    curators: tuple[str, ...] = ()
    curating: tuple[str, ...] = ()
    made: Made | None = None


def of_settings(written: Iterable[CollectionSettings]) -> tuple[Collection, ...]:
    """Those that the settings name, whose key is their name."""
    return tuple(Collection(one.name, one.name, one.readers, one.curators) for one in written)


def of_chat(made: Iterable[Made]) -> tuple[Collection, ...]:
    """Those that were made in the chat."""
    return tuple(Collection(one.key, one.name, one.readers, (), one.curators, one) for one in made)


class Roots:
    """The folders that the settings name, and the other places' own."""

    def __init__(self, settings: Settings) -> None:
        self._places = {SOURCE + one.name: (settings.files.sources / one.name).resolve() for one in settings.sources}
        self._named = [root for one in settings.documents if (root := one.resolve()) not in self._places.values()]
        self._known: dict[str, tuple[str, Path]] = {}

    def folder(self, root: str, path: str) -> Folder | None:
        """The folder at `path` below a root of files, as it is kept; None where no such root is named."""
        name, _ = self._here(root)
        return Folder(name, path) if name else None

    def path(self, root: str, path: str) -> Path:
        """Where a file is, or would be if the root were here that another machine, or an earlier one, found it in."""
        return self._here(root)[1] / path

    def _here(self, root: str) -> tuple[str, Path]:
        """What a root of files is kept as ("" where none such is named), and where it is."""
        if root not in self._known:
            self._known[root] = self._looked_up(root)
        return self._known[root]

    def _looked_up(self, root: str) -> tuple[str, Path]:
        here = Path(root).resolve()
        found = {place: name for name, place in self._places.items()} | {one: str(one) for one in self._named}
        if here in found:
            return found[here], here
        above, name = PureWindowsPath(root).parts[-2:-1], PureWindowsPath(root).name  # takes every system's separators
        if above == ("sources",) and (place := self._places.get(SOURCE + name)) is not None:
            return SOURCE + name, place
        alike = [one for one in self._named if one.name == name]
        return (str(alike[0]), alike[0]) if len(alike) == 1 else ("", here)

    def all(self) -> list[Folder]:
        """All of each."""
        return [Folder(str(one)) for one in self._named] + [Folder(name) for name in self._places]

    def called(self, root: str) -> str:
        """What people know a root by: its name, with the folder above where another one has the same."""
        if root.startswith(SOURCE):
            return root.removeprefix(SOURCE)
        alike = [one for one in self._named if one.name == _last(root)]
        return _last(root) if len(alike) < 2 else "/".join(Path(root).parts[-2:])

    def paths(self, folder: Folder) -> list[Path]:
        """Where a folder is now. One whose root is not among the documents (any more, or on this machine) is taken to
        be below every root of the same name, and where there is none below all of them: rather too much is closed than
        what was to be."""
        if folder.root.startswith(SOURCE):
            roots = [self._places[folder.root]] if folder.root in self._places else []
        else:
            roots = [one for one in self._named if str(one) == folder.root]
            roots = roots or [one for one in self._named if one.name == _last(folder.root)] or self._named
        return [root / folder.path for root in roots]

    def below(self, root: Folder, path: Path) -> Folder | None:
        """The folder at a path, where it is in a root or is one."""
        top = next(iter(self.paths(root)))
        if not path.is_relative_to(top):
            return None
        return Folder(root.root, "" if path == top else path.relative_to(top).as_posix())

    def depths(self, made: Iterable[Made]) -> Depths:
        """The folders of collections, where they are now."""
        return tuple((path, one.key) for one in made for folder in one.folders for path in self.paths(folder))


def _last(root: str) -> str:
    return PureWindowsPath(root).name


def nearest(path: Path, folders: Depths) -> frozenset[str]:
    """The labels that a file has by these folders: of the collections of the nearest one above it."""
    above = [(len(folder.parts), key) for folder, key in folders if path.is_relative_to(folder)]
    deepest = max((depth for depth, _ in above), default=0)
    return frozenset(labels.collection(key) for depth, key in above if depth == deepest)


def label_of(path: Path, layers: Sequence[Depths]) -> frozenset[str]:
    """The labels of a file: by the first of the `layers` that says anything of it, else those of everybody's."""
    return next((found for folders in layers if (found := nearest(path, folders))), labels.PUBLIC)

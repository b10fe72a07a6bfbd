"""Collections are made, changed and deleted: what may be chosen for one, what a change opens and closes, and the change
itself, with the labels of the documents that it is about.

Knows the indexed folders, by marks that a page may send back. Does not know pages, nor how anything is kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rag import labels
from rag.ingest.labelling import Planned
from rag.library import Library
from rag.types import FileReceipt
from tandem.auth.collections import SOURCE, Depths, Folder, Made, of_chat
from tandem.auth.collections import Collection as InForce
from tandem.auth.rights import Rights
from tandem.people.accounts import People
from tandem.people.collections import Collections, folded
from tandem.people.store import AccountsError

Who = Callable[[str], Collection[str]]
"""The people who curate the collection with a key."""
_GONE = "This collection is not there any more; somebody else has deleted it."


@dataclass(frozen=True, slots=True)
class Choosable:
    """A folder that may be chosen, as people see it: `mark` is what a page sends back for it, `name` its own, `depth`
    how far down it is, `documents` how many lie in and below it. `fixed` names collections of the settings that it is
    of: those stay, and it cannot be chosen."""

    folder: Folder
    mark: str
    name: str
    depth: int
    documents: int
    fixed: tuple[str, ...] = ()

    @property
    def place(self) -> bool:
        """Whether it is of another place that documents come from."""
        return self.folder.root.startswith(SOURCE)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does: how many documents everybody can read from then on, how many more people can, and which
    ones, and how many documents somebody can read no longer."""

    everybodys: int = 0
    wider: int = 0
    others: tuple[str, ...] = ()
    closed: int = 0

    @property
    def opens(self) -> bool:
        return bool(self.everybodys or self.wider)

    @property
    def mark(self) -> str:
        """What tells this effect from another, so that only what was read is agreed to."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Audience:
    everybody: bool
    named: frozenset[tuple[str, str]]
    """Groups and people, each after which of both it is."""

    def more_than(self, other: _Audience) -> bool:
        return not other.everybody and (self.everybody or not self.named <= other.named)


class Collecting:
    """The collections of one installation, to be changed. For any thread."""

    def __init__(self, library: Library, rights: Rights, kept: Collections, people: People) -> None:
        self._library = library
        self._rights = rights
        self._kept = kept
        self._people = people

    def find(self, key: str) -> Made | None:
        """The one of the chat with this key."""
        return next((one for one in self._kept.current()[1] if one.key == key), None)

    def curators(self, key: str) -> list[str]:
        """Who curates one by name, by key; those of the settings among them. Raises AccountsError."""
        named = [who for one in self._rights.collections if one.key == key for who in one.curators]
        granted = [one.name for one in self._people.everybody() if key in one.curates and not one.removed]
        return sorted({*named, *granted})

    def called(self, folder: Folder) -> str:
        """A folder as people know it."""
        return "/".join(filter(None, (self._rights.roots.called(folder.root), folder.path)))

    def folders_of(self, one: InForce) -> list[str]:
        """The folders of a collection, as people know them."""
        if one.made is not None:
            return [self.called(folder) for folder in one.made.folders]
        roots = self._rights.roots
        found = (roots.below(root, path) for path in self._rights.folders_of(one.key) for root in roots.all())
        return [self.called(folder) for folder in found if folder is not None]

    def choosable(self) -> list[Choosable]:
        """Every folder that holds indexed documents, and the roots of those that hold none yet, in the order of a
        tree."""
        roots, counts = self._rights.roots, Counter[Folder]()
        counts.update(dict.fromkeys(roots.all(), 0))
        for receipt in self._library.receipts():
            for above in PurePosixPath(receipt.path).parents:
                path = "" if str(above) == "." else str(above)
                if (folder := roots.folder(receipt.root, path)) is not None:
                    counts[folder] += int(receipt.state == "indexed")
        return [
            Choosable(
                folder=one,
                mark=mark_of(one),
                name=PurePosixPath(one.path).name or roots.called(one.root),
                depth=len(PurePosixPath(one.path).parts),
                documents=count,
                fixed=self._fixed(one),
            )
            for one, count in sorted(counts.items(), key=lambda item: _in_a_tree(item[0], roots.called(item[0].root)))
        ]

    def documents(self) -> Counter[str]:
        """How many documents each collection has, by key."""
        counts: Counter[str] = Counter()
        labelled = _labelled(self._rights, self._rights.roots.depths(self._kept.current()[1]))
        for receipt in self._library.receipts():
            if receipt.state == "indexed":
                counts.update(labels.collections_of(labelled(receipt)))
        return counts

    def effect(self, key: str, after: Made | None, people: Collection[str]) -> Effect:
        """What it would do to have `after` in place of what has this key now. Raises AccountsError."""
        before, found = self._kept.current()[1], Counter[tuple[frozenset[str], frozenset[str]]]()
        wanted, roots = _with(before, key, after), self._rights.roots
        was, will = (_labelled(self._rights, roots.depths(one)) for one in (before, wanted))
        for receipt in self._library.receipts():
            if receipt.state == "indexed":
                found[was(receipt), will(receipt)] += 1
        now = self._audiences(before, self.curators)
        then = self._audiences(wanted, lambda one: people if one == key else self.curators(one))
        everybodys = wider = closed = 0
        others: set[str] = set()
        for (old, new), count in found.items():
            had, has = _together(old, now), _together(new, then)
            closed += count * had.more_than(has)
            if has.more_than(had):
                everybodys += count * has.everybody
                wider += count * (not has.everybody)
                others |= set() if has.everybody else {name for _, name in has.named - had.named}
        return Effect(everybodys, wider, tuple(sorted(others)), closed)

    def keep(self, made: Made, people: Collection[str]) -> int:
        """Keep a collection, new or changed, and relabel the documents that it is about; how many those are. Nobody
        finds any of them by an earlier right when this returns. Raises UserFacingError; then all is as it was."""
        self.check(made, people)

        def save(number: int) -> None:
            self._kept.put(made, people, number)

        return self._change(made.key, made, save, new=made.version == 0)

    def drop(self, made: Made) -> int:
        """Delete one, as `keep`."""
        return self._change(made.key, None, lambda number: self._kept.drop(made, number))

    def _change(self, key: str, after: Made | None, save: Callable[[int], None], *, new: bool = False) -> int:
        def plan() -> Planned:
            self._kept.look()
            number, before = self._kept.current()
            if not new and not any(one.key == key for one in before):
                raise AccountsError(_GONE)
            folders = self._rights.roots.depths(_with(before, key, after))
            return Planned(_labelled(self._rights, folders), number + 1, lambda: save(number + 1))

        return self._library.labels.change(plan)

    def check(self, made: Made, people: Iterable[str]) -> None:
        """Raises AccountsError where another one has this name, or a curator is nobody."""
        if folded(made.name) in {folded(one.name) for one in self._rights.collections if one.key != made.key}:
            raise AccountsError(f"There is a collection {made.name} already; choose another name.")
        for name in people:
            if not self._people.is_known(name):
                raise AccountsError(f"Nobody here is called {name[:100]}; write the name with which they sign in.")

    def _fixed(self, folder: Folder) -> tuple[str, ...]:
        named = {one.key: one.name for one in self._rights.collections}
        found = self._rights.fixed(self._rights.roots.paths(folder)[0])
        return tuple(named.get(key, key) for key in labels.collections_of(found))

    def _audiences(self, made: Sequence[Made], people: Who) -> dict[str, _Audience]:
        """Who may read what has a label."""
        found = {}
        for one in (*(one for one in self._rights.collections if one.made is None), *of_chat(made)):
            named = {("group", name) for name in (*(one.readers or ()), *one.curating)}
            named |= {("person", name) for name in people(one.key)}
            found[labels.collection(one.key)] = _Audience(one.readers is None, frozenset(named))
        return found


def mark_of(folder: Folder) -> str:
    """What a page sends back for a folder; nothing is looked up by it but the folders that are indexed."""
    return hashlib.sha256(f"{folder.root}\0{folder.path}".encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _with(before: Iterable[Made], key: str, after: Made | None) -> tuple[Made, ...]:
    return (*(one for one in before if one.key != key), *([after] if after is not None else []))


def _labelled(rights: Rights, folders: Depths) -> Callable[[FileReceipt], frozenset[str]]:
    """The labels of files, if the chat's collections had these folders; looked up once a folder."""
    known: dict[tuple[str, str], frozenset[str]] = {}

    def labelled(receipt: FileReceipt) -> frozenset[str]:
        folder = receipt.root, receipt.path.rpartition("/")[0]
        if folder not in known:
            known[folder] = rights.labelled_by(folders, receipt)
        return known[folder]

    return labelled


def _together(found: frozenset[str], by_label: dict[str, _Audience]) -> _Audience:
    mine = [by_label[one] for one in found if one in by_label]
    everybody = labels.EVERYBODY in found or any(one.everybody for one in mine)
    return _Audience(everybody, frozenset(name for one in mine for name in one.named))


def _in_a_tree(folder: Folder, called: str) -> tuple[bool, str, str, tuple[str, ...]]:
    path = tuple(part.casefold() for part in PurePosixPath(folder.path).parts)
    return folder.root.startswith(SOURCE), called.casefold(), folder.root, path

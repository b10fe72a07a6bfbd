"""Accounts for every file in the library's folders: read, partly read, refused, of no kind that is read, or waiting.

Knows what lies in the folders and what the receipts say. Reads no file, follows no link, writes nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rag.formats.registry import OWN_FILES, readable, suffix
from rag.types import FileReceipt

_HIDDEN = (".", "~$")
_MOST_HIDDEN = 100_000


class Outcome(StrEnum):
    """What became of a file."""

    READ = "read"
    PARTLY = "partly read"
    REFUSED = "refused"
    OTHER = "not a kind that is read"
    WAITING = "not read yet"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Account:
    """A file, or a hidden folder with so many `files`, and what became of it; `reason` says why and what to do."""

    root: str
    path: str
    outcome: Outcome
    reason: str = ""
    files: int = 1
    receipt: FileReceipt | None = None


def account(folders: Sequence[Path], receipts: Iterable[FileReceipt], data_dir: Path) -> list[Account]:
    """One entry for every file of the folders, and for every receipt of a file that is there no more."""
    known = {(receipt.root, receipt.path): receipt for receipt in receipts}
    found: dict[tuple[str, str], Account] = {}
    for folder in folders:
        root = folder.resolve()
        for one in _walk(root, data_dir.resolve()):
            receipt = known.pop((one.root, one.path), None)
            found[one.root, one.path] = _of(receipt) if receipt is not None else one
    roots = {str(folder.resolve()) for folder in folders}
    for receipt in known.values():
        if receipt.root in roots and not Path(receipt.root, receipt.path).exists():
            reason = "The file is there no more; run `tandem index` to take it out."
            found[receipt.root, receipt.path] = Account(receipt.root, receipt.path, Outcome.GONE, reason, 1, receipt)
        else:
            found[receipt.root, receipt.path] = _of(receipt)
    return list(found.values())


def counts(accounts: Iterable[Account]) -> dict[Outcome, int]:
    """How many files came to each outcome; together they are all files."""
    counted: Counter[Outcome] = Counter()
    for one in accounts:
        counted[one.outcome] += one.files
    return {outcome: counted[outcome] for outcome in Outcome}


def _of(receipt: FileReceipt) -> Account:
    read = Outcome.PARTLY if receipt.reason else Outcome.READ
    outcome = read if receipt.state == "indexed" else Outcome.REFUSED
    return Account(receipt.root, receipt.path, outcome, receipt.reason, 1, receipt)


def _walk(root: Path, data_dir: Path) -> Iterator[Account]:
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"The folder cannot be opened ({error.strerror or error}); check its permissions."
            yield Account(str(root), _relative(folder, root), Outcome.REFUSED, reason)
            continue
        for entry in entries:
            path = Path(entry.path)
            hidden = entry.name.startswith(_HIDDEN)
            if not entry.is_dir(follow_symlinks=False):
                yield Account(str(root), _relative(path, root), *_unread(entry, hidden))
            elif path == data_dir or hidden:
                count = _count(path)
                why = (
                    "Tandem's own files." if path == data_dir else "Its name begins with a dot: a program's own files."
                )
                if count:
                    yield Account(str(root), f"{_relative(path, root)}/", Outcome.OTHER, why, count)
            else:
                waiting.append(path)


def _unread(entry: os.DirEntry[str], hidden: bool) -> tuple[Outcome, str]:
    """What becomes of a file of which nothing is known."""
    if hidden:
        return Outcome.OTHER, "Its name begins with a dot or ~$: a program's own."
    if entry.is_symlink() and entry.is_dir():
        return Outcome.OTHER, "It is a link to a folder, which is not followed; add the folder itself."
    if entry.name in OWN_FILES:
        return Outcome.OTHER, "Questions for measuring; they are no document."
    if readable(entry.name):
        return Outcome.WAITING, "It was not read yet; run `tandem index`."
    kind = suffix(entry.name)
    named = f"Files of type {kind}" if kind else "Files without extension"
    return Outcome.OTHER, f"{named} are not read; save it in another format if it holds text."


def _count(folder: Path) -> int:
    """How many files lie in a folder, however deep; a great many are counted as that."""
    count = 0
    for _, _, files in os.walk(folder):
        count += len(files)
        if count > _MOST_HIDDEN:
            break
    return count


def _relative(path: Path, root: Path) -> str:
    name = path.relative_to(root).as_posix() if path != root else ""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

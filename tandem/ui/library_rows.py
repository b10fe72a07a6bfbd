"""The library's documents as the panel lists them: filtered, in groups by folder, the failed ones first.

Knows receipts and what public/elements/Library.jsx draws of them. Does not know who asks, nor how a file is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from rag.ingest.accounting import Account
from rag.types import FileReceipt
from tandem.catalogues import ENGLISH
from tandem.details import detail
from tandem.texts import Language
from tandem.ui.uploads import shown

MOST_ROWS = 200
MOST_GROUPS = 100
STATES = ("failed", "indexed", "other")
NEWEST = "newest"
ADDED = ":added"
"""The group of the files that were added to the library itself: no folder is called so."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which documents a person looks for: `text` in path or reason, in this `state`, in this `folder`; None: in any.
    `order` is "newest", or "" for failed ones first, then by name."""

    text: str = ""
    state: str = ""
    folder: str | None = None
    order: str = ""


def documents(
    receipts: Sequence[FileReceipt],
    wish: Wish | None = None,
    ids: Mapping[tuple[str, str], str] | None = None,
    collections: Callable[[FileReceipt], Sequence[str]] = lambda receipt: (),
    beside: Sequence[Account] = (),
    added: str = "",
    language: Language = ENGLISH,
) -> dict[str, Any]:
    """The receipts as the page draws them, in a person's `language`: those that are wished for, in that order, at most
    MOST_ROWS of them. `ids` are the documents' by (root, path), for their links; `collections` says of which ones a
    file is. `beside` are the files that have no receipt: they are of the state "other", and count. `added` is the
    folder of the library's own files.
    """
    wish = wish or Wish()
    others = [without_receipt(one) for one in beside if one.receipt is None]
    wanted = wish.text.strip().casefold()
    found = [
        receipt
        for receipt in (*receipts, *others)
        if wish.state in ("", receipt.state)
        and (not wanted or wanted in f"{receipt.path}\n{detail(receipt.reason, language)}".casefold())
    ]
    groups: dict[str, dict[str, Any]] = {}
    for receipt in found:
        name = folder_of(receipt, added)
        group = groups.setdefault(name, {"folder": name, "files": 0, "failed": 0})
        group["files"] += 1
        group["failed"] += receipt.state == "failed"
    if wish.folder is not None:
        found = [receipt for receipt in found if folder_of(receipt, added) == wish.folder]
    found.sort(key=lambda receipt: (STATES.index(receipt.state), receipt.path.casefold()))
    if wish.order == NEWEST:
        found.sort(key=lambda receipt: receipt.mtime_ns, reverse=True)
    failed = sum(receipt.state == "failed" for receipt in receipts)
    return {
        "counts": {
            "": len(receipts) + (unread := sum(one.files for one in beside if one.receipt is None)),
            "failed": failed,
            "indexed": len(receipts) - failed,
            "other": unread,
        },
        "matching": len(found),
        "groups": sorted(groups.values(), key=lambda group: (group["folder"] != ADDED, group["folder"].casefold()))[
            :MOST_GROUPS
        ],
        "folder": wish.folder,
        "rows": [
            {
                "key": key(receipt),
                "document": (ids or {}).get((receipt.root, receipt.path), ""),
                "collections": list(collections(receipt)),
                "folder": folder_of(receipt, added),
                "changed": _day(receipt.mtime_ns),
                **shown(receipt, language),
            }
            for receipt in found[:MOST_ROWS]
        ],
    }


def key(receipt: FileReceipt) -> str:
    """A name for a receipt that tells the page nothing of where the folder lies."""
    return blake2b(f"{receipt.root}\0{receipt.path}".encode("utf-8", "replace"), digest_size=12).hexdigest()


def folder_of(receipt: FileReceipt, added: str = "") -> str:
    """The group that a file stands in: the first folder on its path, "" for none, ADDED for what was added here."""
    if added and receipt.root == added:
        return ADDED
    first, slash, _ = receipt.path.partition("/")
    return first if slash else ""


def without_receipt(one: Account) -> FileReceipt:
    """A file that is not read, as if it had a receipt."""
    return FileReceipt(one.root, one.path, "other", one.reason, 0, 0, 0, 0.0, 0, 0, "")


def _day(mtime_ns: int) -> str:
    """When the file was changed, as a day; "" where that is not known."""
    try:
        return datetime.fromtimestamp(mtime_ns / 1e9, UTC).date().isoformat() if mtime_ns > 0 else ""
    except (ValueError, OverflowError, OSError):
        return ""

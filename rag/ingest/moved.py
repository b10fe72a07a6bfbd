"""A library whose folder lies elsewhere than before: moved, copied, restored from a backup, on another system.

Knows the files that are kept beside it, whose places stand in the library as they were then. Does not know documents in
folders of their own, which lie where the settings say.
"""

from __future__ import annotations

from pathlib import PureWindowsPath

from rag.ingest.uploads import Uploads
from rag.storage.sqlite_store import Store


def adopt(store: Store, uploads: Uploads) -> int:
    """Note of the files beside the library that they are here; of how many folders that was not known. Durable when it
    returns. Raises sqlite3.Error."""
    roots = {row[0] for row in store.connection.execute("SELECT DISTINCT root FROM files")}
    moved = {root: here for root in roots if (here := _here(root, uploads)) not in ("", root)}
    if moved:
        with store.transaction():
            for root, here in moved.items():
                run = store.connection.execute
                run(
                    "DELETE FROM files WHERE root = ? AND path IN (SELECT path FROM files WHERE root = ?)", (here, root)
                )
                run("UPDATE files SET root = ? WHERE root = ?", (here, root))
    return len(moved)


def _here(root: str, uploads: Uploads) -> str:
    """Where a folder of such files is now, "" for any other folder."""
    old = PureWindowsPath(root)  # takes the separators of every system
    for folder in uploads.folders():
        kind = folder.relative_to(uploads.data_dir).parts
        if old.parts[-len(kind) :] == kind and (len(kind) > 1 or old.parent.name == uploads.data_dir.name):
            return str(folder)
    return ""

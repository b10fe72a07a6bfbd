"""Files that administrators add to the library from its panel, and take out of it again.

Knows the files that a browser sent and the library's own folder. Does not know who may: `library_panel` asks first.
Only what came this way is taken out: a file of a watched folder is its owner's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import chainlit as cl

from rag.errors import DocumentError, UserFacingError
from rag.ingest.uploads import Uploads
from rag.types import FileReceipt
from tandem.auth import accounts
from tandem.context import AppContext
from tandem.texts import Language, problem, say
from tandem.ui.library_rows import key
from tandem.ui.uploads import shown

log = logging.getLogger(__name__)

MOST_FILES = 20


def own_folder(context: AppContext) -> str:
    """Where the library's own files lie."""
    return str(Uploads(context.library.data_dir).added)


def sent(ids: object) -> list[tuple[str, Path]]:
    """The name and the place of every file that this browser sent under these ids; others are nobody's."""
    known = cl.context.session.files
    named = [one for one in ids if isinstance(one, str) and one in known] if isinstance(ids, list) else []
    return [(str(known[one]["name"]), Path(known[one]["path"])) for one in dict.fromkeys(named)]


async def add(context: AppContext, files: Sequence[tuple[str, Path]], language: Language) -> list[dict[str, Any]]:
    """Take files into the library, where every search finds them; what became of each, as the page draws it."""
    receipts = []
    for number, (name, path) in enumerate(files):
        if number >= MOST_FILES:
            reason = say("add_too_many", language, count=MOST_FILES)
            receipts.append({"path": name, "state": "failed", "reason": reason})
            continue
        taken = await asyncio.to_thread(_taken, context, name, path, language)
        if taken["state"] == "indexed":
            context.audit.record(accounts.caller() or "", "document.added", taken["path"])
        receipts.append(taken)
    return receipts


def _taken(context: AppContext, name: str, path: Path, language: Language) -> dict[str, Any]:
    try:
        receipt = context.library.add_upload("", name, path.read_bytes(), person=accounts.caller() or "")
    except UserFacingError as error:
        return {"path": name, "state": "failed", "reason": problem(error, language)}
    except OSError as error:
        log.exception("A file could not be added to the library")
        reason = say("not_taken_in", language, error=error.strerror or type(error).__name__)
        return {"path": name, "state": "failed", "reason": reason}
    taken = shown(receipt, language)
    if receipt.state == "failed":
        taken["reason"] = problem(DocumentError(receipt.reason), language)
    return taken


async def remove(context: AppContext, name: str, known: Sequence[FileReceipt]) -> bool:
    """Delete the file that goes by this key, where it was added here; whether there was one. Raises UserFacingError."""
    folder = own_folder(context)
    receipt = next((one for one in known if one.root == folder and key(one) == name), None)
    if receipt is None:
        return False
    await asyncio.to_thread(context.library.remove_added, receipt.path)
    context.audit.record(accounts.caller() or "", "document.removed", receipt.path)
    return True

"""Files that a person drops into the conversation: taken in, each with a receipt on the screen, and added to the
library where the person wants it.

Knows the message that shows the receipts (public/elements/Uploads.jsx) and the library's uploads. Does not know how a
file is read, nor what is asked about it.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import chainlit as cl
import chainlit.config
from chainlit.utils import utc_now

from rag.errors import DocumentError, UserFacingError
from rag.faults import sentence
from rag.library import Library
from rag.types import FileReceipt
from tandem.auth import accounts
from tandem.context import AppContext
from tandem.details import detail
from tandem.history.base import history
from tandem.texts import Language, labels, problem, say

log = logging.getLogger(__name__)

ELEMENT = "Uploads"
MAX_FILES = 10
_LABELS = (
    "reading_file", "add_to_library", "adding", "in_library", "pages", "passages_count", "characters",
    "files_found", "files_failed", "summarise", "summarise_question", "ask_file",
)  # fmt: skip


# Threads of their own, of which nobody holds more than one: who waits for a large file makes nobody else wait.
_readers = ThreadPoolExecutor(64, "read an upload")
_reading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


def _one_at_a_time(person: str) -> asyncio.Lock:
    return _reading.setdefault(person, asyncio.Lock())


def receive_in(folder: Path) -> None:
    """Have Chainlit put what browsers send into `folder`, until their session ends. What is in it now is deleted: it
    was left by a process that ended before its sessions did."""
    if folder != chainlit.config.FILES_DIRECTORY:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.warning("%s", sentence(f"Files that people send cannot be kept in {folder}", error, folder))
            folder = Path(tempfile.mkdtemp(prefix="tandem-"))
        chainlit.config.FILES_DIRECTORY = folder


def dropped(message: cl.Message) -> list[tuple[str, Path]]:
    """The name and place of every file that came with a message, as the session knows them."""
    known = cl.context.session.files
    found = [known[element.id] for element in message.elements or [] if element.id in known]
    return [(str(file["name"]), Path(file["path"])) for file in found]


async def take_in(
    library: Library, files: Sequence[tuple[str, Path]], language: Language, *, may_promote: bool
) -> None:
    """Make the files searchable in this conversation, one after the other, and show and keep what became of each;
    with `may_promote`, beside a button that adds it to the library."""
    conversation = cl.context.session.thread_id
    person = accounts.caller() or ""
    receipts: list[dict[str, Any]] = [{"name": name, "state": "reading"} for name, _ in files]
    message = cl.Message(say("files", language))
    message.created_at = utc_now()
    element = _element(f"uploads-{message.id}", message.id, receipts, language, may_promote)
    await cl.context.emitter.send_step(message.to_dict())
    await _show(element)
    for number, (name, path) in enumerate(files):
        if number < MAX_FILES:
            async with _one_at_a_time(person):
                receipts[number] = await asyncio.get_running_loop().run_in_executor(
                    _readers, _taken, library, conversation, name, path, language, person
                )
        else:
            receipts[number] = {"name": name, "state": "failed", "reason": say("too_many", language, count=MAX_FILES)}
        await _show(element)
    await history().update_step(message.to_dict())
    await history().keep_element(element)


async def promote(context: AppContext, element_id: str, name: str, language: Language) -> None:
    """Add a file of this conversation to the library, and say so in its receipt. For administrators."""
    conversation = cl.context.session.thread_id
    kept = await history().get_element(conversation, element_id)
    receipts = ((kept or {}).get("props") or {}).get("files") or []
    receipt = next((receipt for receipt in receipts if receipt.get("name") == name), None)
    if kept is None or receipt is None:
        await cl.context.emitter.send_toast(say("gone", language), "warning")
        return
    try:
        added = await asyncio.to_thread(context.library.promote_upload, conversation, receipt["path"])
    except UserFacingError as error:
        await cl.context.emitter.send_toast(problem(error, language), "error")
        return
    receipt["library"] = added.path
    context.audit.record(accounts.caller() or "", "document.added", added.path, {"conversation": conversation})
    element = _element(element_id, kept.get("forId") or "", receipts, language, True)
    await _show(element)
    await history().keep_element(element)


async def forget(context: AppContext, conversation: str) -> None:
    """Delete the files and the traces of a conversation that is deleted, and what is shared of it. Raises
    UserFacingError."""

    def work() -> None:
        # A library that takes documents in is not held up for a conversation without files.
        if context.library.receipts(conversation):
            context.library.remove_uploads(conversation)
        context.traces.forget(conversation)
        if context.settings.server.login_required:
            context.entrance.shares.end_of(conversation)

    await asyncio.to_thread(work)
    context.audit.record(accounts.caller() or "", "conversation.deleted", conversation)


def shown(receipt: FileReceipt, language: Language) -> dict[str, Any]:
    """A receipt as the page gets it: nothing of where the file lies but its name in the folder."""
    kept = asdict(receipt)
    told = {key: kept[key] for key in ("path", "state", "pages", "passages", "characters", "seconds")}
    return {**told, "reason": detail(receipt.reason, language)}


def _taken(
    library: Library, conversation: str, name: str, path: Path, language: Language, person: str
) -> dict[str, Any]:
    try:
        receipt = library.add_upload(conversation, name, path.read_bytes(), person=person)
    except UserFacingError as error:
        return {"name": name, "state": "failed", "reason": problem(error, language)}
    except Exception as error:
        log.exception("A file that was dropped into a conversation could not be taken in")
        reason = say("not_taken_in", language, error=type(error).__name__)
        return {"name": name, "state": "failed", "reason": reason}
    taken = {"name": name, **shown(receipt, language)}
    if receipt.state == "failed":
        taken["reason"] = problem(DocumentError(receipt.reason), language)
    return taken


def _element(
    identity: str, message_id: str, receipts: list[dict[str, Any]], language: Language, may_promote: bool
) -> cl.CustomElement:
    texts = labels(_LABELS, language)
    props = {"id": identity, "language": language, "files": receipts, "texts": texts, "mayPromote": may_promote}
    return cl.CustomElement(name=ELEMENT, id=identity, display="inline", for_id=message_id, props=props)


async def _show(element: cl.CustomElement) -> None:
    await cl.context.emitter.send_element(element.to_dict())

"""`tandem index`: what it prints about files. Does not know how they are read."""

from __future__ import annotations

import json as jsonlib
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rag.errors import UserFacingError
from rag.ingest.accounting import Account, Outcome, account, counts
from rag.library import Library
from rag.principal import LOCAL
from rag.retrieval.embedders.base import EmbedderError
from rag.types import FileReceipt, SyncReport
from tandem import encoder
from tandem.commands.passages import plain
from tandem.commands.progress import bar
from tandem.documents import engines, existing, library_dir, open_library, rights_of
from tandem.settings import Settings, load
from tandem.sources import Sources

EXAMPLE = (
    "No folder of documents is named here, so the example documents that ship with Tandem are used; "
    "write your own folders under documents in tandem.yaml."
)

Result = TypeVar("Result")
_NAMED = 5
"""How many files of one reason are named."""


def index(folder: Path | None, *, report: bool, retry: bool, verify: bool, watch: bool, json: bool) -> None:
    """Bring the library in step with the folders, or do what one of the options says. Raises UserFacingError."""
    if sum((report, retry, verify, watch)) > 1:
        raise UserFacingError("--report, --retry, --verify and --watch are four different things; give one of them.")
    settings = load()
    if report:
        _report(settings, json)
        return
    if folder is None and not verify:
        _visit(settings)
    folders = (folder.resolve(),) if folder is not None else settings.documents
    if missing := [one for one in folders if one not in existing(folders)]:
        raise UserFacingError(f"There is no folder {missing[0]}; name an existing one here or under 'documents'.")
    if settings.example and folder is None:
        print(EXAMPLE, file=sys.stderr)
    if verify:
        _verify(settings, folders, json)
        return
    library = open_library(settings)
    try:
        if retry:
            failed = [receipt for receipt in library.receipts() if receipt.state == "failed"]
            again = _in_thread(lambda cancel: library.retry(failed, cancel=cancel))
            _print_receipts(again, json) if again else print("There is no file that could not be read.")
            return
        found = _sync(library, folders)
        _print_sync(found, len(library.documents(principal=LOCAL)), json)
        if found.cancelled:
            raise KeyboardInterrupt
        _make_vectors(library, settings)
        if watch:
            _watch(library, folders, json)
    finally:
        library.close()


def _visit(settings: Settings) -> None:
    """Fetch what is new in the other places that documents come from; what cannot be reached is named."""
    places = Sources(settings)
    for place in places.places():
        visit = places.visit(place.name)
        if visit.problem:
            print(f"{place.name}: {visit.problem}", file=sys.stderr)


def _make_vectors(library: Library, settings: Settings) -> None:
    """What is found already by its words gets its vectors; what Ctrl-C leaves undone, the next run or the chat does."""
    if library.semantics is None:
        return
    try:
        with bar("Vectors") as advance:
            at_once = encoder.at_once(settings)
            library.semantics.make(progress=lambda done, total: advance(done, total, ""), at_once=at_once)
    except EmbedderError as error:
        print(error, file=sys.stderr)


def _sync(library: Library, folders: Sequence[Path]) -> SyncReport:
    with bar("Indexing") as advance:
        return _in_thread(
            lambda cancel: library.sync(folders, progress=lambda p: advance(p.done, p.total, p.current), cancel=cancel)
        )


def _in_thread(work: Callable[[threading.Event], Result]) -> Result:
    """Do `work` in a thread, so that Ctrl-C ends it between two files, with what was read kept."""
    cancel = threading.Event()
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work(cancel))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        try:
            thread.join(0.2)
        except KeyboardInterrupt:
            cancel.set()
    if failure:
        raise failure[0]
    return outcome[0]


def _print_sync(report: SyncReport, documents: int, json: bool) -> None:
    if json:
        print(jsonlib.dumps({**_sync_record(report), "documents": documents}, ensure_ascii=False, indent=2))
        return
    for receipt in report.receipts:
        if receipt.state == "failed":
            print(f"{plain(receipt.path)}: not indexed. {receipt.reason}")
    stopped = "Stopped early: " if report.cancelled else ""
    print(f"{stopped}{_counts(report)}; {documents} documents are searchable ({report.seconds:.1f} s).")


def _counts(report: SyncReport) -> str:
    counts = (("added", report.added), ("changed", report.changed), ("removed", report.removed))
    changes = ", ".join(f"{count} {word}" for word, count in counts if count) or "nothing changed"
    return changes + (f", {report.failed} failed" if report.failed else "")


def _sync_record(report: SyncReport) -> dict[str, Any]:
    return {**asdict(report), "receipts": [_record(receipt) for receipt in report.receipts]}


def _watch(library: Library, folders: Sequence[Path], json: bool) -> None:
    from rag.maintenance.watcher import Watcher

    def changed(report: SyncReport) -> None:
        if json:
            print(jsonlib.dumps(_sync_record(report), ensure_ascii=False), flush=True)
            return
        for receipt in report.receipts:
            print(f"{plain(receipt.path)}: {_became(receipt)}", flush=True)
        print(f"{_counts(report)} ({report.seconds:.1f} s).", flush=True)

    watcher = Watcher(library, folders, changed=changed)
    watcher.start()
    if not json:
        print("Watching for changes (Ctrl-C stops it)", flush=True)
    try:
        threading.Event().wait()
    finally:
        watcher.close()


def _verify(settings: Settings, folders: Sequence[Path], json: bool) -> None:
    from rag.maintenance.integrity import verify

    rights, accounts = rights_of(settings)
    try:
        found = verify(library_dir(settings), settings.retrieval, folders, rights.labelling, engines(settings))
    finally:
        accounts.close()
    if json:
        print(jsonlib.dumps({**asdict(found), "sound": found.sound}, ensure_ascii=False, indent=2))
        return
    print(f"{found.passages} passages of {found.documents} documents checked ({found.seconds:.1f} s).")
    if found.store:
        print(f"The library was damaged ({found.store}) and was made anew from the documents.")
    for name in found.repaired:
        print(f"{plain(name)}: was damaged; read again.")
    for name in found.lost:
        print(f"{plain(name)}: was damaged and its file cannot be read any more; taken out.")
    if found.index:
        print(f"The search index was rebuilt: {found.index}.")
    if found.sound:
        print("No damage was found.")


def _report(settings: Settings, json: bool) -> None:
    library = open_library(settings)
    try:
        receipts = library.receipts()
    finally:
        library.close()
    if not receipts and not json:
        raise UserFacingError("Nothing is indexed yet; run `tandem index` first.")
    accounts = account(existing(settings.documents), receipts, library_dir(settings))
    if json:
        print(jsonlib.dumps(_accounts_record(accounts), ensure_ascii=False, indent=2))
        return
    _print_receipts(receipts, json=False)
    _print_others(accounts)
    parts = ", ".join(f"{count:,} {outcome}" for outcome, count in counts(accounts).items() if count)
    print(f"{sum(one.files for one in accounts):,} files in all: {parts}.")


def _accounts_record(accounts: Sequence[Account]) -> dict[str, Any]:
    counted = counts(accounts)
    receipts = [one.receipt for one in accounts if one.receipt is not None]
    return {
        "total": sum(counted.values()),
        **{outcome.name.lower(): count for outcome, count in counted.items()},
        "indexed": sum(receipt.state == "indexed" for receipt in receipts),
        "failed": sum(receipt.state == "failed" for receipt in receipts),
        "files": [_record(one.receipt) | {"outcome": one.outcome} for one in accounts if one.receipt is not None],
        "unread": [
            {"folder": one.root, "file": one.path, "outcome": one.outcome, "reason": one.reason, "files": one.files}
            for one in accounts
            if one.receipt is None
        ],
    }


def _print_others(accounts: Sequence[Account]) -> None:
    """Say which files were not looked at, those of one reason together."""
    reasons: dict[tuple[str, str], list[Account]] = {}
    for one in accounts:
        if one.receipt is None or one.outcome is Outcome.GONE:
            reasons.setdefault((one.outcome, one.reason), []).append(one)
    for (outcome, reason), found in sorted(reasons.items()):
        names = ", ".join(plain(one.path) for one in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        print(f"{sum(one.files for one in found):,} {outcome}: {reason} {names}{more}")


def _print_receipts(receipts: Sequence[FileReceipt], json: bool) -> None:
    if json:
        record = {
            "indexed": sum(receipt.state == "indexed" for receipt in receipts),
            "failed": sum(receipt.state == "failed" for receipt in receipts),
            "files": [_record(receipt) for receipt in receipts],
        }
        print(jsonlib.dumps(record, ensure_ascii=False, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("pages", "passages", "characters", "seconds"):
        table.add_column(title, justify="right")
    table.add_column("file", overflow="fold")
    table.add_column("", overflow="fold")
    for receipt in sorted(receipts, key=lambda r: (r.state == "indexed", r.root, r.path)):
        numbers = (receipt.pages or "", receipt.passages, f"{receipt.characters:,}", f"{receipt.seconds:.2f}")
        table.add_row(*map(str, numbers), escape(plain(receipt.path)), escape(_became(receipt)))
    Console(highlight=False).print(table)
    failed = sum(receipt.state == "failed" for receipt in receipts)
    print(f"{len(receipts) - failed} files are searchable, {failed} could not be read.")


def _became(receipt: FileReceipt) -> str:
    if receipt.state == "failed":
        return f"not indexed. {receipt.reason}"
    return f"indexed. {receipt.reason}".rstrip()


def _record(receipt: FileReceipt) -> dict[str, Any]:
    return {
        "folder": receipt.root,
        "file": receipt.path,
        "state": receipt.state,
        "reason": receipt.reason,
        "pages": receipt.pages,
        "passages": receipt.passages,
        "characters": receipt.characters,
        "seconds": receipt.seconds,
        "bytes": receipt.size,
    }

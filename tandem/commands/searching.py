"""`tandem index` and `tandem search`. Knows what to print; does not know how documents are read or found."""

from __future__ import annotations

import json as jsonlib
import threading
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from rag.errors import UserFacingError
from rag.library import Library
from rag.types import SyncReport
from tandem.commands.passages import as_record, place
from tandem.commands.progress import bar
from tandem.documents import existing, open_library
from tandem.settings import load


def index(folder: Path | None) -> None:
    """Bring the library in step with the folders and say what changed. Raises UserFacingError."""
    settings = load()
    folders = (folder.resolve(),) if folder is not None else settings.documents
    if missing := [one for one in folders if one not in existing(folders)]:
        raise UserFacingError(f"There is no folder {missing[0]}; name an existing one here or under 'documents'.")
    library = open_library(settings)
    try:
        report = _sync(library, folders)
        for receipt in report.receipts:
            if receipt.state == "failed":
                print(f"{receipt.path}: not indexed. {receipt.reason}")
        print(_summary(report, len(library.documents())))
    finally:
        library.close()
    if report.cancelled:
        raise KeyboardInterrupt


def _sync(library: Library, folders: Sequence[Path]) -> SyncReport:
    """Sync in a thread, so that Ctrl-C ends it between two files, with what was read kept."""
    cancel = threading.Event()
    outcome: list[SyncReport | BaseException] = []
    with bar("Indexing") as advance:

        def work() -> None:
            try:
                outcome.append(
                    library.sync(folders, progress=lambda p: advance(p.done, p.total, p.current), cancel=cancel)
                )
            except BaseException as error:
                outcome.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        while thread.is_alive():
            try:
                thread.join(0.2)
            except KeyboardInterrupt:
                cancel.set()
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    return result


def _summary(report: SyncReport, documents: int) -> str:
    counts = (("added", report.added), ("changed", report.changed), ("removed", report.removed))
    changes = ", ".join(f"{count} {word}" for word, count in counts if count) or "nothing changed"
    failed = f", {report.failed} failed" if report.failed else ""
    stopped = "Stopped early: " if report.cancelled else ""
    return f"{stopped}{changes}{failed}; {documents} documents are searchable ({report.seconds:.1f} s)."


def search(query: str, json: bool) -> None:
    """Print the passages found, best first. Raises UserFacingError."""
    library = open_library(load())
    try:
        if not library.documents():
            raise UserFacingError("Nothing is indexed yet; run `tandem index` first.")
        found = library.search(query)
    finally:
        library.close()
    if json:
        record = {
            "query": found.query,
            "language": found.language,
            "confidence": found.confidence,
            "corrections": [list(pair) for pair in found.corrections],
            "notes": list(found.notes),
            "passages": [as_record(passage) for passage in found.passages],
        }
        print(jsonlib.dumps(record, ensure_ascii=False, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    for typed, corrected in found.corrections:
        console.print(f"Searched {corrected} instead of {typed}.", markup=False)
    for note in found.notes:
        console.print(note, markup=False)
    if not found.passages:
        console.print("No passage was found.")
    for number, passage in enumerate(found.passages, 1):
        console.print(f"\n[{number}] {place(passage)} (score {passage.score:.2f})", style="bold", markup=False)
        console.print(passage.text.strip(), markup=False)

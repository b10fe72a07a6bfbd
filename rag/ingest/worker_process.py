"""A process that reads files: what runs on the other side of `rag.ingest.workers`.

Knows how tasks and documents travel, and the limits that a process sets itself. Does not know formats, the store or the
index.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from rag.errors import DocumentError
from rag.formats.recognised import Recogniser
from rag.ingest import loader
from rag.ingest.document_builder import build
from rag.ingest.workers import Task, too_large
from rag.memory import give_back
from rag.ocr.recognition import NOTHING, Choice, load
from rag.storage.records import NewDocument, NewPassage


def serve() -> None:
    """Read tasks from standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no reply
    memory = int(sys.argv[2])
    _limit_memory(memory)
    if sys.platform != "win32" and (nice := int(sys.argv[3])):
        os.nice(nice)
    _send(replies, {"ready": True})
    for line in sys.stdin.buffer:
        values, seconds = json.loads(line)
        choice = values.pop("choice")
        task = Task(**values, choice=Choice(choice["engine"], tuple(choice["languages"]), choice["problem"]))
        with _processor_time(seconds):
            try:
                message = _answer(task, lambda digest: _send(replies, {"digest": digest}))
            except MemoryError:
                message = {"document": None, "reason": too_large(memory)}
            _send(replies, message)
        give_back()


def _answer(task: Task, found: Callable[[str], None]) -> dict[str, Any]:
    try:
        path = Path(task.path)
        data = loader.read_bytes(path)
        digest = loader.digest(data)
        found(digest)
        if digest == task.known:
            return {"document": None, "reason": ""}
        choice = task.choice
        recogniser = _recogniser(choice) if choice.engine else None
        extracted = loader.parse(data, path.name, recogniser, choice.problem or NOTHING.problem)
        document = build(
            extracted,
            name=task.name,
            kind=path.suffix.lower().lstrip("."),
            modified=task.modified,
            passage_chars=task.passage_chars,
        )
        reason = " ".join(extracted.notes)
        return {"document": _document_as(document), "reason": reason, "unread": len(extracted.unread)}
    except loader.PicturesOnly as error:
        return {"document": None, "reason": str(error), "unread": error.pages}
    except DocumentError as error:
        return {"document": None, "reason": str(error)}
    except MemoryError:
        raise
    except Exception as error:  # whatever a library stumbles over in a damaged file
        return {"document": None, "reason": f"The file is damaged ({type(error).__name__}); save it again."}


@cache
def _recogniser(choice: Choice) -> Recogniser:
    """What reads pictures, loaded once a process. Raises DocumentError when it does not start."""
    try:
        return load(choice, max(1, (os.cpu_count() or 1) // 2))
    except (ImportError, OSError, ValueError) as error:
        raise DocumentError(
            f"What reads pictures ({choice.engine}) does not start ({error}); install tandem-assistant[ocr] anew."
        ) from error


def _limit_memory(memory: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    # What the libraries have mapped by now is not the file's doing. The parent measures what is really used, and says
    # so better than a reader that is refused memory; this limit is for what grows faster than it looks.
    with suppress(OSError, ValueError):
        mapped = psutil.Process().memory_info().vms + memory // 2
        resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def _processor_time(seconds: float) -> Iterator[None]:
    """End this process when it computes for longer, even if its parent is gone."""
    if sys.platform == "win32":
        yield
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(sum(os.times()[:2]) + seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def _send(stream: BinaryIO, message: dict[str, Any]) -> None:
    body = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    stream.write(struct.pack(">Q", len(body)) + body)
    stream.flush()


def _document_as(document: NewDocument) -> dict[str, Any]:
    # By hand, because dataclasses.asdict copies every string and every number.
    passages = [{name: getattr(passage, name) for name in _PASSAGE} for passage in document.passages]
    for passage in passages:
        for key in ("tokens", "grams"):
            passage[key] = base64.b64encode(passage[key]).decode("ascii")
    return {name: getattr(document, name) for name in _DOCUMENT} | {"passages": passages}


_PASSAGE = tuple(part.name for part in fields(NewPassage))
_DOCUMENT = tuple(part.name for part in fields(NewDocument) if part.name != "labels")  # whoever had it read knows them

"""Brings a folder in step with a place: what is new or changed is fetched, what is gone there goes here.

Knows which versions lie in the folder, and that nothing may lead out of it. Does not know places.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import regex

from rag.connectors.base import Connector, SourceError
from rag.errors import UserFacingError
from rag.formats.registry import readable

log = logging.getLogger(__name__)

MOST_ITEMS = 200_000
_ODD = regex.compile(r'[\p{Cc}\p{Cs}<>:"|?*\\]|^[\s.~]+|[\s.]+$')
_RESERVED = regex.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one visit brought. `problem` says, in one sentence, why the visit was not whole; "" where it was."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: int = 0
    problem: str = ""


@dataclass(slots=True)
class _Kept:
    """What lies in the folder: by the place's path, the version and the file's name."""

    versions: dict[str, str]
    names: dict[str, str]


def pull(connector: Connector, folder: Path, ledger: Path, stopped: Callable[[], bool] = lambda: False) -> Pulled:
    """Bring `folder` in step with the connector's place; `ledger` is the file that remembers versions.

    A visit that breaks off removes nothing, and what it brought stays. Never raises for what a place does: `problem`
    says it. Raises OSError where the folder cannot be written.
    """
    kept = _remembered(ledger)
    folder.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(("added", "changed", "removed", "unchanged", "skipped"), 0)
    seen: set[str] = set()
    problem = ""
    try:
        for item in connector.items(dict(kept.versions)):
            if stopped():
                problem = "The visit was stopped; the next one goes on."
                break
            if len(seen) >= MOST_ITEMS:
                problem = f"The place holds more than {MOST_ITEMS:,} documents; name a part of it."
                break
            name = safe_name(item.path)
            if not name or not readable(name.rpartition("/")[2]):
                counts["skipped"] += 1
                continue
            seen.add(item.path)
            there = kept.names.get(item.path)
            if there and item.version and kept.versions.get(item.path) == item.version and (folder / there).is_file():
                counts["unchanged"] += 1
                continue
            try:
                data = item.read()
            except SourceError as error:
                counts["skipped"] += 1
                problem = str(error)
                continue
            name = there or _free(name, item.path, kept)
            _write(folder / name, data)
            counts["changed" if there else "added"] += 1
            kept.versions[item.path], kept.names[item.path] = item.version, name
            if (counts["added"] + counts["changed"]) % 100 == 0:
                _remember(ledger, kept)
        else:
            for path in [path for path in kept.names if path not in seen]:
                _remove(folder, kept.names.pop(path))
                kept.versions.pop(path, None)
                counts["removed"] += 1
    except UserFacingError as error:
        problem = str(error)
    finally:
        _remember(ledger, kept)
    return Pulled(**counts, problem=problem)


def safe_name(path: str) -> str:
    """A place's path as one that is safe on every system, within a folder; "" where nothing is left of it."""
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        part = _ODD.sub("", part).strip()
        if not part or part in (".", ".."):
            continue
        if _RESERVED.match(part):
            part = f"_{part}"
        if len(part) > _LONGEST:
            stem, dot, end = part.rpartition(".")
            mark = hashlib.sha256(part.encode("utf-8", "replace")).hexdigest()[:8]
            part = f"{(stem if dot else end)[: _LONGEST - 30]}-{mark}{dot + end[:20] if dot else ''}"
        parts.append(part)
    return "/".join(parts[-12:])


def _free(name: str, path: str, kept: _Kept) -> str:
    """The name, or one beside it where another path has it, also where a file system takes capitals for the same."""
    taken = {one.casefold() for one in kept.names.values()}
    if name.casefold() not in taken:
        return name
    stem, dot, end = name.rpartition(".")
    mark = hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{stem}-{mark}.{end}" if dot else f"{end}-{mark}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name[:60]}.part")
    aside.write_bytes(data)
    aside.replace(path)


def _remove(folder: Path, name: str) -> None:
    path = folder / name
    path.unlink(missing_ok=True)
    for above in path.relative_to(folder).parents:
        with suppress(OSError):
            if above != Path():
                (folder / above).rmdir()


def _remembered(ledger: Path) -> _Kept:
    try:
        found = json.loads(ledger.read_text(encoding="utf-8"))
        return _Kept(
            {str(k): str(v) for k, v in found["versions"].items()}, {str(k): str(v) for k, v in found["names"].items()}
        )
    except FileNotFoundError:
        return _Kept({}, {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        log.warning("What was fetched into %s is not known any more; it is fetched again", ledger.parent)
        return _Kept({}, {})


def _remember(ledger: Path, kept: _Kept) -> None:
    ledger.parent.mkdir(parents=True, exist_ok=True)
    aside = ledger.with_name(f"{ledger.name}.part")
    aside.write_text(json.dumps(asdict(kept), ensure_ascii=False), encoding="utf-8")
    aside.replace(ledger)

"""`tandem audit`, and what other commands note in the audit log. Does not know how entries are chained."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from rag.errors import UserFacingError
from tandem import databases
from tandem.audit.chain import Broken, Entry, as_line, broken, from_line
from tandem.audit.log import AuditLog
from tandem.settings import Settings, load

CONSOLE = "console"


def note(settings: Settings, action: str, object: str = "", details: dict[str, Any] | None = None) -> None:
    """Note that whoever is at the terminal did something; a log that cannot be written stops nothing."""
    log = AuditLog(databases.audit(settings), settings.observability.audit_syslog)
    log.record(CONSOLE, action, object, details)
    log.close()


def export(out: Path | None) -> None:
    """Write every entry as a line of JSON. Raises UserFacingError."""
    settings = load()
    log = AuditLog(databases.audit(settings))
    count = 0
    try:
        with out.open("w", encoding="utf-8", newline="\n") if out is not None else _Standing() as stream:
            for entry in log.entries():
                stream.write(as_line(entry) + "\n")
                count += 1
    except OSError as error:
        raise UserFacingError(f"{out} cannot be written ({error.strerror}); name another file.") from None
    finally:
        log.close()
    note(settings, "export.audit", str(out or ""), {"entries": count})
    if out is not None:
        print(f"{count} entries of the audit log are in {out}.")


class _Standing:
    """Standard output, which stays open."""

    def __enter__(self) -> Any:
        return sys.stdout

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()


def verify(file: Path | None) -> None:
    """Check the chain; with `file`, an earlier export, that too, and that the log still begins with it. Exit code 1
    where something was changed. Raises UserFacingError."""
    log = AuditLog(databases.audit(load()))
    try:
        count, last, wrong = broken(log.entries())
        if wrong is not None:
            _changed("audit log", wrong)
        print(f"{count} entries of the audit log hold together, up to {last}.")
        if file is None:
            return
        exported, _, wrong = broken(_read(file))
        if wrong is not None:
            _changed(f"export {file.name}", wrong)
        if (number := _parted(log.entries(), _read(file))) is not None:
            _changed("audit log", Broken(number, f"it is not the one that {file.name} holds"))
        print(f"The log begins with the {exported} entries of {file.name}.")
    finally:
        log.close()


def _changed(what: str, wrong: Broken) -> None:
    print(f"The {what} was changed: entry {wrong.number} is the first that is not as written; {wrong.reason}.")
    raise typer.Exit(1)


def _parted(entries: Iterable[Entry], exported: Iterable[Entry]) -> int | None:
    """The first exported entry that the log does not hold."""
    standing = iter(entries)
    for entry in exported:
        if next(standing, None) != entry:
            return entry.number
    return None


def _read(file: Path) -> Iterator[Entry]:
    try:
        with file.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield from_line(line)
                except ValueError:
                    raise UserFacingError(f"{file}, line {number}, is no entry of an audit log.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserFacingError(f"{file} cannot be read ({error}); name an export of the audit log.") from None

"""`tandem data move`, `tandem backup`, `tandem restore`. Knows what is printed, not how anything is copied."""

from __future__ import annotations

import sys
from pathlib import Path

from rag.database.places import Place, Sqlite
from rag.errors import UserFacingError
from tandem import databases
from tandem.commands.auditing import note
from tandem.data_lock import hold
from tandem.keeping import backup
from tandem.keeping.buckets import SCHEME, Bucket
from tandem.keeping.moving import Moved, move
from tandem.keeping.passages import move_passages, passages_at
from tandem.people.ended import write_out
from tandem.settings import Settings, load


def move_data(source: str, target: str) -> None:
    """Copy conversations, traces, the audit log and, where they are to lie there, passages. Raises UserFacingError."""
    settings = load()
    lock = hold(settings.files, "tandem data move")
    try:
        here, there = databases.places_at(source, settings), databases.places_at(target, settings)
        if not any(_is_there(place) for place in here):
            raise UserFacingError(f"There is nothing at {here[0].name}; name a data directory or a database.")
        try:
            moved = move(here, there, _progress)
            if here[0].on_server and not there[0].on_server:
                write_out(there[-1], databases.settings_at(target, settings).files.signed_out)
        finally:
            for place in (*here, *there):
                place.close()
        if settings.storage.passages == "database":
            moved += move_passages(passages_at(source, settings), passages_at(target, settings), _progress)
        note(settings, "export.move", there[0].name, {one.table: one.rows for one in moved})
    finally:
        lock.release()
    print(file=sys.stderr)
    for one in moved:
        print(_line(one))
    print(
        f"Everything is at {there[0].name} as it is at {here[0].name}, where it stays too. "
        "Set storage.database to use it; documents and uploads stay in the data directory"
        + (", and the search index is made anew at the next start." if settings.storage.passages == "database" else ".")
    )


def back_up(where: str) -> None:
    """Save everything that is kept to a folder or a bucket. Raises UserFacingError."""
    settings = load()
    if (bucket := _bucket(where, settings)) is not None:
        saved = backup.back_up_to_bucket(settings, bucket)
    else:
        saved = backup.back_up(settings, Path(where).absolute())
    note(settings, "export.backup", where, {"files": saved.files, "bytes": saved.size})
    again = "" if saved.index else " The search index is not in it, and is made anew when it is put back."
    print(f"{saved.files:,} files, {_size(saved.size)}, are in {where}, each checked.{again}")


def restore(where: str) -> None:
    """Put a backup back from a folder or a bucket. Raises UserFacingError."""
    settings = load()
    if (bucket := _bucket(where, settings)) is not None:
        saved = backup.restore_from_bucket(settings, bucket)
    else:
        saved = backup.restore(settings, Path(where).absolute())
    note(settings, "backup.restored", where, {"made": saved.made})
    print(f"{saved.files:,} files, {_size(saved.size)}, as of {saved.made}, are in {settings.data_dir}, each checked.")


def _bucket(where: str, settings: Settings) -> Bucket | None:
    return Bucket.named(where, settings.storage.s3_endpoint) if where.startswith(SCHEME) else None


def _size(bytes: int) -> str:
    return f"{bytes / 1e6:,.1f} MB"


def _is_there(place: Place) -> bool:
    return not isinstance(place, Sqlite) or place.path.is_file()


def _progress(table: str, rows: int) -> None:
    print(f"\r{table}: {rows:,} rows ", end="", file=sys.stderr, flush=True)


def _line(one: Moved) -> str:
    left = f", {one.left:,} left behind that belong to nothing any more" if one.left else ""
    return f"{one.table}: {one.rows:,} rows{left}, checksum {one.checksum[:16]}"

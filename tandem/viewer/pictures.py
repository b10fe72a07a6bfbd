"""Pages as pictures for everybody who looks at them: a few at a time, and the last ones kept.

Knows how much is drawn and kept at once. Does not know how a page is drawn, nor who looks.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path

from rag.errors import DocumentError
from rag.originals.pictures import Picture, Quoted, draw

AT_ONCE = 2
MOST_WAITING = 30
MOST_BYTES = 32_000_000

_Key = tuple[str, int, int, int]


class Pictures:
    """The pages of one process."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[_Key, tuple[tuple[Quoted, ...], Picture]] = OrderedDict()
        self._bytes = 0
        self._drawing = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def page(self, path: Path, page: int, quoted: tuple[Quoted, ...] | None = None) -> Picture:
        """The page (from 1) of the file as it is now; its boxes are those of `quoted`, or with None of whatever was
        looked for last. Raises DocumentError, also where too many wait."""
        key = await asyncio.to_thread(_key, path, page)
        if (kept := self._found(key, quoted)) is not None:
            return kept
        if self._waiting >= MOST_WAITING:
            raise DocumentError("Many pages are being drawn at the moment; try again in a moment.")
        self._waiting += 1
        try:
            async with self._drawing:
                if (kept := self._found(key, quoted)) is not None:
                    return kept
                picture = await asyncio.to_thread(draw, path, page, quoted or ())
        finally:
            self._waiting -= 1
        self._keep(key, quoted or (), picture)
        return picture

    def _found(self, key: _Key, quoted: tuple[Quoted, ...] | None) -> Picture | None:
        kept = self._kept.get(key)
        if kept is None or (quoted is not None and kept[0] != quoted):
            return None
        self._kept.move_to_end(key)
        return kept[1]

    def _keep(self, key: _Key, quoted: tuple[Quoted, ...], picture: Picture) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self._bytes -= len(old[1].png)
        self._kept[key] = (quoted, picture)
        self._bytes += len(picture.png)
        while self._bytes > self._most:
            _, (_, gone) = self._kept.popitem(last=False)
            self._bytes -= len(gone.png)


def _key(path: Path, page: int) -> _Key:
    try:
        status = path.stat()
    except OSError as error:
        raise DocumentError(f"The file cannot be opened ({error.strerror}); it may have been moved.") from error
    return str(path), status.st_mtime_ns, status.st_size, page

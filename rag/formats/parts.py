"""Documents within a document: attachments of a message, files of an archive.

Knows that each is read by its own reader, under a heading, and that depth, number and size are bounded. Does not know
mail or archives.
"""

from __future__ import annotations

from contextvars import ContextVar

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, one_line

_DEEPEST = 4
_MOST_BYTES = 200_000_000
_MOST_NOTES = 40
_depth: ContextVar[int] = ContextVar("depth of documents within documents", default=0)


class Parts:
    """Reads documents into the builder of the one that holds them; what cannot be read is noted with its reason."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._bytes = 0
        self._silent = 0

    def add(self, data: bytes, name: str, title: str, level: int) -> None:
        """Append the document `data`, read as the extension of `name` says, under the heading `title`."""
        from rag.formats.registry import read

        self._bytes += len(data)
        if _depth.get() >= _DEEPEST:
            self.note(name, "lies too deep in other files; unpack it")
            return
        if self._bytes > _MOST_BYTES:
            self.note(name, f"comes after the first {_MOST_BYTES // 1_000_000} MB; unpack it")
            return
        if not data.strip():
            self.note(name, "is empty")
            return
        token = _depth.set(_depth.get() + 1)
        try:
            found = read(data, name)
        except DocumentError as error:
            self.note(name, str(error).rstrip("."))
            return
        except MemoryError:
            raise
        except Exception as error:  # whatever a library stumbles over in a damaged file
            self.note(name, f"is damaged ({type(error).__name__})")
            return
        finally:
            _depth.reset(token)
        if not found.text.strip():
            self.note(name, "holds no text")
            return
        embed(self._builder, found, title, level)
        for note in found.notes:
            self.note(name, note.rstrip("."))

    def note(self, name: str, reason: str) -> None:
        """Note that a part was not read, or not wholly, and why."""
        if len(self._builder.notes) < _MOST_NOTES:
            self._builder.notes.append(f"{one_line(name)}: {reason}.")
            return
        self._silent += 1
        more = f"{self._silent} more files in it were not read or not wholly."
        if self._silent > 1:
            self._builder.notes.pop()
        self._builder.notes.append(more)


def embed(builder: Builder, found: Extracted, title: str, level: int) -> None:
    """Append a whole document under a heading; its own headings go below that one."""
    builder.heading(title, level)
    at = 0
    top = min((heading.level for heading in found.headings), default=1)
    for heading in found.headings:
        _blocks(builder, found.text[at : heading.start])
        builder.heading(heading.text, level + 1 + heading.level - top)
        at = heading.end
    _blocks(builder, found.text[at:])


def _blocks(builder: Builder, text: str) -> None:
    # What follows a heading on the next line belongs to a list.
    builder.add(text.strip("\n"), separator="\n" if text.startswith("\n") and not text.startswith("\n\n") else "\n\n")

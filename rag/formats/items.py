"""How the further paragraphs of one item of a list go on, and the entries of a list of names.

Knows text. Does not know any format.
"""

from __future__ import annotations

from rag.text import sentences

_LONGEST, _NAME_WORDS = 500, 6


def joined(before: str, after: str) -> tuple[str, str]:
    """(what stands between an item as it was written so far and the next paragraph of it, the item with that): nothing
    but a space, so that it is one item still; a colon after a name that the paragraph explains; a blank line where it
    gets long or the item has no end yet, and then nothing more goes on in its line.

    >>> joined("port", "Port to the server."), joined("a" * 500, "b")
    ((': ', 'port: Port to the server.'), ('\\n\\n', ''))
    >>> joined("Open the file.", "It is large.")
    (' ', 'Open the file. It is large.')
    """
    between = _joint(before, after)
    return between, "" if "\n" in between else f"{before}{between}{after}"


def _joint(before: str, after: str) -> str:
    if not before or len(before) + len(after) > _LONGEST:
        return "\n\n"
    if sentences.PAUSE.search(before):
        return "\n\n" if before.endswith((":", "：")) else " "
    return ": " if len(before.split()) <= _NAME_WORDS and after[:1].isupper() else "\n\n"

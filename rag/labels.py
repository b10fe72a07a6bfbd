"""The labels of documents, which say who may find them, and how they are written into a column and an index.

A document has one label or several; whoever may read any of them may read it. Knows their forms: one for everybody, one
for a conversation's own files, one for a collection, one for what nobody may read yet. Does not know who may
read which.
"""

from __future__ import annotations

from collections.abc import Collection

EVERYBODY = "everybody"
PUBLIC = frozenset({EVERYBODY})
UNSETTLED = frozenset({"unsettled"})
"""Of a document that came in while rights changed: nobody may read it until it is known who may."""
_THREAD, _COLLECTION = "thread:", "collection:"
# Before there were labels, a document had one scope: "" or the id of a conversation. Those two are written as they
# were, so that an older data directory needs no change; whatever else is written begins with what no such id holds.
_SEPARATOR = "\n"


def thread(conversation: str) -> str:
    """The label of the files that were dropped into a conversation."""
    return _THREAD + conversation.replace(_SEPARATOR, "\ufffd")


def collection(name: str) -> str:
    """The label of a collection's documents."""
    return _COLLECTION + name.replace(_SEPARATOR, "\ufffd")


def thread_of(labels: Collection[str]) -> str:
    """The conversation whose file it is, "" for a document of the library."""
    return next((label.removeprefix(_THREAD) for label in labels if label.startswith(_THREAD)), "")


def collections_of(labels: Collection[str]) -> tuple[str, ...]:
    """The names of the collections among the labels, in order."""
    return tuple(sorted(label.removeprefix(_COLLECTION) for label in labels if label.startswith(_COLLECTION)))


def written(labels: Collection[str]) -> str:
    """The labels as a column holds them."""
    if len(labels) == 1:
        return tag(next(iter(labels)))
    return "".join(_SEPARATOR + label for label in sorted(labels)) or _SEPARATOR


def read(column: str) -> frozenset[str]:
    """The labels that a column holds. Of a damaged one, labels that nobody may read."""
    if column.startswith(_SEPARATOR):
        return frozenset(filter(None, column.split(_SEPARATOR)))
    return PUBLIC if not column else frozenset({thread(column)})


def tag(label: str) -> str:
    """The label as an index holds it."""
    if label == EVERYBODY:
        return ""
    bare = label.removeprefix(_THREAD)
    return bare if bare and bare != label else _SEPARATOR + label

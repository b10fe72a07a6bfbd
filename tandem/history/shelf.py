"""How somebody keeps their conversations: pinned, archived, tagged, and found again.

Knows the statements. Does not know threads (the computer's), requests or the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from chainlit.types import ThreadFilter
from sqlalchemy import Connection, Row, Select, select, update

from rag.formats.extracted import clean, one_line
from rag.text.analyser import casefold
from rag.text.unicode import whole
from tandem.history.base import Change, HistoryError, Shelf, Shelved, Wanted
from tandem.history.queries import PLACE, filtered, now
from tandem.history.tables import threads, users

NAME_CHARS = 120
TAG_CHARS = 40
MOST_TAGS = 12


def tidy(tags: Iterable[str]) -> list[str]:
    """Tags as they are kept: short, on one line, each once in whatever case.

    >>> tidy([" Budget  2027", "budget 2027", "", "a,b"])
    ['Budget 2027', 'a b']
    """
    found: dict[str, str] = {}
    for tag in tags:
        text = one_line(clean(whole(tag)).replace(",", " "))[:TAG_CHARS].strip()
        if text:
            found.setdefault(casefold(text), text)
    return list(found.values())[:MOST_TAGS]


def arranged(owner: str, thread_id: str, change: Change) -> Callable[[Connection], None]:
    """The work that changes one conversation. It raises HistoryError where that is not `owner`'s."""

    def work(db: Connection) -> None:
        if db.execute(_of(owner).where(threads.c.id == thread_id)).first() is None:
            raise HistoryError("This conversation is not here any more; reload the page.")
        values: dict[str, Any] = {}
        if change.pinned is not None:
            values["pinned"] = now() if change.pinned else None
        if change.archived is not None:
            values["archived"] = now() if change.archived else None
        if change.tags is not None:
            values["tags"] = tidy(change.tags)
        if change.name is not None and (name := one_line(clean(whole(change.name)))[:NAME_CHARS]):
            values["name"] = name
        if values:
            db.execute(update(threads).where(threads.c.id == thread_id).values(**values))

    return work


def single(owner: str, thread_id: str) -> Callable[[Connection], Shelved | None]:
    """The work that finds one conversation of somebody."""

    def work(db: Connection) -> Shelved | None:
        row = db.execute(_of(owner).where(threads.c.id == thread_id)).first()
        return _shelved(row) if row is not None else None

    return work


def found(owner: str, wanted: Wanted) -> Callable[[Connection], Shelf]:
    """The work that finds a page of somebody's conversations."""

    def work(db: Connection) -> Shelf:
        query = filtered(_of(owner), ThreadFilter(search=wanted.words or None)).order_by(
            *(part.desc() for part in PLACE)
        )
        rows = [_shelved(row) for row in db.execute(query)]
        here = [one for one in rows if one.archived == (wanted.place == "archive")]
        tags = Counter(tag for one in here for tag in one.tags)
        matching = [one for one in here if not wanted.tag or casefold(wanted.tag) in map(casefold, one.tags)]
        return Shelf(
            tuple(matching[wanted.after : wanted.after + wanted.limit]),
            len(matching),
            sum(one.archived for one in rows),
            dict(sorted(tags.items(), key=lambda item: casefold(item[0]))),
        )

    return work


def _of(owner: str) -> Select[Any]:
    columns = threads.c.id, threads.c.name, threads.c.updated, threads.c.pinned, threads.c.archived, threads.c.tags
    return select(*columns).join(users, users.c.id == threads.c.user_id).where(users.c.identifier == owner)


def _shelved(row: Row[Any]) -> Shelved:
    tags = tuple(str(tag) for tag in row.tags) if isinstance(row.tags, list) else ()
    return Shelved(row.id, row.name or "", row.updated, row.pinned is not None, row.archived is not None, tags)

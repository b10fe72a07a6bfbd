"""The page of one's conversations: the list with its filters, and one conversation with all that can be done to it.

Knows its own HTML, which has no script in it. Does not know how conversations are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from html import escape
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from tandem.entry import page
from tandem.history.base import Shelf, Shelved, Wanted
from tandem.texts import Language, date, say

HERE = "/conversations"
STYLE = f"{HERE}/static/conversations.css"
SAME_PLACE = "back"
"""The field of a form that says where one was: only an address of this page counts."""


def address(wanted: Wanted) -> str:
    """Where these are listed."""
    archive = "archive" if wanted.place == "archive" else ""
    values = {"place": archive, "q": wanted.words, "tag": wanted.tag, "after": wanted.after or ""}
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{HERE}?{query}" if query else HERE


def listing(language: Language, wanted: Wanted, found: Shelf, said: str = "") -> HTMLResponse:
    """The list."""
    parts = [
        _ways(page.way("/", say("to_the_chat", language))),
        page.sentence(said),
        _places(language, wanted, found),
        _search(language, wanted),
        _tags(language, wanted, found),
    ]
    if found.shown:
        rows = "".join(_row(one, wanted, language) for one in found.shown)
        parts.append(f'<ul class="rows" aria-label="{escape(say("conversations", language))}">{rows}</ul>')
    else:
        looked = wanted.words or wanted.tag
        key = "no_conversation_found" if looked else "no_archived" if wanted.place == "archive" else "no_conversations"
        parts.append(page.words(say(key, language)))
    before = replace(wanted, after=max(0, wanted.after - wanted.limit))
    after = replace(wanted, after=wanted.after + wanted.limit)
    steps = [page.way(address(before), say("newer", language))] if wanted.after else []
    steps += [page.way(address(after), say("older", language))] if after.after < found.matching else []
    return page.response(language, say("conversations", language), [*parts, _ways(*steps)], style=STYLE)


def single(language: Language, one: Shelved, said: str = "", *, bad: bool = False) -> HTMLResponse:
    """One conversation, with all that can be done to it."""
    here = f"{HERE}/{one.id}"
    back = Wanted("archive" if one.archived else "list")
    tags = page.field(
        "tags", say("tags", language), value=", ".join(one.tags), hint=say("tags_hint", language), needed=False,
        attributes={"maxlength": "600"},
    )  # fmt: skip
    name = page.field("name", say("name_of_it", language), value=one.name, attributes={"maxlength": "120"})
    files = "".join(
        f'<a class="way" href="{here}/export/{kind}" download>{escape(text)}</a>'
        for kind, text in (("md", "Markdown"), ("docx", "Word (DOCX)"), ("pdf", "PDF"), ("json", "JSON"))
    )
    parts = [
        _ways(
            page.way(address(back), say("conversations", language)),
            page.way(f"/thread/{one.id}", say("open_it", language)),
        ),
        page.sentence(said, bad=bad),
        f'<div class="deeds">{_pin(one, language, here)}{_archive(one, language, here)}</div>',
        page.heading(say("export_it", language)),
        page.words(say("export_hint", language)),
        _ways(files),
        page.heading(say("rename", language)),
        page.form(f"{here}/rename", say("keep_name", language), name),
        page.heading(say("tags", language)),
        page.form(f"{here}/tags", say("keep_tags", language), tags),
        page.heading(say("delete_it", language)),
        page.words(say("delete_hint", language)),
        page.form(f"{here}/delete", say("delete_it", language), _sure(language)),
    ]
    return page.response(language, one.name or say("untitled", language), parts, 400 if bad else 200, style=STYLE)


def missing(language: Language) -> HTMLResponse:
    """A page that says that there is no such conversation."""
    parts = [
        page.sentence(say("no_such_conversation", language), bad=True),
        _ways(page.way(HERE, say("conversations", language)), page.way("/", say("to_the_chat", language))),
    ]
    return page.response(language, say("conversations", language), parts, 404, style=STYLE)


def _ways(*ways: str) -> str:
    return f'<div class="ways">{"".join(ways)}</div>' if ways else ""


def _sure(language: Language) -> str:
    said = escape(say("delete_sure", language))
    return f'<label class="tick"><input type="checkbox" name="sure" value="yes" required> {said}</label>'


def _places(language: Language, wanted: Wanted, found: Shelf) -> str:
    named = {"list": say("in_the_list", language), "archive": say("in_the_archive", language, count=found.archived)}
    links = []
    for place, text in named.items():
        now = ' aria-current="page"' if place == wanted.place else ""
        to = address(Wanted("archive" if place == "archive" else "list", wanted.words))
        links.append(f'<a class="tab"{now} href="{escape(to)}">{escape(text)}</a>')
    return f'<nav class="tabs" aria-label="{escape(say("places", language))}">{"".join(links)}</nav>'


def _search(language: Language, wanted: Wanted) -> str:
    label = escape(say("search_conversations", language))
    kept: Mapping[str, str] = {"place": "archive" if wanted.place == "archive" else "", "tag": wanted.tag}
    hidden = "".join(page.hidden(name, value) for name, value in kept.items() if value)
    return (
        f'<form class="search" method="get" action="{HERE}" role="search">{hidden}'
        f'<input type="search" name="q" value="{escape(wanted.words)}" aria-label="{label}" placeholder="{label}">'
        f'<button type="submit">{escape(say("search", language))}</button></form>'
    )


def _tags(language: Language, wanted: Wanted, found: Shelf) -> str:
    if not found.tags and not wanted.tag:
        return ""
    links = []
    for tag in dict.fromkeys([*found.tags, *([wanted.tag] if wanted.tag else [])]):
        chosen = tag.casefold() == wanted.tag.casefold()
        to = address(replace(wanted, tag="" if chosen else tag, after=0))
        now = ' aria-current="true"' if chosen else ""
        count = f' <span class="count">{found.tags[tag]}</span>' if tag in found.tags else ""
        links.append(f'<a class="tag"{now} href="{escape(to)}">{escape(tag)}{count}</a>')
    return f'<nav class="tags" aria-label="{escape(say("tags", language))}">{"".join(links)}</nav>'


def _row(one: Shelved, wanted: Wanted, language: Language) -> str:
    name = escape(one.name or say("untitled", language))
    here = f"{HERE}/{one.id}"
    tags = "".join(f'<span class="tag">{escape(tag)}</span>' for tag in one.tags)
    pinned = f'<span class="pinned">{escape(say("pinned", language))}</span>' if one.pinned else ""
    deeds = _archive(one, language, here, wanted) if one.archived else _pin(one, language, here, wanted)
    deeds += "" if one.archived else _archive(one, language, here, wanted)
    more = f'<a class="more" href="{here}">{escape(say("more", language))}<span class="unseen">: {name}</span></a>'
    return (
        f'<li data-conversation="{one.id}"><div><a class="name" dir="auto" href="/thread/{one.id}">{name}</a>'
        f'<p class="about">{pinned}{_day(one.updated, language)}{tags}</p></div>'
        f'<div class="deeds">{deeds}{more}</div></li>'
    )


def _day(moment: str, language: Language) -> str:
    try:
        said = date(datetime.fromisoformat(moment), language)
    except ValueError:
        said = moment[:10]
    return f'<time datetime="{escape(moment)}">{escape(said)}</time>'


def _pin(one: Shelved, language: Language, here: str, back: Wanted | None = None) -> str:
    return _deed(one, language, here, "unpin" if one.pinned else "pin", back)


def _archive(one: Shelved, language: Language, here: str, back: Wanted | None = None) -> str:
    return _deed(one, language, here, "restore" if one.archived else "archive", back)


def _deed(one: Shelved, language: Language, here: str, key: str, back: Wanted | None) -> str:
    field = page.hidden(SAME_PLACE, address(back)) if back is not None else ""
    label = escape(f"{say(key, language)}: {one.name or say('untitled', language)}")
    return (
        f'<form class="quiet" method="post" action="{here}/{key}">{field}'
        f'<button type="submit" aria-label="{label}">{escape(say(key, language))}</button></form>'
    )

"""The form of a collection: what stands in it, and what somebody has sent back.

Knows fields and their words. Of the folders, a browser sends back marks of those that it was shown, and nothing that it
sends becomes a path. Does not know addresses, nor how a collection is kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tandem.auth.collections import Made
from tandem.collecting import Choosable, mark_of
from tandem.context import AppContext
from tandem.entry import page
from tandem.people.accounts import check_group
from tandem.people.collections import LONGEST_NAME, checked_name, new_key
from tandem.people.store import AccountsError
from tandem.texts import Language, say

EVERYBODY, GROUPS = "everybody", "groups"
_MOST_FOLDERS, _MOST_GROUPS, _LONGEST = 300, 60, 2000
_NAMES = re.compile(r"[,\n]")


@dataclass(frozen=True, slots=True)
class Entered:
    """What stands in the form: as it is kept, or as somebody has sent it."""

    key: str = ""
    version: str = "0"
    name: str = ""
    everybody: bool = False
    readers: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    curating: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


def as_kept(context: AppContext, made: Made) -> Entered:
    """The form as one is now."""
    return Entered(
        key=made.key,
        version=version_of(context, made),
        name=made.name,
        everybody=made.readers is None,
        readers=made.readers or (),
        people=tuple(context.collecting.curators(made.key)),
        curating=made.curators,
        folders=tuple(mark_of(one) for one in made.folders),
    )


def version_of(context: AppContext, made: Made) -> str:
    """What tells one from what another administrator makes of it meanwhile, who curates it included."""
    curators = "\0".join(context.collecting.curators(made.key))
    return f"{made.version}.{hashlib.sha256(curators.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def fields(context: AppContext, entered: Entered, folders: Sequence[Choosable], language: Language) -> list[str]:
    """All that stands in the form; `folders` are those that may be chosen."""
    bounds = {"maxlength": str(LONGEST_NAME), "autocomplete": "off"}
    return [
        page.hidden("key", entered.key),
        page.hidden("version", entered.version),
        page.field("name", say("collection_name", language), value=entered.name, attributes=bounds),
        *_who(entered, _groups(context)[:_MOST_GROUPS], language),
        *_what(context, entered, folders, language),
    ]


def hidden(entered: Entered) -> str:
    """All that stands in the form, to be sent once more as it is."""
    values = {
        "key": (entered.key,),
        "version": (entered.version,),
        "name": (entered.name,),
        "open": (EVERYBODY if entered.everybody else GROUPS,),
        "reader": entered.readers,
        "people": entered.people,
        "curating": entered.curating,
        "folder": entered.folders,
    }
    return "".join(page.hidden(key, value) for key, several in values.items() for value in several)


def _who(entered: Entered, groups: Sequence[str], language: Language) -> list[str]:
    bounds = {"maxlength": str(_LONGEST), "autocomplete": "off"}
    open_to = [
        page.Tick(EVERYBODY, say("readers_everybody", language), entered.everybody),
        page.Tick(GROUPS, say("readers_groups", language), not entered.everybody),
    ]

    def several(name: str, label: str, named: Sequence[str], more: str) -> str:
        others = ", ".join(one for one in named if one not in groups)
        label_of_more, hint = say("more_groups" if groups else "groups", language), say("more_groups_hint", language)
        return page.ticks(name, label, [page.Tick(one, one, one in named) for one in groups]) + page.field(
            more, label_of_more, value=others, hint=hint, attributes=bounds, needed=False
        )

    people = page.field(
        "people",
        say("people", language),
        value=", ".join(entered.people),
        hint=say("curators_hint", language),
        attributes=bounds,
        needed=False,
    )
    readers = several("reader", say("groups", language), entered.readers, "readers")
    return [
        page.section(
            say("collection_readers", language),
            page.ticks("open", "", open_to, kind="radio"),
            f'<div class="these">{readers}</div>',
        ),
        page.section(
            say("collection_curators", language),
            people,
            several("curating", say("groups", language), entered.curating, "curate"),
        ),
    ]


def _what(context: AppContext, entered: Entered, folders: Sequence[Choosable], language: Language) -> list[str]:
    def ticks(some: Sequence[Choosable]) -> list[page.Tick]:
        return [_tick(one, entered, language) for one in some]

    shown, left = _not_too_many([one for one in folders if not one.place], entered.folders)
    made, known = context.collecting.find(entered.key), {one.mark for one in folders}
    lost = [
        page.Tick(mark, context.collecting.called(one), mark in entered.folders, note=say("folder_lost", language))
        for one in (made.folders if made is not None else ())
        if (mark := mark_of(one)) not in known
    ]
    hint = say("folders_more", language, count=left) if left else say("folders_hint", language)
    return [
        page.ticks("folder", say("collection_folders", language), [*ticks(shown), *lost], hint=hint, tree=True),
        page.ticks("folder", say("connectors", language), ticks([one for one in folders if one.place]), tree=True),
    ]


def _tick(one: Choosable, entered: Entered, language: Language) -> page.Tick:
    note = say("folder_documents", language, count=one.documents)
    if one.fixed:
        note = say("folder_fixed", language, names=", ".join(one.fixed))
    return page.Tick(
        one.mark, one.name, one.mark in entered.folders and not one.fixed, note, one.depth, fixed=bool(one.fixed)
    )


def _not_too_many(folders: Sequence[Choosable], chosen: Sequence[str]) -> tuple[list[Choosable], int]:
    """The upper folders, as many levels as a page can show, with all that are chosen; and how many are not shown."""
    deepest = max((one.depth for one in folders), default=0)
    while deepest > 0 and sum(one.depth <= deepest for one in folders) > _MOST_FOLDERS:
        deepest -= 1
    shown = [one for one in folders if one.depth <= deepest or one.mark in chosen]
    return shown, len(folders) - len(shown)


def _groups(context: AppContext) -> list[str]:
    """The groups that are known."""
    rights, settings = context.rights, context.settings
    known = set(settings.groups) | {group for one in context.entrance.people.everybody() for group in one.groups}
    known |= {group for one in rights.collections for group in (*(one.readers or ()), *one.curating)}
    ways_in = settings.server.sign_in
    known |= {
        group for way in (*ways_in.providers, ways_in.ldap, ways_in.proxy) if way for group in way.groups.values()
    }
    return sorted(known)


def sent_back(sent: Mapping[str, str]) -> Entered:
    """What a browser has sent; of several values with one name, each stands on a line of its own."""

    def several(ticked: str = "", written: str = "") -> tuple[str, ...]:
        found = [*sent.get(ticked, "").split("\n"), *_NAMES.split(sent.get(written, ""))]
        return tuple(dict.fromkeys(name for one in found if (name := one.strip())))

    return Entered(
        key=sent.get("key", ""),
        version=sent.get("version", ""),
        name=sent.get("name", ""),
        everybody=sent.get("open") == EVERYBODY,
        readers=several("reader", "readers"),
        people=several(written="people"),
        curating=several("curating", "curate"),
        folders=several("folder"),
    )


def read(context: AppContext, entered: Entered, language: Language) -> tuple[Made, Made | None]:
    """The collection that was entered, and what it was before. Raises AccountsError."""
    before = context.collecting.find(entered.key) if entered.key else None
    if entered.key and before is None:
        raise AccountsError(say("collection_gone", language))
    if before is not None and entered.version != version_of(context, before):
        raise AccountsError(say("collection_faster", language))
    name, known = checked_name(entered.name), set(_groups(context))
    for group in (*entered.readers, *entered.curating):
        if group not in known:
            check_group(group)
    folders = {one.mark: one.folder for one in context.collecting.choosable() if not one.fixed}
    folders |= {mark_of(one): one for one in (before.folders if before is not None else ())}
    if not entered.folders:
        raise AccountsError(say("collection_no_folder", language))
    if any(mark not in folders for mark in entered.folders):
        raise AccountsError(say("collection_folder_gone", language))
    made = Made(
        key=before.key if before is not None else new_key(),
        name=name,
        readers=None if entered.everybody else entered.readers,
        curators=entered.curating,
        folders=tuple(sorted(folders[mark] for mark in entered.folders)),
        version=before.version if before is not None else 0,
    )
    context.collecting.check(made, entered.people)
    return made, before

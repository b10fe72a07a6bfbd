"""`tandem people`. Knows accounts in the database; does not know the server, which looks there by itself."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer

from rag.errors import UserFacingError
from tandem import databases
from tandem.auth.collections import Collection, of_chat, of_settings
from tandem.auth.rights import ADMINISTRATOR, CURATOR
from tandem.commands.auditing import note
from tandem.commands.signing_out import sign_out_everywhere
from tandem.listening import nearby
from tandem.people.accounts import INVITE, LINK_HOURS, LOCAL, MEMBER, RESET, People, Person
from tandem.people.collections import Collections
from tandem.people.store import Store
from tandem.settings import Settings, load


@contextmanager
def opened() -> Iterator[tuple[Settings, People]]:
    """The settings, and the accounts for a moment."""
    settings = load()
    store = Store(databases.people(settings))
    try:
        yield settings, People(store, settings.server.users)
    finally:
        store.close()


def list_people(*, json: bool) -> None:
    """Print everybody."""
    with opened() as (settings, people):
        found, named = people.everybody(), {one.key: one.name for one in _collections(settings, people)}
    if json:
        print(jsonlib.dumps([_record(one, named) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        roles, groups = _roles(one, named), sorted(one.groups)
        state = "removed" if one.removed else "invited" if one.way == LOCAL and not one.hash else one.way or "settings"
        granted = [*roles, *(f"in {group}" for group in groups)]
        print(f"{one.name}: {', '.join([state, *granted])}{f', last seen {one.seen[:16]}' if one.seen else ''}")
    if not found:
        print("Nobody has an account; `tandem people add NAME` makes one.")


def _roles(one: Person, named: Mapping[str, str]) -> list[str]:
    curates = sorted(named.get(key, key) for key in one.curates)
    return (["administrator"] if one.administers else []) + [f"curator of {name}" for name in curates]


def _record(one: Person, named: Mapping[str, str]) -> dict[str, object]:
    return {
        "name": one.name,
        "way": one.way,
        "roles": _roles(one, named),
        "groups": sorted(one.groups),
        "two_factor": one.two_factor,
        "created": one.created,
        "seen": one.seen,
        "removed": one.removed,
    }


def add(name: str, groups: list[str], way: str) -> None:
    """Make an account. Raises UserFacingError."""
    with opened() as (settings, people):
        providers = {f"oidc:{one.name}" for one in settings.server.sign_in.providers} | {LOCAL, "ldap"}
        if way not in providers:
            raise UserFacingError(f"{way} is no way to sign in here; choose one of {', '.join(sorted(providers))}.")
        people.add(name, way=way, groups=groups)
        note(settings, "account.added", name, {"way": way, "groups": groups})
        if way == LOCAL:
            _print_link(settings, name, people.link(name, INVITE))
        else:
            print(f"{name} may sign in by {way}.")


def invite(name: str) -> None:
    """Print a new link to an account that nobody has opened yet. Raises UserFacingError."""
    with opened() as (settings, people):
        if (person := people.find(name)) is not None and person.hash:
            raise UserFacingError(f"{name} has chosen a password already; `tandem people reset {name}` lets them anew.")
        code = people.link(name, INVITE)
        note(settings, "account.invited", name)
        _print_link(settings, name, code)


def reset(name: str) -> None:
    """Print a link to choose a password anew. Raises UserFacingError."""
    with opened() as (settings, people):
        code = people.link(name, RESET)
        note(settings, "account.reset", name)
        _print_link(settings, name, code)


def _print_link(settings: Settings, name: str, code: str) -> None:
    server = settings.server
    address = server.sign_in.address or nearby(f"http://{server.host}:{server.port}")
    print(f"Give this to {name}; it works once, for {LINK_HOURS} hours: {address}/sign-in/link/{code}")


def remove(name: str) -> None:
    """Take an account away. Raises UserFacingError."""
    with opened() as (settings, people):
        people.remove(name)
        _sign_out(settings, name)
        note(settings, "account.removed", name)
    print(f"{name} has no account any more.")


def forget(name: str, *, sure: bool) -> None:
    """Delete what is kept of somebody. Raises UserFacingError."""
    from tandem.documents import open_library
    from tandem.keeping import forgetting

    settings = load()
    if not sure:
        typer.confirm(f"Delete {name}'s conversations, traces, usage, keys and account for good?", abort=True)
    library = open_library(settings)
    try:
        counts = forgetting.forget(settings, name, library)
    finally:
        library.close()
    _sign_out(settings, name)
    if not any(counts.values()):
        raise UserFacingError(f"Nothing is kept of {name} here; `tandem people list` names who has an account.")
    note(settings, "account.forgotten", name, dict(counts))
    print(f"{name} is forgotten: {', '.join(f'{count} {what}' for what, count in counts.items())}.")


def role(name: str, role: str, collection: str) -> None:
    """Grant a role. Raises UserFacingError."""
    with opened() as (settings, people):
        known = {one.name: one.key for one in _collections(settings, people)}
        if collection and collection not in known:
            raise UserFacingError(f"There is no collection {collection!r}; tandem.yaml and the chat name them.")
        people.grant(name, role, known.get(collection, ""))
        note(settings, "rights.changed", name, {"role": role, "collection": collection})
        still = _by_settings(settings, name) if role == MEMBER else []
    print(f"{name} is {role}{f' of {collection}' if collection else ''} now.")
    for one in still:
        print(f"But tandem.yaml says that they are {one}; take their name out there too.")


def join(name: str, group: str) -> None:
    """Put somebody into a group. Raises UserFacingError."""
    with opened() as (settings, people):
        people.join(name, group)
        note(settings, "rights.changed", name, {"group": f"+ {group}"})
        collections = _collections(settings, people)
    print(f"{name} is in {group} now.")
    if collections and not any(group in (one.readers or ()) for one in collections):
        print(f"No collection names {group} among its readers yet.")


def leave(name: str, group: str) -> None:
    """Take somebody out of a group. Raises UserFacingError."""
    with opened() as (settings, people):
        people.leave(name, group)
        note(settings, "rights.changed", name, {"group": f"- {group}"})
        still = group in people.granted(name).groups or name in settings.groups.get(group, ())
    if still:
        print(f"{name} is in {group} all the same: tandem.yaml or a provider says so; change it there too.")
    else:
        print(f"{name} is not in {group} any more.")


def _collections(settings: Settings, people: People) -> tuple[Collection, ...]:
    """Those of the settings and those of the chat."""
    return of_settings(settings.collections) + of_chat(Collections(people.store).current()[1])


def _by_settings(settings: Settings, name: str) -> list[str]:
    """Which roles the settings grant somebody, which no command takes away."""
    server = settings.server
    named = [ADMINISTRATOR] if name in server.administrators and name in server.users else []
    return named + [f"{CURATOR} of {one.name}" for one in settings.collections if name in one.curators]


def _sign_out(settings: Settings, name: str) -> None:
    try:
        sign_out_everywhere(settings, name)
    except OSError as error:
        raise UserFacingError(
            f"{settings.files.signed_out} cannot be written ({error.strerror}); check the disk."
        ) from None

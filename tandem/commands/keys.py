"""`tandem keys`. Knows keys as they lie in the database. Does not know what they open."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict

from rag.errors import UserFacingError
from tandem.commands.auditing import note
from tandem.commands.people import opened
from tandem.people.keys import Keys


def list_keys(name: str | None, *, json: bool) -> None:
    """Print keys, without their secrets."""
    with opened() as (_, people):
        found = Keys(people.store).of(name)
    if json:
        print(
            jsonlib.dumps([asdict(key) | {"scopes": sorted(key.scopes)} for key in found], ensure_ascii=False, indent=2)
        )
        return
    for key in found:
        until = f"until {key.until[:16]}" if key.until else "until revoked"
        used = f"last used {key.used[:16]}" if key.used else "never used"
        print(f"{key.id} {key.person}, {key.name}: {', '.join(sorted(key.scopes))}, {until}, {used}")
    if not found:
        print("There is no key; `tandem keys add NAME PURPOSE` makes one.")


def add(name: str, purpose: str, scopes: list[str], days: float | None) -> None:
    """Make a key. Raises UserFacingError."""
    with opened() as (settings, people):
        person = people.find(name)
        if name not in settings.server.users and (person is None or not person.active):
            raise UserFacingError(f"{name} has no account here; `tandem people add {name}` makes one.")
        key, sent = Keys(people.store).make(name, purpose, scopes, days)
        note(settings, "key.made", key.id, {"person": name, "scopes": sorted(key.scopes), "until": key.until})
    print(f"This is shown once; send it as Authorization: Bearer {sent}")


def revoke(number: str) -> None:
    """End a key. Raises UserFacingError."""
    with opened() as (settings, people):
        key = Keys(people.store).revoke(number)
        note(settings, "key.revoked", key.id, {"person": key.person})
    print(f"The key {key.id} of {key.person} does not count any more.")

"""`tandem sign-out`. Knows where it stands what ends cookies; does not know the server, which looks there by itself."""

from __future__ import annotations

import time

from rag.errors import UserFacingError
from tandem import databases
from tandem.auth.ended import EndedInFile
from tandem.commands.auditing import note
from tandem.people.accounts import People
from tandem.people.entrance import Entrance
from tandem.people.store import Store
from tandem.settings import Settings, load


def sign_out(name: str) -> None:
    """Sign somebody out everywhere. Raises UserFacingError."""
    settings = load()
    if not _may_hold_something(settings, name):
        raise UserFacingError(
            f"{name} has no account here and is not among the users that TANDEM_SERVER__USERS names, so nothing that "
            "they hold counts; `tandem people list` names who has an account."
        )
    try:
        sign_out_everywhere(settings, name)
    except OSError as error:
        raise UserFacingError(
            f"{settings.files.signed_out} cannot be written ({error.strerror}), so {name} is still signed in; "
            "check the disk and try again."
        ) from None
    note(settings, "sign_out.everywhere", name)
    print(f"{name} is signed out everywhere.")


def _may_hold_something(settings: Settings, name: str) -> bool:
    if name in settings.server.users:
        return True
    store = Store(databases.people(settings))
    try:
        person = People(store).find(name)
        return person is not None and person.active
    finally:
        store.close()


def sign_out_everywhere(settings: Settings, name: str) -> None:
    """End what somebody holds: the servers look there every second, and close their pages. Raises OSError or
    UserFacingError."""
    entrance = Entrance(settings, databases.people(settings))
    try:
        (entrance.ended or EndedInFile(settings.files.signed_out, time.time)).end_all(name)
    finally:
        entrance.close()

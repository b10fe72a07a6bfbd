"""`tandem sign-out`. Knows the file that ends tickets; does not know the server, which looks at it by itself."""

from __future__ import annotations

from rag.errors import UserFacingError
from tandem.auth.tickets import Tickets
from tandem.commands.auditing import note
from tandem.settings import load


def sign_out(name: str) -> None:
    """Sign somebody out everywhere. Raises UserFacingError."""
    settings = load()
    if name not in settings.server.users:
        raise UserFacingError(
            f"{name} is not among the users that TANDEM_SERVER__USERS names, so nothing that they hold counts."
        )
    try:
        Tickets.open(settings.server.users, settings.files).end_all(name)
    except OSError as error:
        raise UserFacingError(
            f"{settings.files.signed_out} cannot be written ({error.strerror}), so {name} is still signed in; "
            "check the disk and try again."
        ) from None
    note(settings, "sign_out.everywhere", name)
    print(f"{name} is signed out everywhere.")

"""Codes that change every half minute, from an app on somebody's telephone, asked for besides the password.

Knows the time steps and that each code counts once. Does not know when a code is asked for.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import TYPE_CHECKING

from tandem.auth.sign_in import Codes
from tandem.people.accounts import People
from tandem.people.sealing import Seal, is_sealed

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

ISSUER = "Tandem"


class SecondFactor(Codes):
    """The two-factor codes of accounts. For any thread."""

    def __init__(self, people: People, seal: Seal) -> None:
        """`seal` closes secrets before they are kept."""
        self._people = people
        self._seal = seal

    def asked_of(self, name: str) -> bool:
        """Whether somebody is asked for a code."""
        person = self._people.find(name)
        return person is not None and person.active and person.two_factor

    def new_secret(self) -> str:
        """A secret for an app that makes codes; it counts once `confirm` has seen one."""
        import pyotp

        return pyotp.random_base32()

    def confirm(self, name: str, secret: str, code: str) -> bool:
        """Ask for codes of this secret from now on, if `code` is one. Raises AccountsError."""
        step = _step_of(secret, code, 0)
        if step:
            self._people.set(name, totp=self._seal.sealed(secret, name), totp_step=step)
        return bool(step)

    def without_codes(self, name: str) -> None:
        """Ask for no code any more. Raises AccountsError."""
        self._people.set(name, totp=None, totp_step=0)

    def right_code(self, name: str, code: str) -> bool:
        """Whether this is the code of now; each counts once. Raises AccountsError."""

        def work(db: Connection) -> bool:
            from sqlalchemy import select, update

            from tandem.people.tables import people

            row = db.execute(select(people.c.totp, people.c.totp_step).where(people.c.name == name)).first()
            if row is None or not row.totp:
                return False
            secret = self._seal.opened(row.totp, name)
            if secret is None:
                log.error("The second factor of %s was kept with another secret; give them a reset link.", name)
                return False
            if not (step := _step_of(secret, code, row.totp_step)):
                return False
            fresh = (people.c.name == name) & (people.c.totp_step < step)
            return db.execute(update(people).where(fresh).values(totp_step=step)).rowcount == 1

        return self._people.store.change(work)

    def seal_old(self) -> int:
        """Seal what was kept before there were seals; how many there were. Raises UserFacingError, OSError."""

        def query(db: Connection) -> list[tuple[str, str]]:
            from sqlalchemy import select

            from tandem.people.tables import people

            wanted = select(people.c.name, people.c.totp).where(people.c.totp.is_not(None))
            return [(row.name, row.totp) for row in db.execute(wanted) if row.totp and not is_sealed(row.totp)]

        def work(db: Connection) -> None:
            from sqlalchemy import update

            from tandem.people.tables import people

            for name, secret in old:
                same = (people.c.name == name) & (people.c.totp == secret)
                db.execute(update(people).where(same).values(totp=self._seal.sealed(secret, name)))

        if old := self._people.store.read(query):
            self._people.store.change(work)
        return len(old)


def address(name: str, secret: str) -> str:
    """What an app reads from a picture: otpauth://..."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def picture(text: str) -> str:
    """The text as a QR code: SVG, without anything that is fetched or run."""
    import segno

    return str(segno.make(text, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff"))


def _step_of(secret: str, code: str, last: int) -> int:
    """Which step of 30 s after `last` the code is of: that of now, or the one before or after; 0 for none."""
    import pyotp

    totp, digits = pyotp.TOTP(secret), re.sub(r"\s", "", code)
    step = int(time.time() // totp.interval)
    for one in (step, step - 1, step + 1):
        if one > last and digits.isascii() and secrets.compare_digest(totp.generate_otp(one), digits):
            return one
    return 0

"""Who a cookie stands for, and whether that is still so.

A ticket is a signed cookie. It says who signed in, how, with which password (as a mark that gives nothing away), in
which epoch of that person's tickets, and its own number. It counts while the person exists, has that password, signs in
that way, and has signed out neither this browser nor everywhere. Knows what ends tickets; where that is kept, `ended`
knows. Does not know passwords, requests or sockets.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jwt
from pydantic import SecretStr

from rag.errors import UserFacingError
from tandem.auth.ended import Ended, EndedInFile
from tandem.data_dir import DataDir
from tandem.private_files import write_private

log = logging.getLogger(__name__)

LOCAL_USER = "local"
# As Chainlit calls it.
COOKIE = "access_token"
SECONDS = 15 * 24 * 3600
DEVICE_SECONDS = 365 * 24 * 3600
_ALGORITHM = "HS256"
_SECRET = re.compile(r"[A-Za-z0-9_-]{64}")
_SHORTEST_SECRET = 32

How = Literal["local", "password"]


class TicketError(Exception):
    """Nobody is signed in by this cookie."""


class Ticket(NamedTuple):
    """What a good cookie says."""

    person: str
    number: str


class Tickets:
    """The tickets of one data directory. `people` holds everybody's password, or the hash of it, as the settings do;
    `elsewhere` gives what the cookies of somebody with an account stand for, "" for nobody's. Where neither is given
    nobody signs in, and the local user alone gets tickets. For any thread.

    `ended` says what has ended tickets, or in which file that stands; others may change it (`tandem sign-out`).
    """

    def __init__(
        self,
        secret: str,
        people: Mapping[str, SecretStr],
        ended: Path | Ended,
        clock: Callable[[], float] = time.time,
        elsewhere: Callable[[str], str] | None = None,
    ) -> None:
        self.issued: Callable[[str, str, int], None] = lambda person, number, epoch: None
        """Called with whom a ticket was made for, its number, and its epoch."""
        self._secret = secret
        self._clock = clock
        self.ended: Ended = EndedInFile(ended, clock) if isinstance(ended, Path) else ended
        """What has ended tickets."""
        self._elsewhere = elsewhere
        self.how: How = "password" if people or elsewhere is not None else "local"
        self._marks = {name: self._mark(f"{name}\0{kept.get_secret_value()}") for name, kept in people.items()}
        if self.how == "local":
            self._marks = {LOCAL_USER: self._mark(LOCAL_USER)}

    @classmethod
    def open(
        cls,
        people: Mapping[str, SecretStr],
        files: DataDir,
        elsewhere: Callable[[str], str] | None = None,
        ended: Ended | None = None,
    ) -> Tickets:
        """The tickets of a data directory, whose secret is made where it is missing or not whole; what ended them lies
        there too, where `ended` is not given. Raises UserFacingError where the environment's is too short."""
        return cls(signing_secret(files.secret), people, ended or files.signed_out, elsewhere=elsewhere)

    @property
    def secret_mark(self) -> str:
        """What tells one secret from another, and gives none away."""
        return self._mark("of the secret itself")

    def issue(self, person: str) -> str:
        """A cookie for somebody who has just shown who they are. Raises TicketError for who is not known."""
        mark = self._mark_of(person)
        if not mark:
            raise TicketError(f"{person} is not known")
        now, number, epoch = self._clock(), secrets.token_urlsafe(16), self.ended.epoch(person)
        claims = {
            "identifier": person,
            "how": self.how,
            "mark": mark,
            "epoch": epoch,
            "jti": number,
            "iat": now,
            "exp": now + SECONDS,
        }
        self.issued(person, number, epoch)
        return jwt.encode(claims, self._secret, _ALGORITHM)

    def knows(self, person: str) -> bool:
        """Whether somebody of this name may sign in."""
        return bool(self._mark_of(person))

    def read(self, token: str | None) -> Ticket:
        """What the cookie says. Raises TicketError where it does not count, or not any more."""
        claims = self._claims(token)
        person, number = claims.get("identifier"), claims.get("jti")
        if not isinstance(person, str) or not isinstance(number, str) or claims.get("how") != self.how:
            raise TicketError("This is no ticket of today's way to sign in")
        mark = self._mark_of(person)
        if not mark or not hmac.compare_digest(str(claims.get("mark")), mark):
            raise TicketError("The person is gone, or has another password")
        if claims.get("epoch") != self.ended.epoch(person) or self.ended.has(number):
            raise TicketError("The person has signed out")
        return Ticket(person, number)

    def end(self, token: str | None) -> None:
        """This browser signs out. A cookie that does not count needs no end. Raises OSError or UserFacingError."""
        try:
            number = self.read(token).number
        except TicketError:
            return
        self.end_number(number)

    def end_number(self, number: str) -> None:
        """The browser with this ticket is signed out. Raises OSError or UserFacingError."""
        now = self._clock()
        self.ended.end(number, now, now + SECONDS)

    def still(self, person: str, number: str, epoch: int) -> bool:
        """Whether a ticket of somebody has not ended."""
        return epoch == self.ended.epoch(person) and not self.ended.has(number)

    def sealed(self, claims: Mapping[str, Any], seconds: float) -> str:
        """Something that a browser carries for a while and cannot change: it is no ticket."""
        return jwt.encode({**claims, "jti": "sealed", "exp": self._clock() + seconds}, self._secret, _ALGORITHM)

    def unsealed(self, token: str | None) -> dict[str, Any]:
        """What was sealed. Raises TicketError."""
        claims = self._claims(token)
        if claims.get("jti") != "sealed":
            raise TicketError("This was sealed for something else")
        return claims

    def end_all(self, person: str) -> None:
        """The person signs out everywhere, remembered browsers included. Raises OSError or UserFacingError."""
        self.ended.end_all(person)

    def remember(self, person: str) -> str:
        """A cookie for a browser in which the person has signed in: guesses elsewhere do not hold it up."""
        claims = {"device_of": person, "epoch": self.ended.epoch(person), "jti": secrets.token_urlsafe(16)}
        return jwt.encode({**claims, "exp": self._clock() + DEVICE_SECONDS}, self._secret, _ALGORITHM)

    def remembered(self, person: str, token: str | None) -> str:
        """The number of the browser, "" where the person has not signed in there."""
        try:
            claims = self._claims(token)
        except TicketError:
            return ""
        known = claims.get("device_of") == person and claims.get("epoch") == self.ended.epoch(person)
        return str(claims.get("jti")) if known else ""

    def _claims(self, token: str | None) -> dict[str, Any]:
        if not token:
            raise TicketError("There is no cookie")
        options: Any = {"require": ["exp", "jti"], "verify_exp": False, "verify_iat": False}
        try:
            claims: dict[str, Any] = jwt.decode(token, self._secret, algorithms=[_ALGORITHM], options=options)
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise TicketError(type(error).__name__) from None
        if not isinstance(until := claims["exp"], int | float) or until <= self._clock():
            raise TicketError("The cookie is too old")
        return claims

    def _mark_of(self, person: str) -> str:
        """What marks the tickets of somebody, "" for nobody."""
        if mark := self._marks.get(person):
            return mark
        account = self._elsewhere(person) if self._elsewhere is not None else ""
        return self._mark(f"account\0{person}\0{account}") if account else ""

    def _mark(self, text: str) -> str:
        return hmac.new(self._secret.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


def ticket_of(cookies: Mapping[str, str]) -> str | None:
    """The ticket among a request's cookies; a long one comes in several. None without one."""
    if whole := cookies.get(COOKIE):
        return whole
    parts: list[str] = []
    while (part := cookies.get(f"{COOKIE}_{len(parts)}")) is not None:
        parts.append(part)
    return "".join(parts) or None


def signing_secret(file: Path) -> str:
    """What signs the cookies: the environment's CHAINLIT_AUTH_SECRET, else the file's, made once, so that a restart
    signs nobody out. One that is not whole is made anew. Raises UserFacingError, OSError."""
    known, made = _from_file(file), secrets.token_urlsafe(48)
    secret = os.environ.setdefault("CHAINLIT_AUTH_SECRET", known or made)
    if len(secret) < _SHORTEST_SECRET:
        raise UserFacingError(
            f"CHAINLIT_AUTH_SECRET has {len(secret)} characters, which can be guessed; give it at least "
            f"{_SHORTEST_SECRET}, or leave it out."
        )
    if secret == made:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_private(file, made)
    return secret


def _from_file(file: Path) -> str | None:
    try:
        kept = file.read_bytes()
    except FileNotFoundError:
        return None
    text = kept.decode("ascii", "replace").strip()
    if _SECRET.fullmatch(text):
        return text
    log.warning("%s is not whole, so a new one is made: everybody signs in again.", file.name)
    return None

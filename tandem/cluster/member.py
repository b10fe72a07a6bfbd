"""One process among those that serve the same installation: it is there, hears what others tell, and may lead.

Knows a connection of its own to the PostgreSQL server, on which it listens, holds a lock for as long as it lives, and
says every second that it is there. Does not know what is told. While the server is away nobody leads for long, nobody
is told anything, and everything else goes on.
"""

from __future__ import annotations

import itertools
import json
import logging
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rag.database.places import Place
from rag.database.tables import TooNewError
from rag.errors import UserFacingError

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

INDEXING = "indexing"
"""What there is one leader for: to take documents in."""
GONE_SECONDS = 2.5
"""After so long without a word, one whose connection is gone is dead; after _SILENT_SECONDS anybody."""
_LOOK_SECONDS, _BEAT_SECONDS, _LEASE_SECONDS = 0.25, 1.0, 10.0
_SILENT_SECONDS, _GRACE_SECONDS = 15.0, 5.0
_CLASS = 1_413_565_764
"""Of the locks by which members are known to live."""
_LONGEST = 7_500
_CHANNEL = "tandem"
_NOW = "extract(epoch FROM clock_timestamp())"
_LIVES = (
    "EXISTS (SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {kind} "
    "AND l.objid = {member}.number AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)

Hear = Callable[[Mapping[str, Any]], None]


class ClusterError(UserFacingError):
    """This process cannot be one of those that serve the installation."""


class Member:
    """This process. For any thread; `start` it, `close` it."""

    def __init__(self, place: Place, secret: Callable[[], str] = str) -> None:
        """`secret` gives a mark of what cookies are signed with. Opens nothing yet."""
        self.id = secrets.token_hex(8)
        self.place = place
        self.problem = ""
        """Why the others cannot be reached, "" where they can."""
        self._mark, self._secret = secret, ""
        self._number = secrets.randbelow(2**31 - 1) + 1
        self._heard: dict[str, list[Hear]] = defaultdict(list)
        self._wanted: set[str] = set()
        self._leads: dict[str, float] = {}
        self._since = float("inf")
        self._stop = threading.Event()
        self._telling = ThreadPoolExecutor(1, "tell the other processes")
        self._untold: list[str] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="other processes", daemon=True)

    def check(self) -> None:
        """Raises ClusterError where this process cannot be one of those over this database."""
        from sqlalchemy.exc import SQLAlchemyError

        self._secret = self._mark()
        try:
            self.place.prepare()
            with self.place.engine.begin() as db:
                if self._secret and self._differs(db):
                    raise ClusterError(
                        "Another server over the same database signs cookies with another secret, so people would be "
                        "signed out at every step; give both the same CHAINLIT_AUTH_SECRET, or the same chat.secret."
                    )
        except TooNewError:
            raise ClusterError("A newer version of Tandem serves over this database; update Tandem.") from None
        except (OSError, SQLAlchemyError) as error:  # it is waited for, as everywhere
            self._fails(error)

    def start(self) -> None:
        """Be there from now on."""
        self._thread.start()

    def close(self) -> None:
        """Be gone, and lead nothing any more. Twice is once."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._telling.shutdown()
        if self._thread.is_alive():
            self._thread.join()
        self.place.close()

    def hear(self, topic: str, heard: Hear) -> None:
        """Have `heard` be called, in the member's own thread, with what another process tells of `topic`."""
        self._heard[topic].append(heard)

    def tell(self, topic: str, **what: Any) -> None:
        """Tell all other processes something small, in the background. Side data: what cannot be told is not told."""
        # Numbered: of what is told together, the server passes on only one that says the same.
        text = json.dumps({"from": self.id, "number": next(self._numbers), "topic": topic, "what": what})
        if len(text.encode()) > _LONGEST or self._stop.is_set():
            return
        with self._lock:
            self._untold.append(text)
            if len(self._untold) == 1:
                self._telling.submit(self._tell)

    def lead(self, name: str) -> None:
        """Try to lead in something from now on."""
        self._wanted.add(name)

    def leads(self, name: str) -> bool:
        """Whether it is this process that leads now."""
        return self._leads.get(name, 0.0) > time.monotonic()

    def listens(self) -> bool:
        """Whether it hears now what others tell, and it is known who leads."""
        return self._since != float("inf")

    @property
    def settled(self) -> bool:
        """Whether the others have had the time to say that they are there, since this process could hear them."""
        return time.monotonic() - self._since >= _GRACE_SECONDS

    def dead(self, db: Connection) -> list[str]:
        """Who was there and is dead; of a server that was just away, nobody is taken for dead."""
        from sqlalchemy import text

        if not self.settled:
            return []
        gone = (
            f"SELECT id FROM members m WHERE (m.seen < {_NOW} - {GONE_SECONDS} AND NOT "
            f"{_LIVES.format(kind=_CLASS, member='m')}) OR m.seen < {_NOW} - {_SILENT_SECONDS}"
        )
        return [str(row.id) for row in db.execute(text(gone)) if row.id != self.id]

    # Below

    def _differs(self, db: Connection) -> bool:
        from sqlalchemy import text

        others = f"SELECT secret FROM members m WHERE secret <> '' AND {_LIVES.format(kind=_CLASS, member='m')}"
        return any(row.secret != self._secret for row in db.execute(text(others)))

    def _tell(self) -> None:
        """Tell what waits, together."""
        from sqlalchemy import Text, bindparam, text
        from sqlalchemy.dialects.postgresql import ARRAY
        from sqlalchemy.exc import SQLAlchemyError

        with self._lock:
            told, self._untold = self._untold, []
        notify = text("SELECT pg_notify(:channel, message) FROM unnest(CAST(:told AS text[])) AS message")
        try:
            with self.place.at_once.connect() as db:
                db.execute(notify.bindparams(bindparam("told", type_=ARRAY(Text))), {"channel": _CHANNEL, "told": told})
        except (OSError, SQLAlchemyError) as error:
            log.debug("The other processes were not told: %s", error)

    def _run(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        while not self._stop.is_set():
            try:
                self.place.prepare()
                with self.place.engine.connect() as db:
                    try:
                        self._be_there(db.execution_options(isolation_level="AUTOCOMMIT"))
                    finally:
                        db.invalidate()  # its lock goes with it
            except (OSError, SQLAlchemyError, TooNewError) as error:
                self._fails(error)
            except Exception as error:  # the driver's own, which is only there where it is installed
                self._fails(error)
            self._since = float("inf")
            self._stop.wait(_BEAT_SECONDS)

    def _be_there(self, db: Connection) -> None:
        from sqlalchemy import text

        driver: Any = db.connection.driver_connection
        db.execute(text(f"LISTEN {_CHANNEL}"))
        db.execute(text("SELECT pg_advisory_lock(:kind, :number)"), {"kind": _CLASS, "number": self._number})
        due = 0.0
        while not self._stop.is_set():
            if (now := time.monotonic()) >= due:
                self._beat(db)
                due = now + _BEAT_SECONDS
                self._since = min(self._since, now)
                if self.problem:
                    log.warning("The other processes can be reached again")
                self.problem = ""
            for told in driver.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                self._dispatch(told.payload)
        with suppress(Exception):
            db.execute(text("DELETE FROM leases WHERE holder = :id"), {"id": self.id})
            db.execute(text("DELETE FROM members WHERE id = :id"), {"id": self.id})

    def _beat(self, db: Connection) -> None:
        from sqlalchemy import text

        values = {"id": self.id, "number": self._number, "secret": self._secret}
        db.execute(
            text(
                f"INSERT INTO members VALUES (:id, :number, :secret, {_NOW}) "
                "ON CONFLICT (id) DO UPDATE SET number = excluded.number, seen = excluded.seen"
            ),
            values,
        )
        for name in self._wanted:
            asked = time.monotonic()
            mine = db.execute(
                text(
                    f"INSERT INTO leases VALUES (:name, :id, {_NOW} + {_LEASE_SECONDS}) ON CONFLICT (name) DO UPDATE "
                    f"SET holder = excluded.holder, until = excluded.until WHERE leases.holder = :id "
                    f"OR leases.until < {_NOW} OR NOT EXISTS (SELECT 1 FROM members m WHERE m.id = leases.holder AND "
                    f"{_LIVES.format(kind=_CLASS, member='m')}) RETURNING holder"
                ),
                {"name": name, "id": self.id},
            ).first()
            self._leads[name] = asked + _LEASE_SECONDS - 2 * _BEAT_SECONDS if mine is not None else 0.0

    def _dispatch(self, payload: str) -> None:
        try:
            told = json.loads(payload)
            if told["from"] != self.id:
                for heard in self._heard[told["topic"]]:
                    heard(told["what"])
        except Exception:  # whatever another version tells
            log.warning("What another process told is not understood", exc_info=True)

    def _fails(self, error: Exception) -> None:
        said = f"Other processes cannot be reached: {self.place.reason(error)}."
        if said != self.problem:
            log.warning("%s", self.place.sentence("The other processes cannot be reached", error))
        self.problem = said

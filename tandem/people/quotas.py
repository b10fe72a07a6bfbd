"""How much each person, key and group has asked in this minute and this day, and whether they may ask more.

Knows limits and counts, and keeps the day's in the database, so that a restart forgets none. Does not know what is
asked. Counted in one process, or with `counts` by all together; side data: a database that cannot be written stops no
answer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tandem.auth.login_throttle import Counts, Name
from tandem.people.store import AccountsError, Store
from tandem.settings_sign_in import LimitSettings

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

_WRITE_SECONDS = 1.0
_MOST_COUNTED = 20_000
_KIND = "quota"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a person, their groups, and with which key ("" for none)."""

    person: str
    groups: frozenset[str] = frozenset()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Used:
    """What was used, by one person with one key and one model on one day, or summed up."""

    day: str = ""
    person: str = ""
    key: str = ""
    model: str = ""
    questions: int = 0
    tokens: int = 0
    seconds: float = 0.0
    money: float = 0.0
    escalated: int = 0
    refused: int = 0

    def plus(self, other: Used) -> Used:
        """Both together."""
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in COUNTED})


COUNTED = ("questions", "tokens", "seconds", "money", "escalated", "refused")


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A limit that is reached: which of "requests_per_minute", ..., its value, and in how many seconds one may ask
    again."""

    limit: str
    value: float
    seconds: float


class Quotas:
    """The limits of one installation. For any thread; `close` it."""

    def __init__(
        self,
        limits: Sequence[LimitSettings],
        store: Store | None,
        clock: Callable[[], float] = time.time,
        counts: Counts | None = None,
    ) -> None:
        """Without a `store` nothing outlives the process. Opens nothing yet."""
        self._limits = tuple(limits)
        self._store = store
        self._clock = clock
        self._counts = counts
        self._lock = threading.Lock()
        self._minutes: dict[str, deque[float]] = {}
        self._day = ""
        self._days: dict[str, Used] = {}
        self._waiting: dict[tuple[str, str, str, str], Used] = {}
        self._spent: dict[str, Used] = {}
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def ask(self, asker: Asker) -> Exceeded | None:
        """Count one question, or say which limit is reached; then it is not counted."""
        if not self._limits:
            return None
        moment = self._clock()
        mine = [(limit, _counted(limit, asker)) for limit in self._limits if _holds(limit, asker)]
        if self._counts is not None and mine:
            names = {whose: (_KIND, whose) for _, whose in mine}
            try:
                return self._counts.together(list(names.values()), lambda kept: self._ask_all(mine, moment, kept))
            except AccountsError as error:
                log.warning("Questions are counted by this process alone: %s", error)
        with self._lock:
            return self._ask(mine, moment)

    def _ask(self, mine: Sequence[tuple[LimitSettings, str]], moment: float) -> Exceeded | None:
        self._begin_day(moment)
        for limit, whose in mine:
            if (reached := self._reached(limit, whose, moment)) is not None:
                return reached
        for whose in {whose for _, whose in mine}:
            self._minutes.setdefault(whose, deque()).append(moment)
            self._days[whose] = self._days.get(whose, Used()).plus(Used(questions=1))
        while len(self._minutes) > _MOST_COUNTED:
            del self._minutes[next(iter(self._minutes))]
        return None

    def _ask_all(
        self, mine: Sequence[tuple[LimitSettings, str]], moment: float, kept: MutableMapping[Name, Any]
    ) -> Exceeded | None:
        """As `_ask`, on what all processes have counted."""
        with self._lock:
            self._begin_day(moment)
            for whose in {whose for _, whose in mine}:
                self._minutes[whose], self._days[whose] = _counted_by_all(kept.get((_KIND, whose)), self._day)
            reached = self._ask(mine, moment)
            if reached is None:
                for whose in {whose for _, whose in mine}:
                    latest = [at for at in self._minutes[whose] if at > moment - 60]
                    kept[_KIND, whose] = _for_all(latest, self._day, self._days[whose])
            return reached

    def used(self, asker: Asker, what: Used) -> None:
        """Note what an answer came to, once it is there."""
        moment = self._clock()
        day = _day(moment)
        with self._lock:
            self._begin_day(moment)
            for whose in {_counted(limit, asker) for limit in self._limits if _holds(limit, asker)}:
                # The question itself was counted when it was asked.
                spent = replace(what, questions=0)
                self._days[whose] = self._days.get(whose, Used()).plus(spent)
                if self._counts is not None:
                    self._spent[whose] = self._spent.get(whose, Used()).plus(spent)
            known = (day, asker.person, asker.key, what.model)
            self._waiting[known] = self._waiting.get(known, Used(*known)).plus(what)
            if self._writer is None and self._store is not None and not self._closing.is_set():
                self._writer = threading.Thread(target=self._write, name="usage-writer", daemon=True)
                self._writer.start()

    def since(self, days: int) -> list[Used]:
        """What was used in the last so many days. Raises AccountsError."""
        self.flush()
        first = _day(self._clock() - (days - 1) * 86400)
        return _since(self._store, first) if self._store is not None else []

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            spent, self._spent = self._spent, {}
        if not waiting or self._store is None:
            return
        self._spend(spent)
        try:
            self._store.note(lambda db: _add(db, list(waiting.values())))
        except AccountsError as error:
            log.warning("What was used cannot be kept: %s", error)
            with self._lock:
                for known, used in waiting.items():
                    if len(self._waiting) < _MOST_COUNTED:
                        self._waiting[known] = self._waiting.get(known, Used(*known)).plus(used)

    def _spend(self, spent: dict[str, Used]) -> None:
        """Count for all processes what answers came to."""

        def work(kept: MutableMapping[Name, Any]) -> None:
            day = _day(self._clock())
            for whose, used in spent.items():
                minutes, so_far = _counted_by_all(kept.get((_KIND, whose)), day)
                kept[_KIND, whose] = _for_all(minutes, day, so_far.plus(used))

        if spent and self._counts is not None:
            try:
                self._counts.together([(_KIND, whose) for whose in spent], work)
            except AccountsError as error:
                log.warning("What was used is counted by this process alone: %s", error)

    def close(self) -> None:
        """Write what waits, and stop. Twice is once."""
        self._closing.set()
        if self._writer is not None:
            self._writer.join()
            self._writer = None
        self.flush()

    def _write(self) -> None:
        while not self._closing.wait(_WRITE_SECONDS):
            self.flush()

    def _begin_day(self, moment: float) -> None:
        day = _day(moment)
        if day == self._day:
            return
        first, self._day = not self._day, day
        self._days = {}
        if first and self._limits and self._store is not None:
            try:
                for used in _since(self._store, day):
                    if used.day == day:
                        self._take_over(used)
            except AccountsError as error:
                log.warning("What was used today is not known: %s", error)

    def _take_over(self, used: Used) -> None:
        """Count what was used before a restart: by person and key; which groups it was for is not known any more."""
        for whose in (f"person {used.person}", f"key {used.key}" if used.key else ""):
            if whose:
                self._days[whose] = self._days.get(whose, Used()).plus(used)

    def _reached(self, limit: LimitSettings, whose: str, moment: float) -> Exceeded | None:
        if (most := limit.requests_per_minute) is not None:
            asked = self._minutes.setdefault(whose, deque())
            while asked and asked[0] <= moment - 60:
                asked.popleft()
            if len(asked) >= most:
                return Exceeded("requests_per_minute", most, max(1.0, asked[-most] + 60 - moment))
        day = self._days.get(whose, Used())
        for name, value in (
            ("requests_per_day", day.questions),
            ("tokens_per_day", day.tokens),
            ("money_per_day", day.money),
        ):
            bound = getattr(limit, name)
            if bound is not None and value >= bound:
                return Exceeded(name, bound, _seconds_left(moment))
        return None


def _holds(limit: LimitSettings, asker: Asker) -> bool:
    return (not limit.group or limit.group in asker.groups) and (limit.per != "key" or bool(asker.key))


def _counted(limit: LimitSettings, asker: Asker) -> str:
    match limit.per:
        case "key":
            return f"key {asker.key}"
        case "group":
            return f"group {limit.group}"
        case _:
            return f"person {asker.person}"


def _counted_by_all(content: Any, day: str) -> tuple[deque[float], Used]:
    """The latest questions and the day's use, as another process has written them."""
    if not isinstance(content, dict):
        return deque(), Used()
    today = content.get("used") if content.get("day") == day else None
    return deque(content.get("asked") or ()), Used(**today) if today else Used()


def _for_all(asked: Iterable[float], day: str, used: Used) -> dict[str, Any]:
    return {"asked": list(asked), "day": day, "used": {name: getattr(used, name) for name in COUNTED}}


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


def _seconds_left(moment: float) -> float:
    now = datetime.fromtimestamp(moment, UTC)
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1.0, (tomorrow - now).total_seconds())


def _add(db: Connection, rows: Collection[Used]) -> None:
    from sqlalchemy import insert, update

    from tandem.people.tables import usage as u

    for used in rows:
        same = (u.c.day == used.day) & (u.c.person == used.person) & (u.c.key == used.key) & (u.c.model == used.model)
        more = {name: u.c[name] + getattr(used, name) for name in COUNTED}
        if not db.execute(update(u).where(same).values(**more)).rowcount:
            db.execute(insert(u).values(**{name: getattr(used, name) for name in Used.__slots__}))


def _since(store: Store, first: str) -> list[Used]:
    def query(db: Connection) -> list[Used]:
        from sqlalchemy import select

        from tandem.people.tables import usage as u

        return [Used(**row._mapping) for row in db.execute(select(u).where(u.c.day >= first).order_by(u.c.day))]

    return store.read(query)

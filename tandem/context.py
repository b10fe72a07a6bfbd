"""The rooms of one installation, opened together: library, engine, traces.

Knows what depends on what, and in which order to open, start and close it. Does not know any front door.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from hybrid.answering import reading
from hybrid.answering.pipeline import Question
from hybrid.answering.pipeline import answer as pipeline_answer
from hybrid.engine import Engine
from hybrid.events import Event
from hybrid.models.catalogue import Catalog
from hybrid.runtimes.base import Runtime
from hybrid.settings import EndpointSettings
from hybrid.tracing.sql_store import SqlTraceStore
from hybrid.tracing.store import TraceStore
from rag.library import Library
from rag.types import SyncProgress
from tandem import chosen_models, databases, shipped
from tandem.audit.log import AuditLog
from tandem.auth.passwords import Passwords
from tandem.auth.rights import Rights
from tandem.auth.sign_in import SignIn
from tandem.auth.tickets import Tickets
from tandem.cluster.member import Member
from tandem.cluster.turns import SharedTurns
from tandem.collecting import Collecting
from tandem.documents import open_library
from tandem.encoder_offer import EncoderOffer
from tandem.indexing import Indexing
from tandem.labels_in_step import LabelsInStep
from tandem.observability import telemetry
from tandem.observability.metrics import Metrics
from tandem.people.entrance import Entrance
from tandem.settings import Settings, endpoint_key, load
from tandem.sources import Sources

log = logging.getLogger(__name__)


def assemble(
    settings: Settings,
    library: Library,
    traces: TraceStore | None = None,
    runtimes: Sequence[Runtime] | None = None,
    foundry: Path | None = None,
) -> Engine:
    """The engine that the settings describe, over an open library. `runtimes`, where given, generate instead; `foundry`
    is where Foundry Local's models lie, where that is not in the data directory.
    """
    return Engine(
        library,
        models=settings.models,
        generation=settings.generation,
        escalation=settings.escalation,
        minimum_confidence=settings.retrieval.minimum_confidence,
        sure_confidence=settings.retrieval.sure_confidence,
        traces=traces,
        runtimes=runtimes,
        api_keys=keys(settings),
        data_dir=foundry or settings.files.foundry,
        catalog=catalogue(),
        costs=settings.costs,
        weights=settings.files.policy,
    )


def keys(settings: Settings) -> dict[str, str]:
    """The endpoints' keys, by the names of their variables."""
    return {name: key.get_secret_value() for name, key in settings.api_keys.items()}


def catalogue() -> Catalog:
    """What is known of models beforehand: the models.yaml of the folder in which Tandem was started, else the one that
    ships. Raises CatalogError."""
    return Catalog.find(Path.cwd(), shipped.root())


def _later(loop: asyncio.AbstractEventLoop, work: Callable[..., object], *given: object) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(work, *given)


_WORDS_S = 60.0
"""How long a language's words are waited for where somebody measures."""


class AppContext:
    """What every front door needs to answer a question. Open it, `start` it on an event loop, `close` it there."""

    def __init__(
        self,
        settings: Settings,
        library: Library,
        engine: Engine,
        traces: TraceStore,
        rights: Rights | None = None,
        entrance: Entrance | None = None,
    ) -> None:
        self.settings = settings
        self.entrance = entrance or Entrance(settings, databases.people(settings))
        self.rights = rights or Rights(settings, granted=self.entrance.people.granted, made=self.entrance.collections)
        self.library = library
        self.engine = engine
        self.traces = traces
        self.metrics = Metrics(library)
        engine.counted = self.metrics.running
        engine.told.append(self.metrics.finished)
        engine.told.append(self.entrance.usage)
        engine.reading = lambda: self._indexing.reading
        self._let_go: list[Callable[[], None]] = []
        if settings.observability.otlp_endpoint:
            observed = settings.observability
            send, let_go = telemetry.exporter(observed.otlp_endpoint, with_text=observed.question_text)
            engine.told.append(send)
            self._let_go.append(let_go)
        self.audit = AuditLog(databases.audit(settings), settings.observability.audit_syslog)
        self.rights.told = lambda changes: self.audit.record("", "rights.changed", "tandem.yaml", changes)
        self.collecting = Collecting(library, self.rights, self.entrance.collections, self.entrance.people)
        """What changes the collections of the chat."""
        self.labels = LabelsInStep(library.labels)
        self.rights.held = lambda: library.labels.closed
        self.watched: dict[str, Callable[[], str]] = {
            "library": lambda: library.problem,
            "traces": lambda: traces.problem,
            "audit": lambda: self.audit.problem,
            "accounts": lambda: self.entrance.store.problem,
            "collections": lambda: self.labels.problem,
        }
        """What may be amiss while answers go on, and who says so: a sentence that names no place, "" for nothing."""
        self._chosen = chosen_models.read(settings.files.chosen_models)
        self._started = self._closed = False
        self.member = self._as_member(settings)
        """This process among those that serve the installation; None where it is the only one."""
        self._indexing = Indexing(library, settings, self.member)
        self.encoders = EncoderOffer(settings, library, self._indexing.make_vectors)
        """The encoders that are missing, and how they come."""
        self._warming: asyncio.Task[None] | None = None
        self._turns: SharedTurns | None = None

    @classmethod
    def open(
        cls, settings: Settings, runtimes: Sequence[Runtime] | None = None, foundry: Path | None = None
    ) -> AppContext:
        """Open what is on disk, making it where it is missing; looks up no model and reads no document.

        `runtimes` and `foundry` are as in `assemble`. Raises UserFacingError.
        """
        entrance = Entrance(settings, databases.people(settings))
        rights = Rights(settings, granted=entrance.people.granted, made=entrance.collections)
        library = open_library(settings, rights)
        traces = SqlTraceStore(databases.traces(settings), settings.keep_traces_days)
        return cls(settings, library, assemble(settings, library, traces, runtimes, foundry), traces, rights, entrance)

    def _as_member(self, settings: Settings) -> Member | None:
        place = databases.cluster(settings)
        if place is None:
            return None
        member = Member(place, lambda: self.tickets.secret_mark if settings.server.login_required else "")
        self.watched["processes"] = lambda: member.problem
        return member

    def problems(self) -> dict[str, str]:
        """What is amiss now."""
        return {name: said for name, problem in self.watched.items() if (said := problem())}

    @cached_property
    def tickets(self) -> Tickets:
        """Who is signed in. Raises UserFacingError."""
        server = self.settings.server
        accounts = self.entrance.people.stands_for if server.login_required else None
        tickets = Tickets.open(server.users, self.settings.files, accounts, self.entrance.ended)
        tickets.issued = self.entrance.noted
        return tickets

    @cached_property
    def sign_in(self) -> SignIn:
        """Whose password something is, wherever it is asked for. Raises UserFacingError."""
        passwords = Passwords(self.settings.server.users, self.entrance.people.hash_of)
        return SignIn(
            passwords,
            self.tickets.remembered,
            record=self.audit.record,
            codes=self.entrance.codes,
            others=self.entrance.directories,
            counts=self.entrance.counts,
        )

    async def start(self, *, index: bool = True) -> None:
        """Look the models up and, with `index`, take in the documents now and whenever they change; both in the
        background. Twice is once.
        """
        if self._started:
            return
        self._started = True
        if self.member is not None:
            self._share(self.member)
        self._warming = asyncio.create_task(asyncio.to_thread(self._warm))
        self.entrance.seal_old()
        self.labels.start()
        await self.engine.start()
        if index:
            self._indexing.start()

    def _warm(self, seconds: float = 0.0) -> None:
        """Read what the first question would otherwise wait for; words by which spelling is told are waited for at most
        `seconds`."""
        reading.prepare()
        self.library.warm(seconds)

    def _share(self, member: Member) -> None:
        """Tell other processes what is learnt of models and chosen here, and take in what they tell."""
        loop = asyncio.get_running_loop()
        take_in = self.engine.share(lambda kind, what: member.tell("learnt", kind=kind, what=what))
        member.hear("learnt", lambda told: _later(loop, take_in, str(told["kind"]), told["what"]))

        def chosen(told: Mapping[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(self._hear_chosen(told["chosen"]), loop)

        member.hear("models", chosen)
        member.hear("encoders", self.encoders.look)
        self.encoders.told = lambda: member.tell("encoders")
        self._turns = SharedTurns(member)
        self.engine.take_turns(self._turns)
        member.start()

    @property
    def sources(self) -> Sources:
        """The other places that documents come from."""
        return self._indexing.sources

    @property
    def indexing(self) -> SyncProgress | None:
        """How far the run is that takes documents in; None where nothing is to be read."""
        return self._indexing.progress

    async def indexed(self) -> None:
        """Wait until the documents that were there at the start are taken in, and all that the first question would
        wait for is read."""
        await asyncio.to_thread(self._warm, _WORDS_S)
        await self._indexing.caught_up()

    def answer(self, question: Question) -> AsyncGenerator[Event, None]:
        """The events of one question."""
        return pipeline_answer(question, self.engine)

    async def choose_models(self, endpoint: EndpointSettings | None, api_key: str, draft: str, refine: str) -> None:
        """Have these models answer from now on, at the next start too; without an `endpoint`, on a server that is asked
        already. Raises SettingsError where that could not be written down."""
        before = self._chosen
        written = chosen_models.without(self.settings.models, before)
        chosen = chosen_models.Chosen(
            endpoint=endpoint or (before.endpoint if before is not None else None),
            draft=draft,
            refine=refine,
            instead_of=(written.draft, written.refine),
        )
        await self._choose(chosen, api_key)
        if self.member is not None:
            self.member.tell("models", chosen=chosen.model_dump(mode="json"))

    async def _choose(self, chosen: chosen_models.Chosen, api_key: str = "") -> None:
        models = chosen_models.applied(chosen_models.without(self.settings.models, self._chosen), chosen)
        self._chosen = chosen
        if chosen.endpoint is not None and not api_key:
            api_key = endpoint_key(chosen.endpoint.api_key_env)
        self.settings = self.settings.model_copy(update={"models": models})
        await self.engine.choose(models, api_key)
        await asyncio.to_thread(chosen_models.keep, self.settings.files.chosen_models, chosen)

    async def _hear_chosen(self, told: Any) -> None:
        try:
            await self._choose(chosen_models.Chosen.model_validate(told))
        except Exception:  # whatever another version tells, or what this machine lacks
            log.exception("The models that were chosen at another process are not used here")

    async def close(self) -> None:
        """Stop watching the documents, then let go of models and files. Twice is once."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self.encoders.close)
        await asyncio.to_thread(self._indexing.close)
        await asyncio.to_thread(self.labels.close)
        if self._turns is not None:
            await self._turns.close()
        if self.member is not None:
            await asyncio.to_thread(self.member.close)
        if self._warming is not None:
            await asyncio.gather(self._warming, return_exceptions=True)
        await self.engine.close()
        for let_go in self._let_go:
            await asyncio.to_thread(let_go)
        self.traces.close()
        await asyncio.to_thread(self.audit.close)
        await asyncio.to_thread(self.entrance.close)
        self.library.close()


_current: AppContext | None = None
_lock = threading.Lock()


def current() -> AppContext:
    """The context of this process, opened from tandem.yaml and the environment when first asked for."""
    global _current
    with _lock:
        if _current is None:
            _current = AppContext.open(load())
        return _current


def use(context: AppContext) -> None:
    """Make `context` the one that `current` returns."""
    global _current
    with _lock:
        _current = context

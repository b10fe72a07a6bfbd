"""What answering needs, held together: the retriever, the models, the settings and the traces.

Knows which runtimes the settings ask for, and the plan that a question's options make of the settings. Does not know
the order in which an answer comes about (`hybrid.answering.pipeline` does).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hybrid import executors
from hybrid.conversations import Conversations
from hybrid.errors import ModelError
from hybrid.models.catalogue import Catalog, Listed
from hybrid.models.lifecycle import Lifecycle, managed
from hybrid.models.registry import ModelRegistry
from hybrid.models.reliability import Reliability
from hybrid.models.routing import Route, route
from hybrid.models.statistics import Experience
from hybrid.policies.base import Policy, policy_for
from hybrid.policies.fitted import Fitted
from hybrid.policies.fixed import Never
from hybrid.question import Options
from hybrid.runtimes.adapters import discover
from hybrid.runtimes.base import ModelState, Runtime
from hybrid.runtimes.circuit_breaker import Breaker
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.runtimes.extractive import Extractive
from hybrid.runtimes.queueing import Queueing, Turns
from hybrid.settings import (
    CostSettings,
    EndpointSettings,
    Escalate,
    EscalationSettings,
    GenerationSettings,
    ModelSettings,
)
from hybrid.tracing.cost import Prices, of_trace
from hybrid.tracing.store import TraceStore
from hybrid.tracing.trace import Trace
from rag.retrieval.retriever import Retriever

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings and options, put together for one question."""

    draft: str
    refine: str
    escalation: EscalationSettings
    generation: GenerationSettings
    passages: int | None
    policy: Policy
    route: Route | None = None
    otherwise: tuple[str, ...] = ()
    """Who answers everybody here, for somebody who chose models that are gone."""

    @property
    def drafters(self) -> tuple[str, ...]:
        """Who is asked for the draft, in order, until one answers."""
        return tuple(dict.fromkeys((self.draft, self.refine, *self.otherwise, EXTRACTIVE)))

    def quoting(self) -> Plan:
        """The same plan without any model, for what is answered already."""
        never = self.escalation.model_copy(update={"mode": Escalate.NEVER})
        return replace(
            self, draft=EXTRACTIVE, refine=EXTRACTIVE, escalation=never, policy=Never(), route=None, otherwise=()
        )


class Engine:
    """One engine serves many questions at once, on one event loop.

    `runtimes`, where given, are used instead of those that the settings name. `api_keys` maps the names of environment
    variables (`EndpointSettings.api_key_env`) to the keys. `data_dir` is where Foundry Local keeps its files, and what
    was learned about endpoints; `catalog` is what models.yaml says. `costs` are prices; `weights` is the file of the
    policy fitted on this installation's answers, which may come to be later. What is found with less confidence than
    `minimum_confidence` is no answer, and with less than `sure_confidence` perhaps none.
    """

    def __init__(
        self,
        retriever: Retriever,
        *,
        models: ModelSettings,
        generation: GenerationSettings,
        escalation: EscalationSettings,
        minimum_confidence: float,
        sure_confidence: float = 0.0,
        traces: TraceStore | None = None,
        runtimes: Sequence[Runtime] | None = None,
        api_keys: Mapping[str, str] | None = None,
        data_dir: Path | None = None,
        catalog: Catalog | None = None,
        costs: CostSettings | None = None,
        weights: Path | None = None,
    ) -> None:
        self.retriever = retriever
        self.settings = models
        self.generation = generation
        self.escalation = escalation
        self.minimum_confidence = minimum_confidence
        self.sure_confidence = sure_confidence
        self.traces = traces
        self.running = 0
        self.counted: Callable[[int], None] = lambda running: None
        """Hears how many answers are being written, whenever that changes."""
        self.told: list[Callable[[Trace], None]] = []
        self.reading: Callable[[], bool] = lambda: False
        """Whether documents are being read that no answer can know yet."""
        self.catalog = catalog or Catalog()
        self.prices = Prices(costs or CostSettings(), self.catalog.prices())
        self.experience = Experience()
        self.reliability = Reliability()
        self.conversations = Conversations()
        self._fitted = Fitted(weights)
        self._background: set[asyncio.Task[None]] = set()
        chosen = list(runtimes) if runtimes is not None else _runtimes(models, api_keys or {}, data_dir)
        if not any(runtime.name == EXTRACTIVE for runtime in chosen):
            chosen.append(Extractive())
        self.models = ModelRegistry(chosen)
        self.lifecycle = Lifecycle(self.models, models.keep, downloads_to=data_dir)
        self._data_dir = data_dir
        self._tell: Callable[[str, list[Any]], None] = lambda kind, what: None
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look the models up in the background; returns at once."""
        executors.begin()
        self.models.start()
        self.lifecycle.start()
        if self._warming is None and self.settings.keep.warm:
            self._warming = asyncio.create_task(self._warm(), name="warm up the draft model")

    async def _warm(self) -> None:
        """Load the draft model, where it lives on this machine, before anybody asks."""
        while not await self.models.wait_ready(60.0):
            pass
        try:
            runtime, _ = self.models.resolve(self.settings.draft)
            managed(runtime)
            seconds = await self.lifecycle.warm(self.settings.draft)
            log.info("%s is loaded and warm after %.1f s", self.settings.draft, seconds)
        except ModelError as error:
            log.info("%s was not warmed up: %s", self.settings.draft, error)

    async def close(self) -> None:
        """Stop every runtime. The trace store is its owner's to close."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.lifecycle.close()
        await self.models.close()

    def listing(self) -> list[Listed]:
        """The one model list: models.yaml merged with what the runtimes report now; never waits."""
        return self.catalog.merge(self.models.states())

    async def choose(self, models: ModelSettings, api_key: str = "") -> None:
        """Have other models answer from now on, on a server that is asked first where `models` name one that was not
        there; `api_key` is for it. Answers under way end as they began."""
        before = self.settings.endpoints
        self.settings = models
        for endpoint in (one for one in before if one not in models.endpoints):
            self.models.drop(endpoint.name)
        for endpoint in (one for one in models.endpoints if one not in before):
            await self.models.put(_endpoint(models, endpoint, api_key, self._data_dir))
        for breaker in self._breakers():
            breaker.told = partial(self._tell_of, breaker.name)

    @property
    def drafts(self) -> bool:
        """Whether a model is there that drafts: without one, the documents are quoted."""
        usable = (alias for alias in (self.settings.draft, self.settings.refine) if alias != EXTRACTIVE)
        return any(map(self.models.usable, usable))

    def offers(self) -> list[Listed]:
        """The models of the settings that could answer here once they are downloaded."""
        wanted = (self.settings.draft, self.settings.refine)
        return [
            entry
            for entry in self.listing()
            if entry.info.alias in wanted
            and entry.info.state is ModelState.DOWNLOADABLE
            and not self.models.usable(entry.info.alias)
        ]

    def plan(self, options: Options, text: str = "") -> Plan:
        """What the settings and one question's options come to; `text` may call for a model of its own (routing)."""
        wanted = options.draft or self.settings.draft
        routed = None
        if self.settings.routing and options.draft is None:
            routed = route(text, wanted, self.catalog, self.models.usable)
        escalation = options.escalation or self.escalation
        return Plan(
            draft=routed.model if routed is not None else wanted,
            refine=options.refine or self.settings.refine,
            escalation=escalation,
            generation=options.generation or self.generation,
            passages=options.passages,
            policy=self._policy(escalation, options.refine or self.settings.refine),
            route=routed,
            otherwise=(self.settings.draft, self.settings.refine) if wanted != EXTRACTIVE else (),
        )

    def _policy(self, escalation: EscalationSettings, refine: str) -> Policy:
        weights = self._fitted.weights() if escalation.policy == "logistic" else None
        return policy_for(escalation, self.minimum_confidence, weights, *self.experience.escalation(refine))

    def spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        """Run something that nobody waits for; it ends with the engine at the latest."""
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def settled(self) -> None:
        """Wait for what was spawned."""
        while self._background:
            await asyncio.wait(self._background)

    @contextmanager
    def keeping(self, trace: Trace) -> Iterator[None]:
        """Finish and save the trace however the block ends; one that was not `keep`t by then was cancelled."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)
            if not trace.outcome:
                self.keep(trace, "cancelled", next((s.text for s in reversed(trace.stages) if s.text), ""))

    def take_turns(self, turns: Turns) -> None:
        """Have calls of this machine's models wait for those of other processes too; from before the first."""
        for runtime in self.models.runtimes:
            if isinstance(runtime, Queueing):
                runtime.turns = turns

    def _count(self, more: int) -> None:
        self.running += more
        self.counted(self.running)

    def share(self, tell: Callable[[str, list[Any]], None]) -> Callable[[str, Sequence[Any]], None]:
        """Have `tell` hear what is learnt here of models and endpoints; returns what takes in what another process has
        told, on this engine's loop."""
        self.experience.told = lambda observed: tell("experience", [observed])
        self.reliability.told = lambda model, sound: tell("reliability", [model, sound])
        self._tell = tell
        for breaker in self._breakers():
            breaker.told = partial(self._tell_of, breaker.name)

        def hear(kind: str, what: Sequence[Any]) -> None:
            match kind:
                case "experience":
                    self.experience.hear(what[0])
                case "reliability":
                    self.reliability.hear(str(what[0]), bool(what[1]))
                case "breaker":
                    for breaker in self._breakers():
                        if breaker.name == what[0]:
                            breaker.hear(float(what[1]))

        return hear

    def _breakers(self) -> Iterator[Breaker]:
        found = (getattr(runtime, "breaker", None) for runtime in self.models.runtimes)
        return (breaker for breaker in found if breaker is not None)

    def _tell_of(self, endpoint: str, seconds: float) -> None:
        self._tell("breaker", [endpoint, seconds])

    def keep(self, trace: Trace, outcome: str, answer: str) -> Trace:
        """Finish the trace with its outcome and the text shown, and save it."""
        trace.outcome, trace.answer = outcome, answer
        trace.finish()
        record = trace.as_dict()
        cost = of_trace(record, self.prices, self.settings.draft, self.settings.refine, self.experience.speeds)
        trace.cost, trace.costs = cost.money, cost.as_dict()
        self.experience.learn(record, cost)
        if self.traces is not None:
            self.traces.save(trace)
        for tell in self.told:
            try:
                tell(trace)
            except Exception:
                log.exception("A finished trace could not be passed on")
        return trace


def _runtimes(models: ModelSettings, api_keys: Mapping[str, str], data_dir: Path | None) -> list[Runtime]:
    chosen = [_endpoint(models, one, api_keys.get(one.api_key_env, ""), data_dir) for one in models.endpoints]
    if models.foundry:
        from hybrid.runtimes.foundry import Foundry

        chosen.append(Foundry(data_dir))
    return [*chosen, *discover()]


def _endpoint(models: ModelSettings, endpoint: EndpointSettings, api_key: str, data_dir: Path | None) -> Runtime:
    from hybrid.runtimes.openai_compatible import OpenAICompatible

    return OpenAICompatible(
        endpoint,
        api_key=api_key,
        timeouts=models.timeouts,
        assume=tuple(dict.fromkeys((models.draft, models.refine))),
        memory=data_dir / "endpoints.json" if data_dir is not None else None,
    )

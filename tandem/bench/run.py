"""Carries out a plan: model after model, load after load, then quality, judge and recommendation.

Knows the order of things, what is kept for a later run, and that a failure belongs to one model and never ends the run.
Does not know how anything is measured or written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from hybrid.errors import ModelError
from hybrid.models.catalogue import Catalog
from hybrid.models.registry import ModelRegistry
from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import GenerationSettings, ModelSettings
from rag.types import Message
from tandem.bench import load as loads
from tandem.bench import quality
from tandem.bench.cost import Energy, cost
from tandem.bench.duration import foretold
from tandem.bench.judge import asking, judge
from tandem.bench.level import level, saturation
from tandem.bench.measure import Job, Sample, measure
from tandem.bench.plan import SWEEP, BenchPrompt, Plan
from tandem.bench.quality import Grounding, Score
from tandem.bench.recommend import recommend, selection
from tandem.bench.resources import Memory, machine
from tandem.bench.salt import Salt, prefix_cache, told
from tandem.bench.schema import Conditions, Level, Load, Model, PrefixCache, Prompt, Report, Request
from tandem.bench.state import State
from tandem.bench.targets import Target, resolve
from tandem.evaluate.questions import Asked

# A level sends each person at least this many requests: fewer say little about a load that is held.
EACH = 4
HOPELESS = 5
SATURATED = 1.1


Progress = Callable[[int, int, str], None]


class Bench:
    """One run. `answer` asks the pipeline, for grounded quality; `state` holds what an earlier run finished."""

    def __init__(
        self,
        plan: Plan,
        registry: ModelRegistry,
        catalog: Catalog,
        settings: ModelSettings,
        keys: Mapping[str, str],
        state: State,
        *,
        answer: quality.Answerer,
        questions: Sequence[Asked] = (),
        scores: Sequence[Score] = (),
        progress: Progress = lambda done, total, current: None,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.plan = plan
        self.registry = registry
        self.catalog = catalog
        self.settings = settings
        self.keys = keys
        self.state = state
        self.answer = answer
        self.questions = tuple(questions)
        self.scores = tuple(scores)
        self._progress = progress
        self._tell = tell
        self._salt = Salt()
        self._done = 0
        self._total = 0
        self.report = self._empty()

    async def run(self) -> Report:
        """Measure everything. Cancelling the task ends it early: the report then holds what was finished."""
        try:
            targets = resolve(
                self.registry,
                self.catalog,
                self.settings,
                self.keys,
                self.plan.models,
                streamed=self.plan.stream,
            )
            per_model = sum(map(self._count, self.plan.loads)) + len(self.questions)
            self._total = per_model * sum(isinstance(target, Target) for target in targets) + len(self.questions)
            await self._quoted()
            for target in targets:
                if isinstance(target, Model):
                    self.report.models.append(target)
                elif self.report.complete:
                    self.report.models.append(target.model)
                    try:
                        await self._measure(target)
                    finally:
                        await target.close()
            if self.plan.judge and self.report.complete:
                await self._judge()
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None:
                current.uncancel()
            self.report.complete = False
        if not self.report.complete:
            self.report.notes.append("The run was interrupted; the same command goes on where it stopped.")
        self._conclude()
        return self.report

    def _empty(self) -> Report:
        plan = self.plan
        prompts = [
            Prompt(id=p.id, text=p.text, system=p.system, aspects=[aspect[0] for aspect in p.aspects])
            for p in plan.prompts
        ]
        conditions = Conditions(
            loads=list(plan.loads),
            sweep=plan.sweep,
            rounds=plan.rounds,
            warmup=plan.warmup,
            max_tokens=plan.max_tokens,
            temperature=plan.temperature,
            seed=plan.seed,
            stream=plan.stream,
            slo=plan.limits,
            questions=len(self.questions),
            judge=plan.judge,
        )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Report(created=now, machine=machine(), conditions=conditions, prompts=prompts, models=[])

    async def _measure(self, target: Target) -> None:
        model = target.model
        kept = self.state.get(f"{model.name}/start")
        if kept is not None:
            model.cold_load_ms, model.warm_up_ms = kept["cold_load_ms"], kept["warm_up_ms"]
        async with Memory(target.base_url) as memory:
            try:
                await self._start(target, kept is not None)
                self._foretell(target)
                await self._levels(target)
                await self._cached(target)
                await self._grounded(target)
            except ModelError as error:
                model.reason = str(error)
            finally:
                model.resources = memory.found()
                self._judge_status(model)
                await self._release(target)

    async def _start(self, target: Target, started: bool) -> None:
        """Load and warm up. Raises ModelError where the model does not answer at all."""
        model = target.model
        self._say(f"{model.name}: load")
        if target.loads:
            began = time.perf_counter()
            await target.runtime.load(model.id)
            if not started:
                model.cold_load_ms = round((time.perf_counter() - began) * 1000.0, 3)
        self._say(f"{model.name}: warm up")
        for number in range(self.plan.warmup):
            sample = await self._ask(target, Job("warm-up", number, self._request(self.plan.prompts[0], model.id)))
            if sample.failure is not None:
                sample = await self._ask(target, sample.job)
            if sample.failure is not None:
                raise sample.failure
            if number == 0 and not started:
                model.warm_up_ms = sample.record(sample.due).total_ms
        if not started:
            self.state.put(f"{model.name}/start", {"cold_load_ms": model.cold_load_ms, "warm_up_ms": model.warm_up_ms})

    def _foretell(self, target: Target) -> None:
        """Say what the rest takes by what the warm-up took, and what can be left out."""
        once = (target.model.warm_up_ms or 0.0) / 1000.0
        requests = sum(self._count(load) / (load.concurrency or 1) for load in self.plan.loads) * once
        if sentence := foretold(target.model.name, requests, len(self.questions), len(self.questions) * once):
            self._tell(sentence)

    async def _cached(self, target: Target) -> None:
        """What a prompt that was read before saves."""
        key = f"{target.model.name}/prefix cache"
        kept = self.state.get(key)
        if kept is None and self.plan.stream:
            self._say(f"{target.model.name}: prefix cache")
            request = self._request(self.plan.prompts[0], target.model.id)
            found = await prefix_cache(request, self._salt, lambda job: self._ask(target, job))
            kept = found.model_dump() if found is not None else None
            self.state.put(key, kept)
        target.model.prefix_cache = PrefixCache.model_validate(kept) if kept else None

    async def _quoted(self) -> None:
        """The same questions answered by quoting: what a model must not fall below to be of use."""
        outcomes = []
        for asked in self.questions:
            outcomes.append(await quality.ask_grounded(asked, EXTRACTIVE, self.answer, GenerationSettings()))
            self._advance(1, "quoting, to compare with")
        self.report.quote = quality.grounded(outcomes)

    async def _levels(self, target: Target) -> None:
        model = target.model
        planned = [Load(concurrency=people) for people in SWEEP] if self.plan.sweep else list(self.plan.loads)
        for number, load in enumerate(planned):
            found, requests, energy = await self._level(target, load)
            model.levels.append(found)
            if number == 0:
                model.requests = requests
                model.cost = cost(found, energy, self.plan.prices)
                model.quality.rubrics = quality.rubrics(self.plan.prompts, requests)
                model.quality.rubric = quality.rubric(model.quality.rubrics)
            if found.interrupted:
                self.report.complete = False
                raise asyncio.CancelledError
            if not found.completed:
                raise ModelError(found.failures[0].reason, kind=found.failures[0].kind)
            if self.plan.sweep and _full(model.levels):
                break
        model.saturation = saturation(model.levels)

    async def _level(self, target: Target, load: Load) -> tuple[Level, list[Request], tuple[float, str] | None]:
        key = f"{target.model.name}/{load.label}"
        total = self._count(load)
        kept = self.state.get(key)
        if kept is not None:
            self._advance(total, "")
            energy = kept["energy"]
            return (
                Level.model_validate(kept["level"]),
                [Request.model_validate(request) for request in kept["requests"]],
                (energy[0], energy[1]) if energy else None,
            )
        meter = Energy()
        done = self._done
        outcome: list[bool] = []

        async def ask(job: Job, due: float | None) -> Sample:
            sample = await self._ask(target, job, due)
            outcome.append(sample.failure is None)
            return sample

        def jobs() -> Iterator[Job]:
            for job in self._jobs(target.model.id, total):
                if len(outcome) >= HOPELESS and not any(outcome):
                    return
                yield job

        def progress(finished: int, _: int) -> None:
            self._done = done + finished
            self._say(f"{target.model.name}: {load.label}")

        if target.wire is not None:
            await target.wire.open(load.concurrency or 1)
        run = await loads.run(load, jobs(), total, ask, seed=self.plan.seed, progress=progress)
        self._done = done + total
        if not run.samples:
            raise asyncio.CancelledError
        found, requests = level(run, self.plan.limits, client=target.wire is not None)
        energy = meter.stop()
        if not run.interrupted:
            kept = {"level": found.model_dump(), "requests": [r.model_dump() for r in requests], "energy": energy}
            self.state.put(key, kept)
        return found, requests, energy

    async def _grounded(self, target: Target) -> None:
        outcomes = []
        generation = GenerationSettings(
            max_tokens=max(16, self.plan.max_tokens), temperature=self.plan.temperature, seed=self.plan.seed
        )
        for asked in self.questions:
            key = f"{target.model.name}/question/{asked.id}"
            kept = self.state.get(key)
            if kept is None:
                outcome = await quality.ask_grounded(asked, target.model.id, self.answer, generation)
                kept = [getattr(outcome, name) for name in _KEPT]
                self.state.put(key, kept)
            outcomes.append(Grounding(asked, **dict(zip(_KEPT, kept, strict=True))))
            target.model.quality.grounded = quality.grounded(outcomes)
            self._advance(1, f"{target.model.name}: questions on documents")

    async def _judge(self) -> None:
        answers = {
            model.name: {r.prompt: r.text for r in reversed(model.requests) if r.failure is None and r.text}
            for model in self.report.models
            if model.requests
        }
        name = self.plan.judge
        try:
            runtime, identity = self.registry.resolve(name)
        except ModelError as error:
            self.report.notes.append(f"Nothing was judged: {error}")
            return
        base, limit = self._done, self.settings.timeouts.total

        ask = asking(runtime, ChatRequest(identity, (), seed=self.plan.seed), name, limit, self.state)

        def progress(done: int, total: int) -> None:
            self._total = base + total
            self._done = base + done
            self._say(f"judge: {name}")

        verdicts, scores = await judge(
            name, self.plan.prompts, {m: a for m, a in answers.items() if a}, ask,
            manual=self.scores, progress=progress,
        )  # fmt: skip
        self.report.verdicts = verdicts
        for model in self.report.models:
            model.quality.judged = scores.judged(model.name)

    def _conclude(self) -> None:
        for model in self.report.models:
            model.quality.manual = quality.mean_scores(self.scores, model.name)
            if model.prefix_cache is not None:
                self.report.notes.append(told(model.name, model.prefix_cache))
        self.report.selection = selection(self.report)
        self.report.recommendation = recommend(self.report)

    async def _ask(self, target: Target, job: Job, due: float | None = None) -> Sample:
        timeouts = self.settings.timeouts
        return await measure(target.source, job, timeouts, due=due, streamed=self.plan.stream)

    def _jobs(self, model: str, total: int) -> Iterator[Job]:
        prompts = self.plan.prompts
        for number in range(total):
            prompt = prompts[number % len(prompts)]
            yield Job(prompt.id, number // len(prompts), self._salt.new(self._request(prompt, model)))

    def _request(self, prompt: BenchPrompt, model: str) -> ChatRequest:
        system = (Message("system", prompt.system),) if prompt.system else ()
        plan = self.plan
        return ChatRequest(
            model,
            (*system, Message("user", prompt.text)),
            question=prompt.text,
            max_tokens=plan.max_tokens,
            temperature=plan.temperature,
            seed=plan.seed,
        )

    def _count(self, load: Load) -> int:
        """Requests of one level: every prompt in every round, and enough for each person."""
        return max(len(self.plan.prompts) * self.plan.rounds, EACH * (load.concurrency or 1))

    @staticmethod
    def _judge_status(model: Model) -> None:
        failed = sum(level.failed for level in model.levels)
        grounded = model.quality.grounded
        if not any(level.completed for level in model.levels):
            model.status = "failed"
            model.reason = model.reason or "It was not measured before the run was interrupted."
        elif model.reason or failed or any(level.interrupted for level in model.levels):
            model.status = "partial"
            model.reason = model.reason or (f"{failed} requests failed." if failed else "The run was interrupted.")
        elif grounded is not None and grounded.failed:
            model.status = "partial"
            model.reason = f"{grounded.failed} of {grounded.questions} questions on documents were not answered."

    async def _release(self, target: Target) -> None:
        """A model that was loaded for this makes room for the next, whose memory would not be its own otherwise."""
        if not target.loads:
            return
        try:
            await target.runtime.unload(target.model.id)
        except ModelError as error:
            self.report.notes.append(f"{target.model.name} stays loaded: {error}")

    def _advance(self, steps: int, current: str) -> None:
        self._done += steps
        self._say(current)

    def _say(self, current: str) -> None:
        self._total = max(self._total, self._done)
        self._progress(self._done, self._total, current)


_KEPT = ("failed", "refused", "complete", "cited", "held", "total_ms")


def _full(levels: Sequence[Level]) -> bool:
    """Whether the last step of a sweep was not worth it: a tenth more tokens, or a tenth of the requests failing."""
    last = levels[-1]
    if last.failed * 10 > last.requests:
        return True
    if len(levels) < 2 or last.tokens_per_s is None:
        return False
    before = levels[-2].tokens_per_s
    return before is not None and last.tokens_per_s.value < SATURATED * before.value

"""The benchmark's report: every figure, its unit and its meaning. Written to JSON, read back for comparisons.

Knows the shape alone; `report_schema.json` beside this file is made from it (`python -m tandem.bench.schema`). Does not
know how anything is measured. Version 1.x only ever gains optional fields; what is not known is null or left out.

A second producer (the page that generates in the browser) needs no more than `created` and, for each model, `name`,
`runtime` and one of `requests` or `reason`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

NAME: Literal["tandem-bench-report"] = "tandem-bench-report"
VERSION = "1.0"
FILE = Path(__file__).with_name("report_schema.json")


class Part(BaseModel):
    """What every part of a report has in common: unknown fields of a later 1.x are kept out of the way, not refused."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class Estimate(Part):
    """A figure with its 95 % interval; `low` and `high` are null where the sample gives none."""

    value: float
    low: float | None = None
    high: float | None = None


class Distribution(Part):
    """A sample in a few figures. A percentile that the sample cannot carry is null, and `refused` says why."""

    n: int = Field(description="Values in the sample.")
    unit: str = Field(description="ms, tokens/s, ...")
    mean: Estimate | None = None
    p50: Estimate | None = None
    p90: Estimate | None = None
    p95: Estimate | None = None
    p99: Estimate | None = None
    minimum: float | None = None
    maximum: float | None = None
    refused: dict[str, str] = Field(default_factory=dict, description="Percentile -> why it is not given.")


class Share(Part):
    """A proportion with its Wilson 95 % interval."""

    value: float | None = Field(description="In [0, 1]; null where nothing counts.")
    low: float | None = None
    high: float | None = None
    n: int = 0


class Request(Part):
    """One request. Times in ms from the moment it was due: when it was sent, or should have been under a given rate."""

    prompt: str = Field(description="The prompt's id.")
    round: int = 0
    started_ms: float = Field(0.0, description="When it was due, from the start of its level.")
    late_ms: float = Field(0.0, description="How long after that the client really sent it.")
    queue_ms: float = Field(0.0, description="Time in the runtime's own queue, part of first_token_ms.")
    load_ms: float = Field(0.0, description="Time in which the model was loaded, part of first_token_ms.")
    first_token_ms: float | None = Field(None, description="To the first token of any kind, thinking included.")
    first_content_ms: float | None = Field(None, description="To the first token of the answer itself.")
    total_ms: float | None = Field(None, description="To the last token.")
    itl_mean_ms: float | None = Field(None, description="Mean gap between two arrivals of text.")
    tpot_ms: float | None = Field(None, description="(last - first token) / (completion tokens - 1).")
    prompt_tokens: int | None = None
    completion_tokens: int | None = Field(None, description="As the server counted, reasoning included.")
    reasoning_tokens: int | None = None
    cached_tokens: int | None = Field(None, description="Of the prompt's tokens, those that a cache held already.")
    estimated: bool = Field(False, description="The server counted no tokens; the numbers are the client's estimate.")
    finish_reason: str | None = None
    failure: str | None = Field(None, description="Why it failed, in a sentence; null when it did not.")
    failure_kind: str | None = Field(None, description="refused, reset, timeout, unavailable, ...")
    failure_status: int | None = Field(None, description="HTTP status, where there was one.")
    text: str = Field("", description="The answer, without the thinking.")


class Failure(Part):
    """Requests that failed alike."""

    kind: str
    status: int | None = None
    reason: str
    count: int


class Load(Part):
    """How requests arrive: `concurrency` people who each wait for their answer, or `rate_per_s` at random (Poisson)."""

    kind: Literal["closed", "open"] = "closed"
    concurrency: int | None = None
    rate_per_s: float | None = None

    @property
    def label(self) -> str:
        """In a few words."""
        return f"{self.concurrency} at once" if self.kind == "closed" else f"{self.rate_per_s:g} a second"


class Goodput(Part):
    """Requests that kept every limit of the SLO; failed ones never do."""

    share: Share
    per_s: float


class Level(Part):
    """All requests under one load."""

    load: Load
    interrupted: bool = Field(False, description="Stopped by the user before all requests were sent.")
    requests: int
    completed: int
    failed: int
    duration_s: float = Field(description="From the first request to the last token.")
    window_s: float = Field(description="The part of it under full load, on which tokens_per_s rests.")
    tokens_per_s: Estimate | None = Field(None, description="Completion tokens a second of all requests together.")
    requests_per_s: float | None = None
    queue_ms: Distribution | None = None
    first_token_ms: Distribution | None = None
    first_content_ms: Distribution | None = None
    itl_ms: Distribution | None = Field(None, description="Gaps between two arrivals of text, of all requests.")
    tpot_ms: Distribution | None = None
    total_ms: Distribution | None = None
    request_tokens_per_s: Distribution | None = Field(None, description="Completion tokens / total time, each request.")
    decode_tokens_per_s: Distribution | None = Field(None, description="Tokens after the first / time after the first.")
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = Field(0, description="Prompt tokens that a prefix cache held; the prompts are salted.")
    estimated: bool = Field(False, description="At least one request's tokens are the client's estimate.")
    goodput: Goodput | None = None
    failures: list[Failure] = []
    client_cpu_share: float | None = Field(None, description="Of one core, spent by the client; endpoints only.")
    client_lag_ms: float | None = Field(None, description="p99 lateness of the client's own clock ticks.")


class Resources(Part):
    """What the model takes. Megabytes; null where it cannot be seen from here."""

    rss_before_mb: float | None = Field(None, description="Resident memory of the runtime's process before the load.")
    rss_mb: float | None = Field(None, description="The most seen while it answered.")
    gpu_memory_mb: float | None = None
    process: str = Field("", description="Whose memory that is: this process, the server's, or why it is not known.")


class Saturation(Part):
    """Where more load brings no more tokens."""

    load: Load | None = Field(description="The last load that still paid; null: not reached within the levels tried.")
    tokens_per_s: float
    reason: str


class Rubric(Part):
    """Expected aspects found in the answers to one prompt; `missing` in at least one round."""

    prompt: str
    score: float = Field(description="Share of the aspects found, mean over rounds.")
    missing: list[str] = []


class Grounded(Part):
    """Answers to questions about documents, from the passages found."""

    questions: int
    failed: int = Field(0, description="Questions the model did not answer at all.")
    key_facts: Share = Field(description="Answerable questions whose answer holds every key fact.")
    citation_precision: Share = Field(description="Sentences with a citation that the cited passages support.")
    abstention: Share = Field(description="Unanswerable questions that were refused.")
    false_refusals: Share = Field(description="Answerable questions that were refused.")
    total_ms: Distribution | None = None


class Judged(Part):
    """A judge's mean scores, 1 to 5, over both orders of every pair."""

    coherence: Estimate | None = None
    factuality: Estimate | None = None
    brevity: Estimate | None = None
    overall: Estimate | None = None
    answers: int = 0


class Quality(Part):
    rubric: Estimate | None = Field(None, description="Mean share of expected aspects, in [0, 1].")
    rubrics: list[Rubric] = []
    grounded: Grounded | None = None
    judged: Judged | None = None
    manual: Judged | None = Field(None, description="Mean of the scores that people gave.")


class Cost(Part):
    """Of 1000 answers like those measured. Currency is that of the prices."""

    energy_wh: float | None = None
    energy_source: str = Field("", description="measured, or the assumption behind the estimate.")
    cloud: dict[str, float] = Field(default_factory=dict, description="Hypothetical price -> cost of 1000 answers.")
    prompt_tokens: float | None = Field(None, description="Mean of an answer.")
    completion_tokens: float | None = None


class PrefixCache(Part):
    """What a prompt that was read before saves: medians over prompts that nobody had sent, and the same again."""

    prompt_tokens: int | None = None
    cached_tokens: int | None = Field(None, description="Of those, as the server reports it for the second time.")
    cold_ms: float = Field(description="To the first token of a prompt that is new.")
    warm_ms: float = Field(description="To the first token of the same prompt, at once again.")


class Model(Part):
    """One model on one device."""

    name: str = Field(description="As it was asked for, made unique.")
    id: str = ""
    alias: str = ""
    runtime: str = Field("", description="foundry, an endpoint's name, webgpu, wasm, ...")
    device: str = Field("", description="cpu, gpu, npu, as the runtime reports it.")
    execution_provider: str = ""
    licence: str = ""
    size_mb: float | None = Field(None, description="On disk.")
    context_length: int | None = None
    status: Literal["measured", "partial", "failed"] = "measured"
    reason: str = Field("", description="Why it failed, or what is missing from it.")
    cold_load_ms: float | None = Field(None, description="Into memory, from disk; null where it was loaded already.")
    warm_up_ms: float | None = Field(None, description="The first request after that, not counted elsewhere.")
    resources: Resources | None = None
    levels: list[Level] = []
    saturation: Saturation | None = None
    requests: list[Request] = Field([], description="Those of the first level, one entry each; warm-up left out.")
    quality: Quality = Quality()
    cost: Cost | None = None
    prefix_cache: PrefixCache | None = None


class Prompt(Part):
    id: str
    text: str
    system: str = ""
    aspects: list[str] = []


class Limits(Part):
    """The service level a request must keep, in ms."""

    ttft_ms: float | None = None
    tpot_ms: float | None = None
    total_ms: float | None = None


class Conditions(Part):
    """How it was measured."""

    loads: list[Load] = []
    sweep: bool = False
    rounds: int = 1
    warmup: int = 0
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    stream: bool = True
    slo: Limits | None = None
    questions: int = 0
    judge: str = ""


class Machine(Part):
    system: str = ""
    processor: str = ""
    cores: int | None = None
    memory_mb: float | None = None
    gpus: list[str] = []
    python: str = ""
    load_average: float | None = Field(None, description="One minute, before the run: other work distorts figures.")


class Pairing(Part):
    """A judge on two models' answers. `inconsistent`: the verdict changed with the order of the answers."""

    first: str
    second: str
    first_better: int = 0
    second_better: int = 0
    ties: int = 0
    inconsistent: int = 0
    first_place: int = Field(0, description="Of the inconsistent, how often it was the answer shown first that gained.")
    unreadable: int = Field(0, description="Prompts on which the judge gave no readable scores.")


class Agreement(Part):
    """Judge against people, on the answers both scored."""

    aspect: str
    n: int
    kappa: float | None = Field(None, description="Quadratic weighted.")
    spearman: float | None = None


class Verdicts(Part):
    judge: str
    pairs: list[Pairing] = []
    agreement: list[Agreement] = []
    failures: list[Failure] = []


class Row(Part):
    """One line of the selection table."""

    name: str
    device: str = ""
    first_token_ms: float | None = None
    total_ms: float | None = None
    tokens_per_s: float | None = Field(None, description="One request alone.")
    most_tokens_per_s: float | None = Field(None, description="The best total of any load.")
    memory_mb: float | None = None
    size_mb: float | None = None
    quality: float | None = Field(None, description="In [0, 1]; what it rests on is said in `quality_of`.")
    quality_low: float | None = None
    quality_high: float | None = None
    quality_of: str = ""
    licence: str = ""
    status: str = ""
    note: str = ""


class Recommendation(Part):
    draft: str | None = None
    draft_reasons: list[str] = []
    refine: str | None = Field(None, description="The large model of the best pair; null: no pair pays.")
    pair_reasons: list[str] = []
    capacity: list[str] = Field([], description="How many people at once, in sentences.")
    would_change: list[str] = Field([], description="What would change the verdict.")
    devices: list[str] = Field([], description="The same model on two devices, compared.")


class Change(Part):
    """One figure beside the baseline's. `ratio` is now / before."""

    model: str
    load: str = ""
    metric: str
    before: float | None
    now: float | None
    ratio: float | None = None
    p_value: float | None = None
    verdict: Literal["better", "worse", "same", "new", "gone"]


class Baseline(Part):
    file: str
    created: str
    changes: list[Change] = []
    regressed: bool = False


class Report(Part):
    """One run of `tandem bench`."""

    format: Literal["tandem-bench-report"] = NAME
    version: str = Field(VERSION, pattern=r"^1\.\d+$")
    created: str = Field(description="UTC, ISO 8601.")
    producer: str = Field("tandem bench", description="Who measured.")
    complete: bool = Field(True, description="False: the run was interrupted; what is here was finished.")
    machine: Machine = Machine()
    conditions: Conditions = Conditions()
    prompts: list[Prompt] = []
    models: list[Model]
    quote: Grounded | None = Field(None, description="Quoting the documents, without any model, on the same questions.")
    verdicts: Verdicts | None = None
    selection: list[Row] = []
    recommendation: Recommendation | None = None
    baseline: Baseline | None = None
    notes: list[str] = []


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a report."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema()}


if __name__ == "__main__":
    import json

    FILE.write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

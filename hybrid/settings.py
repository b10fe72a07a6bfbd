"""What a user may set about models, generation and escalation, each with its default and its meaning.

Knows names, defaults and bounds. Does not know where the values come from (`tandem.settings` does).
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Escalate(StrEnum):
    """When the large model is asked. AUTO leaves it to the policy."""

    AUTO = "auto"
    NEVER = "never"
    ALWAYS = "always"


class EndpointSettings(BaseModel):
    """One OpenAI-compatible server. The key itself is never written in a file: `api_key_env` names its variable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=40, description="How the endpoint is called in lists and messages.")
    base_url: str = Field(
        description="Address that ends before /chat/completions, for example http://127.0.0.1:11434/v1."
    )
    api_key_env: str = Field("", description="Name of the environment variable that holds the key; empty: no key.")

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name.casefold() == "extractive":
            raise ValueError("'extractive' is what quoting is called; name the endpoint otherwise")
        return name


class TimeoutSettings(BaseModel):
    """How long each part of a model call may take, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connect: float = Field(5.0, gt=0, le=60)
    first_token: float = Field(120.0, gt=0, le=1800, description="Includes a cold load of the model.")
    silence: float = Field(30.0, gt=0, le=600, description="Longest gap between two tokens.")
    total: float = Field(600.0, gt=0, le=7200)


class KeepSettings(BaseModel):
    """How long models stay in this machine's memory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warm: bool = Field(True, description="Load the draft model at the start, if it is on this machine.")
    idle_minutes: float = Field(30.0, ge=0, le=10080, description="Unload a model unused for so long; 0: never.")
    free_memory_mb: int = Field(
        1024, ge=0, le=1_000_000, description="Unload the longest unused models while less memory than this is free."
    )


class ModelSettings(BaseModel):
    """Which models answer, and where they run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    draft: str = Field("phi-4-mini", min_length=1, description="Model that drafts every answer; 'extractive' quotes.")
    refine: str = Field("gpt-oss-20b", min_length=1, description="Model asked where the draft is likely wrong.")
    endpoints: tuple[EndpointSettings, ...] = Field((), description="OpenAI-compatible servers, asked in this order.")
    foundry: bool = Field(True, description="Use the Foundry Local runtime inside this process.")
    timeouts: TimeoutSettings = TimeoutSettings()
    keep: KeepSettings = KeepSettings()
    routing: bool = Field(
        False, description="Ask the model whose card in models.yaml suits the question: code, summary, classification."
    )


class GenerationSettings(BaseModel):
    """How text is generated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_tokens: int = Field(768, ge=16, le=32768, description="Longest answer, in tokens.")
    temperature: float = Field(0.2, ge=0.0, le=2.0)
    seed: int | None = Field(None, ge=0)


class EscalationSettings(BaseModel):
    """When a draft goes to the large model: by rules, each of which can be switched off, or by a fitted policy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Escalate = Escalate.AUTO
    policy: Literal["rules", "logistic"] = Field(
        "rules", description="'rules' are those below; 'logistic' weighs the expected gain against time and cost."
    )
    second_worth: float = Field(
        0.01, ge=0.0, le=1e6, description="What a second of waiting costs you; the unit is that of answer_worth."
    )
    answer_worth: float = Field(
        1.0, gt=0.0, le=1e9, description="What a right answer in place of a wrong one is worth, in the costs' currency."
    )
    early_abort: bool = Field(True, description="Cut a hopeless draft while it is being written, and escalate.")
    warm: bool = Field(
        False, description="Let the large model read the prompt ahead when escalation becomes likely; costs its tokens."
    )
    background_share: float = Field(
        0.0, ge=0.0, le=1.0, description="Share of kept drafts that the large model answers too, unseen, to learn."
    )
    long_draft: bool = Field(True, description="Escalate a draft of `long_chars` or more: worth polishing.")
    long_chars: int = Field(600, ge=50, le=20000)
    short_draft: bool = Field(True, description="Escalate a draft under `short_chars`: it says nothing.")
    short_chars: int = Field(24, ge=1, le=2000)
    flagged_topics: bool = Field(True, description="Escalate questions that touch one of `topics`.")
    topics: tuple[str, ...] = Field((), description="Words or phrases, matched by stem in the question.")
    low_confidence: bool = Field(
        True, description="Escalate unsupported, refusing, truncated, repetitive, empty drafts."
    )
    minimum_support: float = Field(0.6, ge=0.0, le=1.0, description="Least share of supported sentences.")


class Price(BaseModel):
    """What a model's work costs. Tokens by the million; `hour` for each hour it is busy (energy and hardware)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(0.0, ge=0.0, le=1e6, description="A million prompt tokens.")
    cached: float | None = Field(None, ge=0.0, le=1e6, description="A million cached prompt tokens; null: as others.")
    completion: float = Field(0.0, ge=0.0, le=1e6, description="A million completion tokens, reasoning included.")
    hour: float = Field(0.0, ge=0.0, le=1e6, description="An hour of work on a local machine.")


class CostSettings(BaseModel):
    """Prices, by which answers are costed and models compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str = Field("EUR", min_length=1, max_length=8)
    local: Price = Field(Price(hour=0.06), description="Any model that is not listed: it runs on a machine of yours.")
    models: dict[str, Price] = Field({}, description="By model; a name also covers those that begin with it.")
    cloud: dict[str, Price] = Field({}, description="What the same tokens would cost elsewhere, to compare with.")

"""What a benchmark is to run: models, prompts, loads, and how often.

Knows the files that name prompts and models, and the short notations of the command line. Does not know how anything
is run. prompts.json holds a list, or an object with the list under `prompts`; an entry is a text, or an object with
`prompt` and optionally `id`, `system` and `aspects`: what a good answer contains, each a text or a list of accepted
wordings. models.json names models likewise, under `models`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rag.errors import UserFacingError
from tandem.bench.schema import Limits, Load

SHIPPED_PROMPTS = Path(__file__).with_name("prompts.json")
LARGEST_FILE = 5_000_000
LARGEST_LOAD = 1024
SWEEP = (1, 2, 4, 8, 16, 32, 64, 128)
_SLO = {"ttft": "ttft_ms", "tpot": "tpot_ms", "total": "total_ms"}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s)")


class PlanError(UserFacingError):
    """What was asked for cannot be run; the sentence says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class BenchPrompt:
    """A prompt and what a good answer contains: per aspect, the wordings of which one is enough."""

    id: str
    text: str
    system: str = ""
    aspects: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `questions` is a file for grounded quality, None to leave that out. `prices` are hypothetical ones: name
    -> (a million prompt tokens, a million completion tokens).
    """

    models: tuple[str, ...]
    prompts: tuple[BenchPrompt, ...]
    rounds: int = 5
    loads: tuple[Load, ...] = (Load(concurrency=1),)
    sweep: bool = False
    warmup: int = 1
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0
    stream: bool = True
    limits: Limits | None = None
    questions: Path | None = None
    judge: str = ""
    prices: dict[str, tuple[float, float]] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """The same for the same plan: what one run finished counts for another only then."""
        content = asdict(self)
        content["loads"] = [load.model_dump() for load in self.loads]
        content["limits"] = self.limits.model_dump() if self.limits is not None else None
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def read_prompts(file: Path) -> tuple[BenchPrompt, ...]:
    """The prompts of a file. Raises PlanError."""
    entries = _entries(file, "prompts")
    prompts = [_prompt(entry, number, file.name) for number, entry in enumerate(entries, 1)]
    ids = [prompt.id for prompt in prompts]
    twice = next((identity for identity in ids if ids.count(identity) > 1), None)
    if twice is not None:
        raise PlanError(f"{file.name}: two prompts have the id {twice!r}; give each its own.")
    return tuple(prompts)


def read_models(file: Path) -> tuple[str, ...]:
    """The names of the models in a file. Raises PlanError."""
    names = []
    for number, entry in enumerate(_entries(file, "models"), 1):
        found = entry
        if isinstance(entry, dict):
            found = next((entry[key] for key in ("alias", "name", "id") if entry.get(key)), None)
        if not isinstance(found, str) or not found.strip():
            raise PlanError(f"{file.name}: model {number} has no alias; write its name, or an object with `alias`.")
        names.append(found.strip())
    return tuple(dict.fromkeys(names))


def one_prompt(text: str) -> tuple[BenchPrompt, ...]:
    """A single prompt from the command line."""
    if not text.strip():
        raise PlanError("The prompt is empty; write one.")
    return (BenchPrompt("prompt", text),)


def closed_loads(text: str) -> tuple[Load, ...]:
    """`1,2,4` as loads. Raises PlanError."""
    levels = []
    for part in text.split(","):
        if not part.strip().isdecimal() or not 1 <= int(part) <= LARGEST_LOAD:
            raise PlanError(f"--concurrency {text!r} is not right; write numbers up to {LARGEST_LOAD} like 1,2,4,8.")
        levels.append(int(part))
    return tuple(Load(concurrency=level) for level in dict.fromkeys(levels))


def open_load(rate: float) -> tuple[Load, ...]:
    """So many requests a second. Raises PlanError."""
    if not 0 < rate <= 10_000:
        raise PlanError("--rate needs requests a second, more than 0 and at most 10000.")
    return (Load(kind="open", rate_per_s=rate),)


def limits(text: str) -> Limits:
    """`ttft=1s,tpot=100ms,total=20s`, any of them. Raises PlanError."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        time = _TIME.fullmatch(value.strip())
        if name.strip() not in _SLO or time is None:
            raise PlanError(f"--slo {text!r} is not right; write it like ttft=1s,tpot=100ms,total=20s.")
        found[_SLO[name.strip()]] = float(time[1]) * (1000.0 if time[2] == "s" else 1.0)
    return Limits(**found)


def names(text: str) -> tuple[str, ...]:
    """`A,B` as names. Raises PlanError."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise PlanError("No model is named; write them like phi-4-mini,gpt-oss-20b.")
    return found


def _prompt(entry: Any, number: int, name: str) -> BenchPrompt:
    if isinstance(entry, str):
        entry = {"prompt": entry}
    if not isinstance(entry, dict):
        raise PlanError(f"{name}: prompt {number} is neither a text nor an object with `prompt`.")
    text = entry.get("prompt") or entry.get("text")
    if not isinstance(text, str) or not text.strip():
        raise PlanError(f"{name}: prompt {number} has no text under `prompt`.")
    unknown = set(entry) - {"id", "prompt", "text", "system", "aspects"}
    if unknown:
        raise PlanError(f"{name}: prompt {number} has an unknown key {sorted(unknown)[0]!r}.")
    aspects = entry.get("aspects") or []
    if not isinstance(aspects, list):
        raise PlanError(f"{name}: the aspects of prompt {number} are no list.")
    return BenchPrompt(
        id=str(entry.get("id") or f"prompt-{number}"),
        text=text,
        system=str(entry.get("system") or ""),
        aspects=tuple(_aspect(aspect, number, name) for aspect in aspects),
    )


def _aspect(aspect: Any, number: int, name: str) -> tuple[str, ...]:
    wordings: Sequence[Any] = [aspect] if isinstance(aspect, str) else aspect
    if not isinstance(wordings, list) or not wordings or not all(isinstance(w, str) and w.strip() for w in wordings):
        raise PlanError(f"{name}: an aspect of prompt {number} is neither a text nor a list of texts.")
    return tuple(wordings)


def _entries(file: Path, key: str) -> list[Any]:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise PlanError(f"{file.name} is larger than {LARGEST_FILE // 1_000_000} MB; it can hardly be right.")
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PlanError(f"{file} cannot be read ({error.strerror}); check the path.") from None
    except UnicodeDecodeError:
        raise PlanError(f"{file.name} is not written in UTF-8; save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise PlanError(f"{file.name}, line {error.lineno}: {error.msg}; correct the JSON there.") from None
    except (RecursionError, ValueError):
        raise PlanError(f"{file.name} cannot be read as JSON.") from None
    entries = content.get(key) if isinstance(content, dict) else content
    if isinstance(entries, dict):
        entries = [{"alias": alias, **(entry if isinstance(entry, dict) else {})} for alias, entry in entries.items()]
    if not isinstance(entries, list) or not entries:
        raise PlanError(f"{file.name} has no list of {key}.")
    return entries

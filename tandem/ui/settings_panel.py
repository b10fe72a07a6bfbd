"""The settings panel: what a person may change for a conversation, and what their choices come to.

Knows the widgets, their limits and how to read what comes back. Does not know where choices are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from chainlit.input_widget import InputWidget, MultiSelect, NumberInput, Select, Slider, Switch, Tab, Tags, TextInput
from pydantic import BaseModel, ValidationError

from hybrid.models.registry import USABLE
from hybrid.question import Options
from hybrid.runtimes.base import ModelInfo, ModelState
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import Escalate, EscalationSettings, GenerationSettings
from rag.settings import RetrievalSettings
from tandem.settings import Settings
from tandem.texts import Language, find, languages, model_label, say

NO_DOWNLOAD = "-"
MODES = {"auto": Escalate.AUTO, "fast": Escalate.NEVER, "deep": Escalate.ALWAYS}
POLICIES = ("rules", "logistic")
_ESCALATION = (
    "policy",
    "second_worth",
    "answer_worth",
    "early_abort",
    "warm",
    "background_share",
    "long_draft",
    "long_chars",
    "short_draft",
    "short_chars",
    "flagged_topics",
    "topics",
    "low_confidence",
    "minimum_support",
)
_GENERATION = ("max_tokens", "temperature", "seed")
_LONGEST_NAME, _MOST_COLLECTIONS = 200, 500
UNCOLLECTED = "-"
"""Stands in the panel for what belongs to no collection; no collection has this key or name."""
BRIEF_WORDS = (50, 2000)

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose for a conversation. `language` may be "auto"; without `collections`, all are searched."""

    draft: str
    refine: str
    escalation: EscalationSettings
    generation: GenerationSettings
    passages: int
    collections: tuple[str, ...] = ()
    brief_words: int = 300
    language: str = "auto"
    panel: bool = True
    marks: bool = True
    offers: bool = True
    advanced: bool = False

    @classmethod
    def configured(cls, settings: Settings) -> Choices:
        """What holds until somebody changes it."""
        return cls(
            draft=settings.models.draft,
            refine=settings.models.refine,
            escalation=settings.escalation,
            generation=settings.generation,
            passages=settings.retrieval.passages,
            language=settings.display.language,
        )

    def options(self, mode: str, draft_text: str = "") -> Options:
        """The engine's options for a question asked in `mode` (auto, fast or deep; anything else is auto).

        Auto leaves it to what is configured: an installation that never escalates does not start to.
        """
        escalation = self.escalation
        if mode in MODES and mode != "auto":
            escalation = escalation.model_copy(update={"mode": MODES[mode]})
        return Options(
            draft=self.draft,
            refine=self.refine,
            escalation=escalation,
            generation=self.generation,
            passages=self.passages,
            collections=tuple("" if name == UNCOLLECTED else name for name in self.collections) or None,
            draft_text=draft_text,
        )

    def values(self) -> dict[str, Any]:
        """By widget id, as `read` takes them and the history keeps them."""
        escalation = self.escalation.model_dump(mode="json", include=set(_ESCALATION))
        generation = self.generation.model_dump(mode="json", include=set(_GENERATION))
        generation["seed"] = "" if generation["seed"] is None else str(generation["seed"])
        return {
            "draft": self.draft,
            "refine": self.refine,
            **escalation,
            **generation,
            "passages": self.passages,
            "collections": list(self.collections),
            "brief_words": self.brief_words,
            "language": self.language,
            "panel": self.panel,
            "marks": self.marks,
            "offers": self.offers,
            "advanced": self.advanced,
            "download": NO_DOWNLOAD,
        }


def read(values: Mapping[str, Any], base: Choices) -> tuple[Choices, list[tuple[str, Any]]]:
    """The choices that `values` (from a browser or the history: anything) make of `base`, and what was not taken."""
    wrong: list[tuple[str, Any]] = []
    given = {key: value for key, value in values.items() if value is not None}
    if "seed" in values and not str(values["seed"] or "").strip():
        given["seed"] = None
    names = {
        key: name.strip()
        for key in ("draft", "refine")
        if isinstance(name := given.get(key), str) and 0 < len(name.strip()) <= _LONGEST_NAME
    }
    passages = _checked(RetrievalSettings(passages=base.passages), ("passages",), given, wrong).passages
    collections = given.get("collections", base.collections)
    if not isinstance(collections, list | tuple) or not all(isinstance(one, str) for one in collections):
        wrong.append(("collections", collections))
        collections = base.collections
    words = given.get("brief_words", base.brief_words)
    if not isinstance(words, int | float) or not BRIEF_WORDS[0] <= words <= BRIEF_WORDS[1]:
        wrong.append(("brief_words", words))
        words = base.brief_words
    language = given.get("language", base.language)
    if language not in ("auto", *languages()):
        wrong.append(("language", language))
        language = base.language
    choices = replace(
        base,
        **names,
        escalation=_checked(base.escalation, _ESCALATION, given, wrong),
        generation=_checked(base.generation, _GENERATION, given, wrong),
        passages=passages,
        collections=tuple(dict.fromkeys(name[:_LONGEST_NAME] for name in collections))[:_MOST_COLLECTIONS],
        brief_words=int(words),
        language=language,
        panel=bool(given.get("panel", base.panel)),
        marks=bool(given.get("marks", base.marks)),
        offers=bool(given.get("offers", base.offers)),
        advanced=bool(given.get("advanced", base.advanced)),
    )
    return choices, wrong


def _checked(base: Model, keys: Sequence[str], given: Mapping[str, Any], wrong: list[tuple[str, Any]]) -> Model:
    for key in keys:
        if key not in given:
            continue
        try:
            base = type(base).model_validate({**base.model_dump(), key: given[key]})
        except ValidationError:
            wrong.append((key, given[key]))
    return base


def tabs(
    choices: Choices,
    models: Sequence[ModelInfo],
    ready: bool,
    language: Language,
    *,
    downloading: bool = True,
    collections: Mapping[str, str] | None = None,
) -> list[Tab]:
    """The widgets, set to `choices`: what everybody may want to change, and the rest where that was asked for.

    `ready` says whether `models` is complete, `downloading` whether the person may download any, `collections` the
    names of those that the person may read, by their keys."""
    make = _Widgets(choices.values(), language)
    downloads = [info for info in models if info.state is ModelState.DOWNLOADABLE] if downloading else []
    basic: list[InputWidget] = [
        make.model("draft", models, ready),
        make.model("refine", models, ready),
        *([make.download(downloads)] if downloads else []),
        *make.collections(collections or {}),
        make.language(),
        make.switch("panel"),
        make.switch("marks"),
        *([make.switch("offers")] if downloading else []),
        make.switch("advanced"),
    ]
    shown = [Tab("basic", say("tab_basic", language), basic)]
    if choices.advanced:
        writing: list[InputWidget] = [
            make.slider("max_tokens", 16, max(4096, choices.generation.max_tokens), 16),
            make.slider("temperature", 0.0, 2.0, 0.1),
            make.text("seed"),
            make.slider("brief_words", *BRIEF_WORDS, 50),
        ]
        shown += [
            Tab("escalation", say("tab_escalation", language), _escalation(make, choices.escalation)),
            Tab("retrieval", say("tab_retrieval", language), [make.slider("passages", 1, 20, 1)]),
            Tab("generation", say("tab_generation", language), writing),
        ]
    return shown


def _escalation(make: _Widgets, chosen: EscalationSettings) -> list[InputWidget]:
    """What the chosen way to decide uses, and no more."""
    inputs: list[InputWidget] = [make.policy()]
    if chosen.policy == "logistic":
        inputs += [make.number("second_worth"), make.number("answer_worth")]
    else:
        inputs.append(make.switch("low_confidence"))
        if chosen.low_confidence:
            inputs.append(make.slider("minimum_support", 0.0, 1.0, 0.05))
        inputs.append(make.switch("long_draft"))
        if chosen.long_draft:
            inputs.append(make.slider("long_chars", 50, max(3000, chosen.long_chars), 50))
        inputs.append(make.switch("short_draft"))
        if chosen.short_draft:
            inputs.append(make.slider("short_chars", 1, max(200, chosen.short_chars), 1))
        inputs.append(make.switch("flagged_topics"))
        if chosen.flagged_topics:
            inputs.append(make.tags("topics", chosen.topics))
    return [*inputs, make.switch("early_abort"), make.switch("warm"), make.slider("background_share", 0.0, 1.0, 0.05)]


def fields(shown: Sequence[Tab]) -> set[str]:
    """The ids of the widgets of some tabs."""
    return {widget.id for tab in shown for widget in tab.inputs}


def amiss(wrong: Sequence[tuple[str, Any]], language: Language) -> dict[str, str]:
    """What stands beside each field whose value was not taken."""
    return {
        key: find(f"{key}_wrong", language) or say("settings_wrong", language, name=say(key, language), value=value)
        for key, value in ((key, str(value)[:40]) for key, value in wrong)
    }


class _Widgets:
    def __init__(self, values: Mapping[str, Any], language: Language) -> None:
        self.values = values
        self._language: Language = language

    def say(self, key: str, **values: object) -> str:
        return say(key, self._language, **values)

    def hint(self, key: str) -> str | None:
        return find(f"{key}_hint", self._language)

    def switch(self, key: str) -> Switch:
        return Switch(key, self.say(key), bool(self.values[key]), description=self.hint(key))

    def slider(self, key: str, low: float, high: float, step: float) -> Slider:
        return Slider(key, self.say(key), self.values[key], min=low, max=high, step=step, description=self.hint(key))

    def number(self, key: str) -> NumberInput:
        return NumberInput(key, self.say(key), self.values[key], description=self.hint(key))

    def text(self, key: str) -> TextInput:
        return TextInput(key, self.say(key), self.values[key], description=self.hint(key))

    def tags(self, key: str, chosen: Sequence[str]) -> Tags:
        return Tags(key, self.say(key), list(chosen), description=self.hint(key))

    def policy(self) -> Select:
        items = {self.say(f"policy_{name}"): name for name in POLICIES}
        return Select(
            "policy",
            self.say("policy"),
            initial_value=self.values["policy"],
            items=items,
            description=self.hint("policy"),
        )

    def collections(self, names: Mapping[str, str]) -> list[InputWidget]:
        """What may be searched, where there is more than one part of it."""
        if not names:
            return []
        items = {name: key for key, name in names.items()} | {self.say("uncollected"): UNCOLLECTED}
        chosen = [name for name in self.values["collections"] if name in items.values()]
        label, hint = self.say("collections"), self.hint("collections")
        return [MultiSelect("collections", label, initial=chosen, items=items, description=hint)]

    def language(self) -> Select:
        items = {self.say("language_auto"): "auto"} | {name: code for code, name in languages().items()}
        return Select("language", self.say("language"), initial_value=self.values["language"], items=items)

    def model(self, key: str, models: Sequence[ModelInfo], ready: bool) -> Select:
        """Every model with its state, usable ones first; the one chosen is in the list even when nobody knows it."""
        chosen = self.values[key]
        by_alias: dict[str, ModelInfo] = {}
        for info in sorted(models, key=lambda info: info.state not in USABLE):
            by_alias.setdefault(info.alias, info)
        items = {
            self.say("quotes") if alias == EXTRACTIVE else model_label(info, self._language): alias
            for alias, info in by_alias.items()
        }
        if chosen not in by_alias:
            state = self.say("state_unknown" if ready else "state_pending")
            items = {f"{chosen} · {state}": chosen, **items}
        return Select(key, self.say(key), initial_value=chosen, items=items, description=self.hint(key))

    def download(self, downloads: Sequence[ModelInfo]) -> Select:
        items = {self.say("download_none"): NO_DOWNLOAD}
        items |= {model_label(info, self._language): info.alias for info in downloads}
        return Select(
            "download", self.say("download"), initial_value=NO_DOWNLOAD, items=items, description=self.hint("download")
        )

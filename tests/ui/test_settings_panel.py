from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.runtimes.base import ModelInfo, ModelState
from hybrid.settings import Escalate, EscalationSettings
from tandem.settings import Settings
from tandem.texts import Language
from tandem.ui.settings_panel import Choices, amiss, fields, read, tabs

BASE = Choices.configured(Settings())
MODELS = [
    ModelInfo("a:1", "phi-4-mini", "foundry", ModelState.READY),
    ModelInfo("b:1", "gpt-oss-20b", "foundry", ModelState.DOWNLOADABLE, size_mb=12288),
    ModelInfo("c:1", "broken", "foundry", ModelState.UNAVAILABLE, note="no driver"),
    ModelInfo("extractive", "extractive", "extractive", ModelState.READY),
]


def test_what_a_way_to_decide_does_not_use_is_not_shown() -> None:
    assert fields(tabs(BASE, MODELS, True, "en")) == widgets().keys()
    assert widgets().keys() == {"draft", "refine", "download", "language", "panel", "marks", "offers", "advanced"}
    advanced = replace(BASE, advanced=True)
    rules, weighing = (
        widgets(replace(advanced, escalation=EscalationSettings(**chosen)))
        for chosen in ({"long_draft": False}, {"policy": "logistic"})
    )
    assert {"low_confidence", "minimum_support", "long_draft", "short_chars", "topics"} <= rules.keys()
    assert not rules.keys() & {"second_worth", "answer_worth", "long_chars"}
    assert {"second_worth", "answer_worth", "early_abort", "warm"} <= weighing.keys()
    assert not weighing.keys() & {"low_confidence", "minimum_support", "long_draft", "short_chars", "topics"}


def test_collections_are_picked_by_their_keys_which_stay_when_they_are_renamed() -> None:
    chosen, wrong = read({"collections": ["-1", "Board", "gone"]}, BASE)
    shown = tabs(chosen, MODELS, True, "en", collections={"Board": "Board", "-1": "Pay & <b>"})
    (picker,) = [one for tab in shown for one in tab.to_dict()["inputs"] if one["id"] == "collections"]
    assert picker["initial"] == ["-1", "Board"] and not wrong
    assert {"Pay & <b>": "-1", "Board": "Board"}.items() <= {
        one["label"]: one["value"] for one in picker["items"]
    }.items()
    assert chosen.options("auto").collections == ("-1", "Board", "gone")


def test_what_is_amiss_is_said_of_its_field() -> None:
    _, wrong = read({"seed": "x", "answer_worth": 0, "passages": 500}, BASE)
    said = amiss(wrong, "en")
    assert said["seed"] == "Write a whole number, 0 or more, or leave it empty."
    assert said["answer_worth"] == "Write a number above 0."
    assert said["passages"] == "Passages handed to the model was left as it was: 500 is not allowed there."


def widgets(choices: Choices = BASE, language: Language = "en", ready: bool = True) -> dict[str, dict[str, Any]]:
    return {
        widget["id"]: widget for tab in tabs(choices, MODELS, ready, language) for widget in tab.to_dict()["inputs"]
    }


def test_what_the_panel_shows_is_read_back() -> None:
    changed, wrong = read(
        {
            "draft": "broken",
            "passages": 9,
            "long_draft": False,
            "long_chars": 900,
            "topics": ["law", "pay"],
            "policy": "logistic",
            "second_worth": "0.05",
            "answer_worth": 3,
            "early_abort": False,
            "warm": True,
            "background_share": 0.25,
            "temperature": 0,
            "seed": "7",
            "language": "tr",
            "marks": False,
        },
        BASE,
    )
    assert wrong == []
    assert changed.draft == "broken" and changed.refine == BASE.refine
    assert changed.passages == 9
    assert changed.escalation.topics == ("law", "pay") and not changed.escalation.long_draft
    weighed = changed.escalation
    assert (weighed.policy, weighed.second_worth, weighed.answer_worth) == ("logistic", 0.05, 3)
    assert (weighed.early_abort, weighed.warm, weighed.background_share) == (False, True, 0.25)
    assert changed.options("auto").escalation == weighed
    assert changed.generation.seed == 7 and changed.generation.temperature == 0
    assert read(changed.values(), BASE) == (changed, [])
    assert read({**changed.values(), "seed": ""}, changed)[0].generation.seed is None


@given(
    st.dictionaries(
        st.sampled_from([*BASE.values(), "unheard of"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers())),
    )
)
def test_anything_may_come_back_from_a_browser(values: dict[str, Any]) -> None:
    choices, wrong = read(values, BASE)
    assert read(choices.values(), BASE)[1] == []
    assert {key for key, _ in wrong} <= values.keys()


def test_what_is_not_allowed_is_named_and_left_as_it_was() -> None:
    given = {"passages": 500, "temperature": "hot", "max_tokens": 100, "policy": "dice", "second_worth": "", "warm": 7}
    choices, wrong = read(given, BASE)
    assert sorted(key for key, _ in wrong) == ["passages", "policy", "second_worth", "temperature", "warm"]
    assert choices.escalation == BASE.escalation
    assert choices.passages == BASE.passages
    assert choices.generation.max_tokens == 100


@pytest.mark.parametrize(
    ("mode", "configured", "expected"),
    [
        ("auto", Escalate.AUTO, Escalate.AUTO),
        ("auto", Escalate.NEVER, Escalate.NEVER),
        ("fast", Escalate.AUTO, Escalate.NEVER),
        ("deep", Escalate.NEVER, Escalate.ALWAYS),
        ("nonsense", Escalate.AUTO, Escalate.AUTO),
    ],
)
def test_the_mode_of_a_question(mode: str, configured: Escalate, expected: Escalate) -> None:
    choices = Choices.configured(Settings(escalation=EscalationSettings(mode=configured)))
    escalation = choices.options(mode).escalation
    assert escalation is not None and escalation.mode is expected


def test_every_model_is_listed_with_its_state() -> None:
    labels = {item["value"]: item["label"] for item in widgets()["draft"]["items"]}
    assert labels == {
        "phi-4-mini": "phi-4-mini · ready",
        "extractive": "Quotes only, no model",
        "gpt-oss-20b": "gpt-oss-20b · to download, 12.0 GB",
        "broken": "broken · unavailable",
    }
    assert [item["value"] for item in widgets()["download"]["items"]] == ["-", "gpt-oss-20b"]


def test_the_chosen_model_is_listed_even_when_nobody_knows_it() -> None:
    choices, _ = read({"draft": "mystery"}, BASE)
    assert widgets(choices)["draft"]["items"][0] == {"label": "mystery · not found", "value": "mystery"}
    assert widgets(choices, ready=False)["draft"]["items"][0]["label"] == "mystery · being looked up"
    assert widgets(choices, "tr")["draft"]["items"][0]["label"] == "mystery · bulunamadı"
    assert widgets(choices)["draft"]["initial"] == "mystery"


@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_escalation_setting_but_the_mode_has_a_widget_with_a_label(language: Language) -> None:
    advanced = replace(BASE, advanced=True)
    weighing = replace(advanced, escalation=EscalationSettings(policy="logistic"))
    shown = widgets(advanced, language) | widgets(weighing, language)
    assert EscalationSettings.model_fields.keys() - shown.keys() == {"mode"}
    assert [item["value"] for item in shown["policy"]["items"]] == ["rules", "logistic"]
    assert all(widget["label"] for widget in shown.values())

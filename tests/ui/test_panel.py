from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hybrid.events import Answer, Decision, Reason
from hybrid.runtimes.base import Usage
from hybrid.tracing.store import Percentiles
from hybrid.tracing.trace import StageRecord, Trace
from rag.types import CheckedAnswer, CheckedSentence, Passage, Support
from tandem.ui import panel

PASSAGE = Passage(
    "p1", "hr/leave.pdf", "One. Two \U0001f600 three. Four.", 0, 26, page=2, headings=("HR", "Leave"), score=1.234
)
OTHER = Passage("p2", "travel.md", "Trains.", 0, 7)


def sentence(support: Support, *passages: str, evidence: tuple[int, int] | None = None) -> CheckedSentence:
    return CheckedSentence("s", 0, 1, support, 0.9, passages, evidence)


def answer(*sentences: CheckedSentence, **changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "text": "x",
        "checked": CheckedAnswer("x", sentences),
        "passages": (PASSAGE, OTHER),
        "model": "m",
        "runtime": "r",
        "stage": "draft",
        "escalated": False,
    }
    return Answer(**{**fields, **changes})


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50)), max_size=5))
def test_a_passage_is_shown_whole_whatever_is_marked(text: str, spans: list[tuple[int, int]]) -> None:
    sentences = tuple(sentence(Support.SUPPORTED, "p", evidence=span) for span in spans)
    (source,) = panel.sources([Passage("p", "d.md", text, 0, len(text))], CheckedAnswer("x", sentences))
    assert "".join(part["text"] for part in source["parts"]) == text
    assert all(part["text"] for part in source["parts"])
    marked = {i for start, end in spans for i in range(max(0, start), min(end, len(text)))}
    at = 0
    for part in source["parts"]:
        for place in range(at, at + len(part["text"])):
            assert part["mark"] == (place in marked) or not text[place].strip()
        at += len(part["text"])


def test_the_supporting_sentence_is_marked_and_the_source_is_cited() -> None:
    checked = answer(sentence(Support.SUPPORTED, "p1", evidence=(5, 17)), sentence(Support.UNSUPPORTED)).checked
    first, second = panel.sources((PASSAGE, OTHER), checked)
    assert [part["text"] for part in first["parts"] if part["mark"]] == [PASSAGE.text[5:17]]
    assert (first["n"], first["document"], first["page"], first["headings"]) == (1, "hr/leave.pdf", 2, ["HR", "Leave"])
    assert first["cited"] and not second["cited"]


def test_latency_carries_spans_tokens_and_percentiles() -> None:
    trace = Trace.start("q")
    with trace.span("retrieve"):
        pass
    trace.stages.append(
        StageRecord("draft", "phi", "foundry", Usage(10, 5, estimated=True), "stop", 1.0, 2.0, 3.0, 50.0)
    )
    trace.finish()
    shown = panel.latency(trace.as_dict(), {"total_ms": Percentiles(3, 1.5, None, 2.0)})
    assert [span["name"] for span in shown["spans"]] == ["retrieve"]
    assert shown["stages"][0]["completion_tokens"] == 5 and shown["stages"][0]["estimated"]
    assert shown["conversation"] == {"total_ms": {"count": 3, "p50": 1.5, "p95": None}}
    assert shown["total_ms"] == trace.total_ms


def test_the_four_outcomes() -> None:
    trace = Trace.start("q").finish().as_dict()
    keep = Decision(False, 0.1, (Reason("kept", "No rule speaks against it."),), "rules", "1")
    escalate = Decision(True, 0.9, (Reason("unsupported", "Only 40%.", {"support": 0.4}),), "rules", "1")
    cases = [
        (keep, answer(), "kept"),
        (escalate, answer(escalated=True, stage="refine"), "refined"),
        (escalate, answer(escalated=True), "draft_stands"),
        (escalate, None, "escalated"),
        (None, None, "none"),
    ]
    for made, given_answer, outcome in cases:
        assert panel.decision(made, given_answer, trace, "en")["outcome"] == outcome
    assert panel.decision(escalate, None, trace, "en")["reasons"] == ["Only 40%."]
    assert panel.decision(escalate, None, trace, "tr")["reasons"] == [
        "Belgeler taslağın cümlelerinin yalnızca %40 kadarını destekliyor."
    ]


def cost(money: float, escalated: int, cloud: float | None = None) -> dict[str, Any]:
    return {
        "currency": "EUR",
        "answers": 1,
        "escalated": escalated,
        "tokens": {"prompt": 100, "cached": 10, "reasoning": 0, "completion": 20},
        "estimated": False,
        "stages": {},
        "seconds": 2.0,
        "money": money,
        "always_large": 0.5,
        "always_large_seconds": 6.0,
        "always_small": 0.1,
        "always_small_seconds": 1.5,
        "saved": 0.5 - money,
        "cloud": cloud,
    }


def test_costs_are_blended_over_the_conversation() -> None:
    whole = panel.blended([cost(0.25, 0, 0.75), cost(0.5, 1, 0.25)])
    assert whole is not None
    assert (whole["answers"], whole["escalated"], whole["money"], whole["cloud"]) == (2, 1, 0.75, 1.0)
    assert (whole["always_large"], whole["saved"], whole["always_small_seconds"]) == (1.0, 0.25, 3.0)
    assert whole["tokens"] == {"prompt": 200, "cached": 20, "reasoning": 0, "completion": 40}
    unknown = panel.blended([cost(0.25, 0, 0.75), cost(0.5, 1)])
    assert unknown is not None and unknown["cloud"] is None
    assert panel.blended([]) is None


def test_why_a_refinement_is_not_shown_is_told_with_the_decision() -> None:
    trace = Trace.start("q").finish().as_dict()
    escalate = Decision(True, 0.9, (), "rules", "1")
    notices = [{"code": "spelling", "text": "a"}, {"code": "refinement_kept_draft", "text": "b"}]
    told = panel.decision(escalate, answer(escalated=True), trace, "en", notices, [cost(0.25, 1)])
    assert told["not_shown"] == ["b"]
    assert told["cost"] is None and told["blended"]["money"] == 0.25

"""Verdicts follow from the figures, and say why."""

from __future__ import annotations

from tandem.bench.schema import Estimate, Judged, Limits, Model
from tests.tandem.bench.made import judged, measured, report

FAST = {"first_s": 0.1, "gap_s": 0.005}
SLOW = {"first_s": 0.5, "gap_s": 0.05}


def test_equal_quality_leaves_the_choice_to_speed() -> None:
    found = report(measured("large", **SLOW, right=(52, 60)), measured("small", **FAST, right=(50, 60))).recommendation

    assert found is not None
    assert (found.draft, found.refine) == ("small", None)
    assert "not significantly below large's" in found.draft_reasons[1]
    assert "No pair pays: large" in found.pair_reasons[0]
    assert any("questions each would show it" in sentence for sentence in found.would_change)


def test_a_much_better_large_model_refines_what_a_good_enough_small_one_drafts() -> None:
    found = report(
        measured("large", **SLOW, right=(118, 120)), measured("small", **FAST, right=(95, 120))
    ).recommendation

    assert found is not None
    assert (found.draft, found.refine) == ("small", "large")
    assert "significantly better" in found.pair_reasons[0]


def test_a_small_model_that_is_mostly_wrong_does_not_draft() -> None:
    found = report(
        measured("large", **SLOW, right=(118, 120)), measured("small", **FAST, right=(20, 120))
    ).recommendation

    assert found is not None
    assert (found.draft, found.refine) == ("large", None)


def test_what_was_not_measured_for_answers_is_not_recommended_and_it_is_said() -> None:
    rubric = [judged(measured(name, **speed), 0.9, 0.8, 1.0) for name, speed in (("large", SLOW), ("small", FAST))]
    found = report(*rubric).recommendation

    assert found is not None
    assert (found.draft, found.refine) == (None, None)
    (why,) = (reason for reason in found.draft_reasons if "left out" in reason)
    assert why.startswith("large and small are left out: ") and "--questions FILE" in why
    assert any(sentence.startswith("small: one person") for sentence in found.capacity)


def test_one_that_was_measured_is_recommended_beside_one_that_was_not() -> None:
    found = report(measured("large", **SLOW, right=(90, 100)), measured("small", **FAST)).recommendation

    assert found is not None
    assert found.draft == "large"
    assert any(reason.startswith("small is left out: ") for reason in found.draft_reasons)


def test_what_people_scored_is_recommended_where_they_liked_it() -> None:
    for points, chosen in ((4.5, "small"), (1.5, None)):
        model = measured("small", **FAST)
        model.quality.manual = Judged(answers=9, overall=Estimate(value=points, low=points, high=points))
        found = report(model).recommendation
        assert found is not None and found.draft == chosen


def test_a_model_that_was_right_not_even_once_is_not_recommended() -> None:
    found = report(measured("large", **SLOW, right=(0, 9)), measured("small", **FAST, right=(0, 9))).recommendation

    assert found is not None
    assert found.draft is None
    assert any("large and small are left out: the answers are no good" in why for why in found.draft_reasons)


def test_a_model_that_fails_too_often_is_left_out() -> None:
    found = report(measured("large", **SLOW, right=(50, 60)), measured("small", **FAST, failed=20)).recommendation

    assert found is not None
    assert found.draft == "large"
    assert "small is left out: 20 of its 60 requests failed." in found.draft_reasons


def test_a_model_that_never_ran_is_named_with_its_reason() -> None:
    dead = Model(name="dead", status="failed", reason="Nothing answers there.")
    found = report(measured("small", **FAST), dead).recommendation

    assert found is not None
    assert any("dead could not be measured (Nothing answers there)" in sentence for sentence in found.would_change)
    nothing = report(dead).recommendation
    assert nothing is not None and nothing.draft is None


def test_limits_exclude_what_is_too_slow() -> None:
    limits = Limits(ttft_ms=300.0)
    models = [measured(n, **speed, right=right, limits=limits)
              for n, speed, right in (("large", SLOW, (60, 60)), ("small", FAST, (20, 60)))]  # fmt: skip
    found = report(*models, limits=limits).recommendation

    assert found is not None
    assert found.draft == "small"
    assert "large broke the service level even for one person." in found.draft_reasons


def test_capacity_is_the_last_load_that_kept_the_aim() -> None:
    loads = ((1, 1.0), (2, 1.5), (4, 4.0), (8, 30.0))
    found = report(measured("small", **FAST, loads=loads)).recommendation

    assert found is not None
    assert found.capacity[0] == "The aim: the first word within 2 s for 95 % of requests."
    assert found.capacity[1].startswith("small: 4 people at once kept it (p95 ")
    assert "8 people at once did not (p95 3." in found.capacity[1]


def test_saturation_is_where_more_people_bring_no_more_tokens() -> None:
    model = measured("small", **FAST, count=64, loads=((1, 1.0), (2, 1.0), (4, 2.0), (8, 4.0)))

    assert model.saturation is not None and model.saturation.load is not None
    assert model.saturation.load.concurrency == 2
    assert measured("one").saturation is None
    unsaturated = measured("small", loads=((1, 1.0), (4, 1.0))).saturation
    assert unsaturated is not None and unsaturated.load is None


def test_the_same_model_on_two_devices_is_compared() -> None:
    found = report(
        measured("phi (cpu)", **SLOW, device="cpu"), measured("phi (gpu)", **FAST, device="gpu")
    ).recommendation

    assert found is not None
    assert found.devices[0].startswith("phi: gpu ")
    assert "gpu is 7." in found.devices[0]


def test_a_model_worse_than_the_quote_is_never_recommended() -> None:
    found = report(measured("loops", right=(6, 100)), measured("fine", first_s=2.0, right=(97, 100)), quoted=(94, 100))
    assert found.recommendation is not None and found.recommendation.draft == "fine"
    assert any("loops is left out" in why and "(0.94)" in why for why in found.recommendation.draft_reasons)
    alone = report(measured("loops", right=(6, 100)), quoted=(94, 100)).recommendation
    assert alone is not None and (alone.draft, alone.refine) == (None, None)

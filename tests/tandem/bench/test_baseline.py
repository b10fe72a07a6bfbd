"""What became better or worse: real shifts are found, chance and trifles are not."""

from __future__ import annotations

from tandem.bench.baseline import compare
from tandem.bench.schema import Model
from tests.tandem.bench.made import measured, report


def verdicts(now: Model, before: Model) -> dict[str, str]:
    found = compare(report(now), report(before), "report.json")
    assert found.regressed == any(change.verdict == "worse" for change in found.changes)
    return {change.metric: change.verdict for change in found.changes}


def test_the_same_model_again_is_the_same() -> None:
    assert set(verdicts(measured("m", seed=1), measured("m", seed=2)).values()) == {"same"}


def test_a_slower_model_is_worse_and_a_faster_one_better() -> None:
    slow, fast = measured("m", first_s=0.15, gap_s=0.013), measured("m", first_s=0.1, gap_s=0.01)

    assert set(verdicts(slow, fast).values()) == {"worse"}
    assert set(verdicts(fast, slow).values()) == {"better"}


def test_a_significant_trifle_is_no_change() -> None:
    a, b = measured("m", count=600, seed=1), measured("m", count=600, first_s=0.102, gap_s=0.0102, seed=2)

    assert set(verdicts(b, a).values()) == {"same"}


def test_more_failures_are_worse() -> None:
    assert verdicts(measured("m", failed=15, seed=1), measured("m", seed=2))["failed share"] == "worse"


def test_fewer_right_answers_are_worse() -> None:
    found = verdicts(measured("m", right=(40, 100), seed=1), measured("m", right=(80, 100), seed=2))

    assert found["key_facts"] == "worse"


def test_a_model_that_fails_now_is_a_regression() -> None:
    found = compare(report(Model(name="m", status="failed", reason="gone")), report(measured("m")), "report.json")

    assert found.regressed
    assert found.changes[0].verdict == "worse"


def test_models_come_and_go_without_regression() -> None:
    found = compare(report(measured("b")), report(measured("a")), "report.json")

    assert [change.verdict for change in found.changes] == ["gone", "new"]
    assert not found.regressed

"""Two reports -> what became better or worse, beyond chance and beyond trifles.

Knows which figures are compared and when a difference counts: by a permutation test on the requests' own values (or
Fisher's exact test on counts), corrected for the number of comparisons (Holm, Scandinavian Journal of Statistics 6,
1979), and only from 5 % on. Does not know files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tandem.bench import stats
from tandem.bench.schema import Baseline, Change, Level, Model, Quality, Report, Request, Share

TRIFLE = 0.05
CHANCE = 0.05
_TIMES: tuple[tuple[str, Callable[[Request], float | None], bool], ...] = (
    ("first_token_ms", lambda r: r.first_token_ms, False),
    ("tpot_ms", lambda r: r.tpot_ms, False),
    ("total_ms", lambda r: r.total_ms, False),
)


@dataclass(slots=True)
class _Test:
    change: Change
    p: float
    worse: bool
    counts: bool


def compare(now: Report, before: Report, file: str) -> Baseline:
    """Every figure that both reports have. A model that was measured then and failed now is a regression."""
    tests: list[_Test] = []
    changes: list[Change] = []
    known = {model.name: model for model in before.models if model.status != "failed"}
    for model in now.models:
        old = known.pop(model.name, None)
        if old is None:
            verdict = "new" if model.status != "failed" else "same"
            changes.append(Change(model=model.name, metric="status", before=None, now=None, verdict=verdict))
        elif model.status == "failed":
            changes.append(Change(model=model.name, metric="measured at all", before=1.0, now=0.0, verdict="worse"))
        else:
            tests += _times(model, old) + _throughputs(model, old) + _failures(model, old) + _quality(model, old)
    changes += [Change(model=name, metric="status", before=None, now=None, verdict="gone") for name in known]
    _decide(tests)
    changes += [test.change for test in tests]
    order = {"worse": 0, "better": 1, "gone": 2, "new": 3, "same": 4}
    changes.sort(key=lambda change: order[change.verdict])
    regressed = any(change.verdict == "worse" for change in changes)
    return Baseline(file=file, created=before.created, changes=changes, regressed=regressed)


def _times(model: Model, old: Model) -> list[_Test]:
    load = model.levels[0].load.label if model.levels else ""
    if not model.levels or not old.levels or old.levels[0].load.label != load:
        return []
    tests = []
    for metric, value, more_is_better in _TIMES:
        new, past = _values(model.requests, value), _values(old.requests, value)
        if len(new) > 1 and len(past) > 1:
            mean, mean_before = sum(new) / len(new), sum(past) / len(past)
            p = stats.shift_p(new, past)
            tests.append(_test(model.name, load, metric, mean_before, mean, p, more_is_better))
    return tests


def _values(requests: Sequence[Request], value: Callable[[Request], float | None]) -> list[float]:
    return [found for r in requests if r.failure is None and (found := value(r)) is not None]


def _throughputs(model: Model, old: Model) -> list[_Test]:
    """By their intervals: two normal estimates whose 95 % intervals give the standard errors."""
    tests = []
    for level in model.levels:
        past = _same_load(level, old)
        new_rate, old_rate = level.tokens_per_s, past.tokens_per_s if past is not None else None
        if new_rate is None or old_rate is None:
            continue
        spread = _error(new_rate.low, new_rate.high) ** 2 + _error(old_rate.low, old_rate.high) ** 2
        if spread > 0:
            p = stats.normal_p((new_rate.value - old_rate.value) / spread**0.5)
            tests.append(_test(model.name, level.load.label, "tokens_per_s", old_rate.value, new_rate.value, p, True))
    return tests


def _error(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else (high - low) / (2 * stats.Z)


def _failures(model: Model, old: Model) -> list[_Test]:
    tests = []
    for level in model.levels:
        past = _same_load(level, old)
        if past is not None and (level.failed or past.failed):
            share, share_before = level.failed / level.requests, past.failed / past.requests
            p = stats.share_p(level.failed, level.requests, past.failed, past.requests)
            tests.append(_test(model.name, level.load.label, "failed share", share_before, share, p, False, True))
    return tests


def _same_load(level: Level, old: Model) -> Level | None:
    return next((one for one in old.levels if one.load == level.load), None)


def _quality(model: Model, old: Model) -> list[_Test]:
    tests = []
    for metric, more_is_better in (
        ("key_facts", True),
        ("citation_precision", True),
        ("abstention", True),
        ("false_refusals", False),
    ):
        new, past = _share(model.quality, metric), _share(old.quality, metric)
        if new is not None and past is not None and new.value is not None and past.value is not None:
            p = stats.share_p(round(new.value * new.n), new.n, round(past.value * past.n), past.n)
            tests.append(_test(model.name, "documents", metric, past.value, new.value, p, more_is_better, True))
    return tests


def _share(quality: Quality, metric: str) -> Share | None:
    found: Share | None = getattr(quality.grounded, metric, None)
    return found


def _test(
    model: str, load: str, metric: str, before: float, now: float, p: float, more_is_better: bool, counts: bool = False
) -> _Test:
    ratio = round(now / before, 4) if before else None
    change = Change(
        model=model,
        load=load,
        metric=metric,
        before=round(before, 4),
        now=round(now, 4),
        ratio=ratio,
        p_value=round(p, 6),
        verdict="same",
    )
    return _Test(change, p, (now < before) if more_is_better else (now > before), counts)


def _decide(tests: Sequence[_Test]) -> None:
    """Holm's step-down over all tests; then trifles are dropped."""
    for place, test in enumerate(sorted(tests, key=lambda test: test.p)):
        if test.p > CHANCE / (len(tests) - place):
            return
        change = test.change
        before, now = change.before or 0.0, change.now or 0.0
        if abs(now - before) >= TRIFLE * (1.0 if test.counts else abs(before)):
            change.verdict = "worse" if test.worse else "better"

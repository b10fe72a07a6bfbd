"""How well answers that rest on their context are told from those that do not.

Knows recorded answers with their context and a judge's label. Fits on the figures of `rag.grounding.overlap` alone, and
scores what it was not fitted on. Does not ask any model.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from hybrid.policies import logistic
from rag.grounding import overlap
from tandem.evaluate import lines, measures
from tandem.evaluate.measures import Floats

MINIMUM = 40
ATTRIBUTABLE = "Fully attributable"
CONTEXT_BYTES = 8192
TIMED = 1000


class Grounded(BaseModel):
    """An answer, the context it was to rest on, and a judge's verdict."""

    context: str
    answer: str
    label: str


def evaluate(file: Path, fit: Path | None = None) -> dict[str, Any]:
    """The measures of telling `Fully attributable` answers from the others, and how long one takes.

    Fitted on `fit`; without it, by nested cross-validation on `file` itself. Raises UserFacingError.
    """
    answers = lines.read(file, Grounded, MINIMUM)
    matrix, held = _measured(answers)
    if fit is None:
        scores = logistic.cross_validated(overlap.NAMES, matrix, held)
        head = logistic.fit_best(overlap.NAMES, matrix, held)
        how = "nested cross-validation"
    else:
        head = logistic.fit_best(overlap.NAMES, *_measured(lines.read(fit, Grounded, MINIMUM)))
        scores = head.probabilities(matrix)
        how = f"fitted on {fit.name}"
    p50, p99 = _timed(answers, head)
    return {
        "auroc": _rounded(measures.auroc(scores, held)),
        "auroc_interval": [_rounded(end) for end in measures.interval(measures.auroc, scores, held)],
        "ece": _rounded(measures.ece(scores, held)),
        "accuracy": _rounded(float(((scores >= 0.5) == (held > 0.5)).mean())),
        "answers": len(held),
        "attributable": _rounded(float(held.mean())),
        "fitted": how,
        "beside": {
            name: _rounded(measures.auroc(matrix[:, overlap.NAMES.index(name)], held))
            for name in ("word_precision", "content_precision", "rouge_l_precision")
        },
        "context_bytes": CONTEXT_BYTES,
        "p50_ms": p50,
        "p99_ms": p99,
    }


def _measured(answers: Sequence[Grounded]) -> tuple[Floats, Floats]:
    matrix = np.array([overlap.measure(one.answer, one.context) for one in answers])
    return matrix, np.array([one.label == ATTRIBUTABLE for one in answers], dtype=np.float64)


def _timed(answers: Sequence[Grounded], head: logistic.Head) -> tuple[float, float]:
    """Milliseconds (median, 99th percentile) to judge one answer against a context of CONTEXT_BYTES that was never seen
    before: contexts of the file, one after the other.
    """
    contexts = [one.context for one in answers]
    times = []
    for number in range(TIMED):
        start = number % len(contexts)
        joined, length = [], 0
        for at in range(len(contexts) * 1000):
            text = contexts[(start + at) % len(contexts)]
            joined.append(text)
            length += len(text.encode()) + 1
            if length >= CONTEXT_BYTES:
                break
        context = "\n".join(joined).encode()[:CONTEXT_BYTES].decode(errors="ignore")
        answer = answers[start].answer
        began = time.perf_counter()
        head.probability(dict(zip(overlap.NAMES, overlap.measure(answer, context), strict=True)))
        times.append((time.perf_counter() - began) * 1000.0)
    p50, p99 = np.percentile(times, [50, 99])
    return round(float(p50), 3), round(float(p99), 3)


def _rounded(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
